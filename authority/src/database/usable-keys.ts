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

/** Looks up keys for requests; each look-up asks the database, so a revocation anywhere holds with the next request. */
export interface UsableKeys {
  /** @returns undefined when there is none that works at `now` */
  byDigest(digest: Uint8Array, now: Date): Promise<UsableKey | undefined>;
  byId(id: string, now: Date): Promise<UsableKey | undefined>;
}

export function usableKeys(db: Database): UsableKeys {
  const select = db
    .selectFrom('api_keys')
    .innerJoin('organizations', 'organizations.id', 'api_keys.organization_id')
    .select([
      'api_keys.id',
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
  type Row = Awaited<ReturnType<typeof select.executeTakeFirstOrThrow>>;
  // Compiled once: building the text takes longer than SQLite needs for the answer.
  const byDigest = select.where('api_keys.digest', '=', new Uint8Array()).compile();
  const byId = select.where('api_keys.id', '=', '').compile();

  const find = async (query: typeof byId, parameter: unknown, now: Date): Promise<UsableKey | undefined> => {
    const { rows } = await db.executeQuery<Row>({ ...query, parameters: [parameter] });
    const [row] = rows;
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
  };
  return {
    byDigest: (digest, now) => find(byDigest, digest, now),
    byId: (id, now) => find(byId, id, now),
  };
}
