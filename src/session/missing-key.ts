import { keyNotFound } from '../core/key-not-found.ts';
import type { KeyScope } from '../core/key-scope.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';
import { hintAtOtherStore } from './other-store.ts';

/**
 * The error of a lookup that found nothing. When the store has no keys at all, its hint tells where there are some.
 * @param store the one in force; it was read before
 */
export async function missingKey(
  context: Context,
  store: SecretStore,
  scope: KeyScope,
): Promise<MesaAuthError> {
  const error = keyNotFound(scope);
  const isEmpty = (await store.read()).size === 0;
  const hint = isEmpty ? await hintAtOtherStore(context, store.backend) : undefined;
  return hint === undefined ? error : new MesaAuthError(error.code, error.message, { hint });
}
