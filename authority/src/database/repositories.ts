import type { Selectable } from 'kysely';
import { sql } from 'kysely';

import { ApiError } from '../errors.ts';
import { parseCursor, pageOf, type Page } from '../rules/page.ts';
import { changeTags, type Tags } from '../rules/tags.ts';
import { isUniqueViolation } from './unique-violation.ts';
import type { Database, Schema } from './schema.ts';

export interface Repository {
  readonly id: string;
  readonly name: string;
  readonly defaultBookmark: string;
  readonly tags: Tags;
  readonly createdAt: Date;
}

export interface RepositoryFilter {
  readonly limit: number;
  readonly cursor: string | undefined;
  /** All of them must be there. */
  readonly tags: readonly (readonly [name: string, value: string])[];
  /** Null for all. */
  readonly ids: readonly string[] | null;
  /** Null for all. */
  readonly names: readonly string[] | null;
}

export interface RepositoryChanges {
  readonly name?: string | undefined;
  readonly defaultBookmark?: string | undefined;
  readonly tags?: Readonly<Record<string, string | null>> | undefined;
}

/** @throws CONFLICT when the organization has a repository of this name */
export async function insertRepository(
  db: Database,
  organizationId: string,
  { id, name, defaultBookmark, tags, createdAt }: Repository,
): Promise<void> {
  try {
    await db
      .insertInto('repositories')
      .values({
        id,
        organization_id: organizationId,
        name,
        default_bookmark: defaultBookmark,
        tags: JSON.stringify(tags),
        created_at: createdAt.getTime(),
      })
      .execute();
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken() : error;
  }
}

/** @returns undefined when the organization has none of this name */
export async function findRepository(
  db: Database,
  organizationId: string,
  name: string,
): Promise<Repository | undefined> {
  const row = await db
    .selectFrom('repositories')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row && fromRow(row);
}

/** Of `ids`, those that are repositories of the organization. */
export async function existingRepositories(
  db: Database,
  organizationId: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows =
    ids.length === 0
      ? []
      : await db
          .selectFrom('repositories')
          .select('id')
          .where('organization_id', '=', organizationId)
          .where('id', 'in', ids)
          .execute();
  return new Set(rows.map(({ id }) => id));
}

/** By name. */
export async function listRepositories(
  db: Database,
  organizationId: string,
  filter: RepositoryFilter,
): Promise<Page<Repository>> {
  let query = withinBounds(db, organizationId, filter).selectAll();
  if (filter.cursor !== undefined) {
    query = query.where('name', '>', parseCursor(filter.cursor));
  }
  const found: Repository[] = [];
  let after: string | undefined;
  // Tags are compared here: JSON is not the same in both databases.
  do {
    const rows = await (after === undefined ? query : query.where('name', '>', after))
      .orderBy('name')
      .limit(Math.max(filter.limit + 1, filter.tags.length === 0 ? 0 : 200))
      .execute();
    found.push(
      ...rows
        .map(fromRow)
        .filter(({ tags }) =>
          filter.tags.every(([name, value]) => Object.hasOwn(tags, name) && tags[name] === value),
        ),
    );
    after = rows.at(-1)?.name;
  } while (after !== undefined && found.length <= filter.limit);
  return pageOf(found, filter.limit, ({ name }) => name);
}

export async function countRepositories(
  db: Database,
  organizationId: string,
  bounds: Pick<RepositoryFilter, 'ids' | 'names'>,
): Promise<number> {
  const { count } = await withinBounds(db, organizationId, bounds)
    .select(sql<number | string>`count(*)`.as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** @throws NOT_FOUND when it was deleted meanwhile; CONFLICT when the new name is taken */
export async function updateRepository(
  db: Database,
  id: string,
  { name, defaultBookmark, tags }: RepositoryChanges,
): Promise<Repository> {
  try {
    return await db.transaction().execute(async (transaction) => {
      const locked = await transaction
        .updateTable('repositories')
        // Takes the row's lock before it is read.
        .set((row) => ({ tags: row.ref('tags') }))
        .where('id', '=', id)
        .returning('tags')
        .executeTakeFirst();
      if (locked === undefined) {
        throw new ApiError('NOT_FOUND', 'There is no such repository');
      }
      const row = await transaction
        .updateTable('repositories')
        .set({
          ...(name === undefined ? {} : { name }),
          ...(defaultBookmark === undefined ? {} : { default_bookmark: defaultBookmark }),
          tags: JSON.stringify(changeTags(JSON.parse(locked.tags) as Tags, tags ?? {})),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return fromRow(row);
    });
  } catch (error) {
    throw isUniqueViolation(error) ? nameTaken() : error;
  }
}

/** @returns whether it was there */
export async function deleteRepository(db: Database, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('repositories').where('id', '=', id).executeTakeFirst();
  return numDeletedRows === 1n;
}

function withinBounds(
  db: Database,
  organizationId: string,
  { ids, names }: Pick<RepositoryFilter, 'ids' | 'names'>,
) {
  let query = db.selectFrom('repositories').where('organization_id', '=', organizationId);
  if (ids !== null) {
    query = query.where('id', 'in', ids.length === 0 ? [''] : ids);
  }
  if (names !== null) {
    query = query.where('name', 'in', names.length === 0 ? [''] : names);
  }
  return query;
}

function nameTaken(): ApiError {
  return new ApiError('CONFLICT', 'There is a repository of this name already');
}

function fromRow(row: Selectable<Schema['repositories']>): Repository {
  return {
    id: row.id,
    name: row.name,
    defaultBookmark: row.default_bookmark,
    tags: JSON.parse(row.tags) as Tags,
    createdAt: new Date(row.created_at),
  };
}
