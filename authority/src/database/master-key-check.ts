import { OperatorError } from '../errors.ts';
import type { Sealer } from '../secrets/sealer.ts';
import type { Database } from './schema.ts';

const NAME = 'master-key';

/**
 * Binds a new database to the master key, and an old one to the same.
 * @throws OperatorError when the database was made with another master key: its keys could not be used
 */
export async function requireMasterKey(db: Database, { fingerprint }: Sealer): Promise<void> {
  await db
    .insertInto('settings')
    .values({ name: NAME, value: fingerprint })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('settings')
    .select('value')
    .where('name', '=', NAME)
    .executeTakeFirstOrThrow();
  if (value !== fingerprint) {
    throw new OperatorError(
      'the database was made with another master key',
      'use the MESA_AUTHORITY_KEY or --master-key it was made with; without it its API keys are lost',
    );
  }
}
