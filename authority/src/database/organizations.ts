import { ulid } from 'ulid';

import { OperatorError } from '../errors.ts';
import type { Organization } from '../rules/caller.ts';
import type { Database } from './schema.ts';

export interface StoredOrganization extends Organization {
  readonly createdAt: Date;
}

/** @returns undefined when there is none */
export async function findOrganization(db: Database, slug: string): Promise<StoredOrganization | undefined> {
  const row = await db.selectFrom('organizations').selectAll().where('slug', '=', slug).executeTakeFirst();
  return row && { id: row.id, slug: row.slug, name: row.name, createdAt: new Date(row.created_at) };
}

/** @throws OperatorError when the slug is taken */
export async function insertOrganization(db: Database, slug: string, now: Date): Promise<Organization> {
  const organization = { id: `org_${ulid(now.getTime())}`, slug, name: slug };
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('organizations')
    .values({ ...organization, created_at: now.getTime() })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) {
    throw new OperatorError(
      `the organization ${slug} is there already`,
      `mesa-authority new-admin-key --org ${slug} makes another key for it`,
    );
  }
  return organization;
}

export async function listSlugs(db: Database): Promise<readonly string[]> {
  const rows = await db.selectFrom('organizations').select('slug').orderBy('slug').execute();
  return rows.map(({ slug }) => slug);
}
