import type { SelectQueryBuilder, Selectable } from 'kysely';
import { deriveSigningSecret, type Permission } from 'mesa-auth/access-token';
import { ulid } from 'ulid';

import { ApiError } from '../errors.ts';
import { generateApiKey } from '../rules/api-key.ts';
import { changeTags, type Tags } from '../rules/tags.ts';
import { parseCursor, pageOf, type Page } from '../rules/page.ts';
import type { Sealer } from '../secrets/sealer.ts';
import { containing } from './containing.ts';
import type { Database, Schema } from './schema.ts';

export interface ApiKey {
  readonly id: string;
  readonly name: string | null;
  readonly permissions: readonly Permission[];
  /** Null for all repositories. */
  readonly repoIds: readonly string[] | null;
  readonly tags: Tags;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewApiKey {
  readonly organizationId: string;
  readonly name: string | null;
  readonly permissions: readonly Permission[];
  readonly repoIds: readonly string[] | null;
  readonly tags: Tags;
  readonly expiresAt: Date | null;
}

export type KeyStatus = 'active' | 'revoked' | 'expired' | 'all';

export interface ApiKeyFilter {
  readonly limit: number;
  readonly cursor: string | undefined;
  /** Part of the name, in any case. */
  readonly query: string | undefined;
  readonly status: KeyStatus;
  readonly permission: Permission | undefined;
  /** Keys that are restricted, to this repository among others. */
  readonly repoId: string | undefined;
  /** Only keys that are restricted to some of these; null for all keys. */
  readonly withinRepoIds: readonly string[] | null;
}

type Columns = Selectable<Schema['api_keys']>;
type Listed = Omit<Columns, 'digest' | 'sealed_secret' | 'folded_name' | 'organization_id'>;

const LISTED = [
  'id',
  'name',
  'scopes',
  'repo_ids',
  'tags',
  'created_at',
  'expires_at',
  'revoked_at',
  'last_used_at',
] as const;

export type CreatedApiKey = ApiKey & {
  /** The key itself, which cannot be had again. */
  readonly secret: string;
};

/** Stores a new API key, which works as soon as the transaction, if `db` is one, has ended. */
export async function insertApiKey(
  db: Database,
  sealer: Sealer,
  { organizationId, ...key }: NewApiKey,
  now: Date,
): Promise<CreatedApiKey> {
  const id = `key_${ulid(now.getTime())}`;
  const secret = generateApiKey();
  await db
    .insertInto('api_keys')
    .values({
      id,
      organization_id: organizationId,
      name: key.name,
      folded_name: key.name?.toLowerCase() ?? null,
      digest: sealer.digest(secret),
      sealed_secret: sealer.seal(deriveSigningSecret(secret), id),
      scopes: JSON.stringify(key.permissions),
      repo_ids: key.repoIds === null ? null : JSON.stringify(key.repoIds),
      tags: JSON.stringify(key.tags),
      created_at: now.getTime(),
      expires_at: key.expiresAt?.getTime() ?? null,
    })
    .execute();
  return { ...key, id, secret, createdAt: now, revokedAt: null, lastUsedAt: null };
}

/**
 * Stores a new API key for somebody who holds another one. A revocation of that waits for this, or this for it: a
 * revoked key leaves no new one behind.
 * @throws UNAUTHORIZED when the creator was revoked meanwhile
 */
export async function insertApiKeyBy(
  creatorId: string,
  db: Database,
  sealer: Sealer,
  key: NewApiKey,
  now: Date,
): Promise<CreatedApiKey> {
  return db.transaction().execute(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('api_keys')
      // Changes nothing and takes the row's lock.
      .set((row) => ({ tags: row.ref('tags') }))
      .where('id', '=', creatorId)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) {
      throw new ApiError('UNAUTHORIZED', 'Invalid API key or access token');
    }
    return insertApiKey(transaction, sealer, key, now);
  });
}

