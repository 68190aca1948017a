import { formatStoreKey, scopeFlags, type KeyScope } from '../core/key-scope.ts';
import { KEEP_REPLACED_MS, type Backend, type Replacement } from '../core/secret-store.ts';

/** `replaced key for orgs/acme (mesa_****11aa by mesa_****9f2c) in plaintext-file; mesa auth undo ... brings it back`. */
export function describeReplacement(
  { scope, old, new: next }: Replacement,
  backend: Backend,
  keep: number | undefined,
): string {
  return `replaced key for ${formatStoreKey(scope)} (${old} by ${next}) in ${backend}${afterwards(scope, keep, 'brings it back')}`;
}

/** Of an undo. */
export function describeUndo(
  { scope, old, new: next }: Replacement,
  backend: Backend,
  keep: number | undefined,
): string {
  return `brought back key for ${formatStoreKey(scope)} (${next} in place of ${old}) in ${backend}${afterwards(scope, keep, 'changes them again')}`;
}

/** Where the other key is kept. @param keep milliseconds; see Change */
function afterwards(scope: KeyScope, keep = KEEP_REPLACED_MS, what: string): string {
  return keep === 0 ? '' : `; mesa auth undo${scopeFlags(scope)} ${what}`;
}
