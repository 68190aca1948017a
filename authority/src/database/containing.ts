import { type Expression, type SqlBool, sql } from 'kysely';

/**
 * Whether a column contains a text. Not LIKE, in which SQLite takes `A` for `a`, PostgreSQL does not, and both have
 * wildcards.
 */
export function containing(column: string, text: string): Expression<SqlBool> {
  return sql<SqlBool>`replace(${sql.ref(column)}, ${text}, '') <> ${sql.ref(column)}`;
}
