import { formatStoreKey, type KeyScope } from '../../core/key-scope.ts';
import type { Change, SecretStore } from '../../core/secret-store.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import { revokeApiKey, type CreatedApiKey } from '../../rest/api-keys.ts';
import { RefusedRequest, StrangeCreation } from '../../rest/failures.ts';
import type { ApiAccess } from '../../rest/request.ts';

/** A key that was created, and who can revoke it. */
export interface NewKey {
  readonly created: Pick<CreatedApiKey, 'id' | 'token'>;
  readonly org: string;
  /** With the key that manages. */
  readonly access: ApiAccess;
}

/** Whether the store can be opened, locked and replaced, before there is a key to lose. @throws as SecretStore */
export async function assertStorable(store: SecretStore, scope: KeyScope, token: Token): Promise<void> {
  const { assertReplaceable } = await import('../../platform/replaceable.ts');
  assertReplaceable(store.location);
  // The first makes a store where there is none, the second locks and opens one that is there.
  await store.apply([]);
  await store.apply([{ kind: 'learn', scope, token, facts: {} }]);
}

/**
 * Puts a key that nobody else knows into the store. When that fails the key is revoked, unless it may be in the store
 * all the same; the error says which.
 * @param changes set or replace it
 */
export async function keepNewKey(
  store: SecretStore,
  changes: readonly Change[],
  newKey: NewKey,
): Promise<void> {
  const { created, org } = newKey;
  let failure: unknown;
  try {
    const outcomes = await store.apply(changes);
    if (!outcomes.includes('absent')) {
      return;
    }
    failure = new MesaAuthError(
      'STORE_BUSY',
      'the key in the store was changed by another process meanwhile',
      {
        hint: 'run the command again; see the keys: mesa auth list',
      },
    );
  } catch (error) {
    failure = error;
  }
  if (await mayBeStored(store, changes, created.token)) {
    throw told(failure, `the new key ${created.id} may be in the store all the same, and was not revoked`, {
      hint: `to be rid of it, unless status shows it: mesa auth api-keys revoke ${created.id} --org ${org}`,
    });
  }
  throw await revokedAgain(failure, newKey);
}

async function mayBeStored(store: SecretStore, changes: readonly Change[], token: Token): Promise<boolean> {
  try {
    const entries = await store.read();
    return changes.some(({ scope }) => entries.get(formatStoreKey(scope))?.token.equals(token) === true);
  } catch {
    return true;
  }
}

/**
 * Revokes a key that cannot be kept.
 * @returns the error to throw: what happened to the key is added to the failure
 */
export async function revokedAgain(
  failure: unknown,
  { created, org, access }: Omit<NewKey, 'created'> & { readonly created: Pick<CreatedApiKey, 'id'> },
): Promise<unknown> {
  try {
    await revokeApiKey(access, org, created.id);
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return told(failure, `the new key ${created.id} is lost, and could not be revoked: ${error.message}`, {
      hint: `mesa auth api-keys revoke ${created.id} --org ${org}`,
    });
  }
  return told(failure, `the new key ${created.id} was revoked again`, {});
}

function told(failure: unknown, addition: string, details: { readonly hint?: string }): unknown {
  if (!(failure instanceof MesaAuthError)) {
    return failure;
  }
  const hint = details.hint ?? failure.hint;
  const code = failure.code === 'INTERRUPTED' ? 'FAILURE' : failure.code;
  return new MesaAuthError(code, `${failure.message}; ${addition}`, hint === undefined ? {} : { hint });
}

/**
 * What a creation that failed leaves: a key that is of no use is revoked again, and one that nobody knows, since there was
 * no answer, is told of.
 * @returns the error to throw
 */
export async function failedCreation(
  error: unknown,
  { access, org }: Omit<NewKey, 'created'>,
): Promise<unknown> {
  if (error instanceof StrangeCreation) {
    return revokedAgain(error, { created: error, org, access });
  }
  const isCertain =
    !(error instanceof MesaAuthError) ||
    !(error.code === 'UNREACHABLE' || error.code === 'SERVER_FAILED') ||
    (error instanceof RefusedRequest && error.status < 500);
  return isCertain
    ? error
    : new MesaAuthError(error.code, `${error.message}; whether a key was made is not known`, {
        hint: `look for it, and revoke it: mesa auth api-keys list --org ${org} --status active`,
      });
}
