import { sql } from 'kysely';

import type { Database } from './schema.ts';

/** @throws an error of the driver when the database does not answer */
export async function checkConnection(db: Database): Promise<void> {
  await sql`select 1`.execute(db);
}