/** @returns undefined when the organization has no such key */
export async function findApiKey(
  db: Database,
  organizationId: string,
  id: string,
): Promise<ApiKey | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(LISTED)
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** The newest first. */
export async function listApiKeys(
  db: Database,
  organizationId: string,
  filter: ApiKeyFilter,
  now: Date,
): Promise<Page<ApiKey>> {
  let query = db.selectFrom('api_keys').select(LISTED).where('organization_id', '=', organizationId);
  query = withStatus(query, filter.status, now.getTime());
  if (filter.cursor !== undefined) {
    query = query.where('id', '<', parseCursor(filter.cursor));
  }
  if (filter.query !== undefined) {
    query = query.where(containing('folded_name', filter.query.toLowerCase()));
  }
  if (filter.permission !== undefined) {
    query = query.where(containing('scopes', JSON.stringify(filter.permission)));
  }
  if (filter.repoId !== undefined) {
    query = query.where(containing('repo_ids', JSON.stringify(filter.repoId)));
  }
  if (filter.withinRepoIds !== null) {
    return pageWithin(query, filter, filter.withinRepoIds);
  }
  const rows = await query
    .orderBy('id', 'desc')
    .limit(filter.limit + 1)
    .execute();
  return pageOf(rows.map(fromRow), filter.limit, ({ id }) => id);
}

/** Idempotent: the first revocation stays. Whoever shows the key, or a token of it, is refused from the next request on. */
export async function revokeApiKey(db: Database, id: string, now: Date): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ revoked_at: now.getTime() })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
}

/** @returns all tags after the change */
export async function updateApiKeyTags(
  db: Database,
  id: string,
  changes: Readonly<Record<string, string | null>>,
): Promise<Tags> {
  return db.transaction().execute(async (transaction) => {
    const locked = await transaction
      .updateTable('api_keys')
      // Takes the row's lock before it is read.
      .set((row) => ({ tags: row.ref('tags') }))
      .where('id', '=', id)
      .returning('tags')
      .executeTakeFirstOrThrow();
    const tags = changeTags(JSON.parse(locked.tags) as Tags, changes);
    await transaction
      .updateTable('api_keys')
      .set({ tags: JSON.stringify(tags) })
      .where('id', '=', id)
      .execute();
    return tags;
  });
}

/** @param uses the last use of each key, in milliseconds; an earlier one than is stored changes nothing */
export async function storeLastUses(db: Database, uses: ReadonlyMap<string, number>): Promise<void> {
  // In one order: two servers that lock the same rows in different ones would wait for each other.
  const sorted = [...uses].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await db.transaction().execute(async (transaction) => {
    for (const [id, at] of sorted) {
      await transaction
        .updateTable('api_keys')
        .set({ last_used_at: at })
        .where('id', '=', id)
        .where((row) => row.or([row('last_used_at', 'is', null), row('last_used_at', '<', at)]))
        .execute();
    }
  });
}

type KeyQuery = SelectQueryBuilder<Schema, 'api_keys', Listed>;

function withStatus(query: KeyQuery, status: KeyStatus, now: number): KeyQuery {
  switch (status) {
    case 'all':
      return query;
    case 'revoked':
      return query.where('revoked_at', 'is not', null);
    case 'expired':
      return query.where('revoked_at', 'is', null).where('expires_at', '<=', now);
    case 'active':
      return query
        .where('revoked_at', 'is', null)
        .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', now)]));
  }
}

/** SQL cannot compare the lists in both databases, so rows are read until there are enough of them. */
async function pageWithin(
  query: KeyQuery,
  { limit }: ApiKeyFilter,
  repoIds: readonly string[],
): Promise<Page<ApiKey>> {
  const restricted = query.where('repo_ids', 'is not', null).orderBy('id', 'desc');
  const allowed = new Set(repoIds);
  const found: ApiKey[] = [];
  let batch = await restricted.limit(200).execute();
  for (;;) {
    found.push(...batch.map(fromRow).filter((key) => key.repoIds?.every((id) => allowed.has(id)) === true));
    const last = batch.at(-1);
    if (found.length > limit || last === undefined) {
      return pageOf(found, limit, ({ id }) => id);
    }
    batch = await restricted.where('id', '<', last.id).limit(200).execute();
  }
}

function fromRow(row: Listed): ApiKey {
  return {
    id: row.id,
    name: row.name,
    permissions: JSON.parse(row.scopes) as Permission[],
    repoIds: row.repo_ids === null ? null : (JSON.parse(row.repo_ids) as string[]),
    tags: JSON.parse(row.tags) as Tags,
    createdAt: new Date(row.created_at),
    expiresAt: dateOf(row.expires_at),
    revokedAt: dateOf(row.revoked_at),
    lastUsedAt: dateOf(row.last_used_at),
  };
}

function dateOf(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
