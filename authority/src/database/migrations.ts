import { type Kysely, type Migration, sql } from 'kysely';

/** Whose SQL it is. */
export type DatabaseKind = 'sqlite' | 'postgres';

/**
 * Every change of the schema, in order; one that was released is never edited. Run by Kysely's Migrator, which on
 * PostgreSQL takes a lock, so that several servers can start at once.
 */
export function migrations(kind: DatabaseKind): Record<string, Migration> {
  const binary = kind === 'postgres' ? 'bytea' : 'blob';
  // Ids and names are compared byte by byte, whatever the locale of a PostgreSQL database.
  const text = kind === 'postgres' ? sql`text collate "C"` : sql`text`;
  return {
    '0001-first': {
      up: async (db: Kysely<never>): Promise<void> => {
        await db.schema
          .createTable('settings')
          .addColumn('name', text, (column) => column.primaryKey())
          .addColumn('value', text, (column) => column.notNull())
          .execute();
        await db.schema
          .createTable('organizations')
          .addColumn('id', text, (column) => column.primaryKey())
          .addColumn('slug', text, (column) => column.notNull().unique())
          .addColumn('name', text, (column) => column.notNull())
          .addColumn('created_at', 'bigint', (column) => column.notNull())
          .execute();
        await db.schema
          .createTable('api_keys')
          .addColumn('id', text, (column) => column.primaryKey())
          .addColumn('organization_id', text, (column) => column.notNull().references('organizations.id'))
          .addColumn('name', text)
          .addColumn('folded_name', text)
          .addColumn('digest', binary, (column) => column.notNull().unique())
          .addColumn('sealed_secret', binary, (column) => column.notNull())
          .addColumn('scopes', text, (column) => column.notNull())
          .addColumn('repo_ids', text)
          .addColumn('tags', text, (column) => column.notNull())
          .addColumn('created_at', 'bigint', (column) => column.notNull())
          .addColumn('expires_at', 'bigint')
          .addColumn('revoked_at', 'bigint')
          .addColumn('last_used_at', 'bigint')
          .execute();
        await db.schema
          .createIndex('api_keys_of_organization')
          .on('api_keys')
          .columns(['organization_id', 'id'])
          .execute();
        await db.schema
          .createTable('repositories')
          .addColumn('id', text, (column) => column.primaryKey())
          .addColumn('organization_id', text, (column) => column.notNull().references('organizations.id'))
          .addColumn('name', text, (column) => column.notNull())
          .addColumn('default_bookmark', text, (column) => column.notNull())
          .addColumn('tags', text, (column) => column.notNull())
          .addColumn('created_at', 'bigint', (column) => column.notNull())
          .addUniqueConstraint('repository_name', ['organization_id', 'name'])
          .execute();
      },
    },
  };
}
