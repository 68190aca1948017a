import { type CreatedApiKey, insertApiKey } from '../database/api-keys.ts';
import type { Database } from '../database/schema.ts';
import { codeOf, OperatorError } from '../errors.ts';
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
  process.stderr.write(`admin key ${id} for ${slug}; it is shown this once:\n`);
  try {
    await new Promise<void>((resolve, reject) => {
      process.stdout.once('error', reject);
      process.stdout.write(`${secret}\n`, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    throw new OperatorError(
      `the key could not be written to standard output: ${codeOf(error) ?? 'unknown error'}`,
      `mesa-authority new-admin-key --org ${slug} makes another one; revoke ${id}`,
    );
  }
}
