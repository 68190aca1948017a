import { type CreatedApiKey, insertApiKey } from '../database/api-keys.ts';
import type { Database } from '../database/schema.ts';
import { OperatorError } from '../errors.ts';
import { LostOutput, print, tell } from '../output.ts';
import type { Organization } from '../rules/caller.ts';
import type { Sealer } from '../secrets/sealer.ts';

/** An admin key that is not restricted and does not expire. */
export async function insertAdminKey(
  db: Database,
  sealer: Sealer,
  { id }: Organization,
  { name, now }: { readonly name: string; readonly now: Date },
): Promise<CreatedApiKey> {
  return insertApiKey(
    db,
    sealer,
    { organizationId: id, name, permissions: ['admin'], repoIds: null, tags: {}, expiresAt: null },
    now,
  );
}

/**
 * The key alone goes to standard output, for a pipe into a secret store.
 * @throws OperatorError when it cannot be written: nobody has it then
 */
export async function printKey({ id, secret }: CreatedApiKey, slug: string): Promise<void> {
  tell(`admin key ${id} for ${slug}; it is shown this once:\n`);
  try {
    await print(`${secret}\n`);
  } catch (error) {
    if (!(error instanceof LostOutput)) {
      throw error;
    }
    throw new OperatorError(
      `the key could not be written to standard output: ${error.code}`,
      `mesa-authority new-admin-key --org ${slug} makes another one; revoke ${id}`,
    );
  }
}
