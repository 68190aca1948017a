import { existsSync } from 'node:fs';

import { keyNotFound } from '../core/key-not-found.ts';
import type { KeyScope } from '../core/key-scope.ts';
import {
  isEncrypted,
  otherBackend,
  type Backend,
  type KeyEntry,
  type SecretStore,
} from '../core/secret-store.ts';
import { givenOrg } from '../core/shown-text.ts';
import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';

/**
 * The error of a lookup that found nothing. When the store has no keys at all, its hint tells where there are some.
 * @param store the one in force; it was read before
 */
export async function missingKey(
  context: Pick<Context, 'command' | 'paths' | 'withoutQuestions'>,
  store: SecretStore,
  scope: KeyScope,
): Promise<MesaAuthError> {
  const error = keyNotFound(scope);
  const entries = await store.read();
  const hint =
    entries.size === 0
      ? await hintAtOtherStore(context, store.backend)
      : scope.kind === 'global'
        ? commandForStored(context, [...entries.values()])
        : undefined;
  return hint === undefined ? error : new MesaAuthError(error.code, error.message, { hint });
}

/**
 * What to type when a store has no keys because they are in the one of the other backend. A vault is not opened for it:
 * it may hold none.
 * @param backend the one in force
 * @returns undefined when there are none
 * @throws HOME_UNUSABLE
 */
export async function hintAtOtherStore(
  context: Pick<Context, 'paths' | 'withoutQuestions'>,
  backend: Backend,
): Promise<string | undefined> {
  const { encryptedStore, plaintextStore } = context.paths;
  const command = 'mesa auth migrate --to encrypted-file --merge';
  if (!isEncrypted(backend)) {
    return existsSync(encryptedStore)
      ? `there is a vault ${encryptedStore}, which is not used; to use it: ${command}`
      : undefined;
  }
  return existsSync(plaintextStore) && !(await isEmpty(context, otherBackend(backend)))
    ? `there are keys in ${plaintextStore}, which is not used; to move them: ${command}`
    : undefined;
}

const ASKING: ReadonlySet<string> = new Set(['status', 'whoami', 'api-keys list', 'api-keys create']);

/** The same command for an organization that has a key, where nothing named one: a global key is seldom what is meant. */
function commandForStored(
  { command = '' }: Pick<Context, 'command'>,
  entries: readonly KeyEntry[],
): string | undefined {
  const orgs = entries.flatMap(({ scope }) => (scope.kind === 'org' ? [scope.org] : []));
  return ASKING.has(command) && orgs[0] !== undefined ? `mesa auth ${command} --org ${orgs[0]}` : undefined;
}

/** What to type where there is no key yet. */
export function firstKeyCommand({ host }: Pick<Context, 'host'>): string {
  return `mesa auth set-key${givenOrg(host.env['MESA_ORG']) || ' --org ORG'}`;
}

/** What cannot be read may hold keys. */
async function isEmpty(context: Pick<Context, 'withoutQuestions'>, backend: Backend): Promise<boolean> {
  try {
    const store = await context.withoutQuestions('leave').store(backend);
    return (await store.read()).size === 0;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return false;
  }
}
