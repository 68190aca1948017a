import { type Expression, type SqlBool, sql } from 'kysely';

/** Whether a column contains a text, of which no character is a wildcard. */
export function containing(column: string, text: string): Expression<SqlBool> {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}
