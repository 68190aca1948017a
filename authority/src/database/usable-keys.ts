import DataLoader from 'dataloader';
import type { CompiledQuery } from 'kysely';
import type { Permission } from 'mesa-auth/access-token';

import type { Organization } from '../rules/caller.ts';
import type { Database } from './schema.ts';

/** An API key that works now: known, not revoked, not expired. */
export interface UsableKey {
  readonly id: string;
  readonly name: string | null;
  readonly organization: Organization;
  readonly permissions: readonly Permission[];
  readonly repoIds: readonly string[] | null;
  readonly sealedSecret: Uint8Array;
}

/**
 * Looks up keys for requests. Each look-up asks the database after the request has come, so a revocation anywhere holds
 * with the next request.
 */
export interface UsableKeys {
  /** @returns undefined when there is none that works at `now` */
  byDigest(digest: Uint8Array, now: Date): Promise<UsableKey | undefined>;
  byId(id: string, now: Date): Promise<UsableKey | undefined>;
}

const MAX_BATCH = 32;

/** Requests that came together are looked up together: one question to the database takes as long as one look-up. */
export function usableKeys(db: Database): UsableKeys {
  const byDigest = lookUp(db, 'digest', nameOfDigest);
  const byId = lookUp(db, 'id', (id: string) => id);
  return {
    byDigest: async (digest, now) => usableAt(await byDigest.load(digest), now),
    byId: async (id, now) => usableAt(await byId.load(id), now),
  };
}

function lookUp<K extends Uint8Array | string>(
  db: Database,
  column: 'digest' | 'id',
  nameOf: (value: K) => string,
): DataLoader<K, Row | undefined> {
  // Compiled once for each number of them: building the text takes longer than SQLite needs for the answer.
  const queries = new Map<number, CompiledQuery<Row>>();
  const load = async (values: readonly K[]): Promise<(Row | undefined)[]> => {
    const parameters = padded(values);
    let query = queries.get(parameters.length);
    if (query === undefined) {
      query = selectUsable(db)
        .where(`api_keys.${column}`, 'in', parameters as never[])
        .compile();
      queries.set(parameters.length, query);
    }
    const { rows } = await db.executeQuery<Row>({ ...query, parameters });
    const found = new Map(rows.map((row) => [nameOf(row[column] as K), row]));
    return values.map((value) => found.get(nameOf(value)));
  };
  // After the requests that are being read, which is also what keeps this true: nothing is older than its request.
  return new DataLoader(load, { cache: false, maxBatchSize: MAX_BATCH, batchScheduleFn: setImmediate });
}

type Row = Awaited<ReturnType<ReturnType<typeof selectUsable>['executeTakeFirstOrThrow']>>;

function selectUsable(db: Database) {
  return db
    .selectFrom('api_keys')
    .innerJoin('organizations', 'organizations.id', 'api_keys.organization_id')
    .select([
      'api_keys.id',
      'api_keys.digest',
      'api_keys.name',
      'api_keys.scopes',
      'api_keys.repo_ids',
      'api_keys.sealed_secret',
      'api_keys.expires_at',
      'organizations.id as organization_id',
      'organizations.slug',
      'organizations.name as organization_name',
    ])
    .where('api_keys.revoked_at', 'is', null);
}

/** Up to the next power of two with the last of them again, so that few statements do for every number. */
function padded<K>(values: readonly K[]): readonly K[] {
  const size = 2 ** Math.ceil(Math.log2(values.length));
  return [...values, ...Array.from({ length: size - values.length }, () => values.at(-1) as K)];
}

function nameOfDigest(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1');
}

function usableAt(row: Row | undefined, now: Date): UsableKey | undefined {
  if (row === undefined || (row.expires_at !== null && row.expires_at <= now.getTime())) {
    return undefined;
  }
  return {
    id: row.id,
    name: row.name,
    organization: { id: row.organization_id, slug: row.slug, name: row.organization_name },
    permissions: JSON.parse(row.scopes) as Permission[],
    repoIds: row.repo_ids === null ? null : (JSON.parse(row.repo_ids) as string[]),
    sealedSecret: row.sealed_secret,
  };
}
