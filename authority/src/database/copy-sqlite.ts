import { sql } from 'kysely';

import type { Database } from './schema.ts';

/**
 * Copies a SQLite database as it is at one moment, while others use it.
 * @param target the path of a file that is not there yet
 * @throws an error of the driver
 */
export async function copySqlite(db: Database, target: string): Promise<void> {
  await sql`vacuum into ${target}`.execute(db);
}
