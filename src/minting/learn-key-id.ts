import { parseStoreKey } from '../core/key-scope.ts';
import { nameOfKey, needsApiKey } from '../core/key-source.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { whoami } from '../rest/whoami.ts';
import type { Environment } from '../rest/proxy.ts';
import type { MintingKey } from './mint-token.ts';

export interface LearnOptions {
  /** Where the key is stored; undefined for one of the environment. */
  readonly store: SecretStore | undefined;
  readonly apiUrl: string;
  readonly env: Environment;
  readonly warn: (message: string) => void;
}

/**
 * Asks the server for a key's id, and remembers it with the key. What cannot be remembered is learnt again next time.
 * @throws KEY_REFUSED, UNREACHABLE, SERVER_FAILED; INVALID_KEY when the server names no id: it is no API key
 */
export async function learnKeyId(key: MintingKey, options: LearnOptions): Promise<string> {
  const { store, apiUrl, env, warn } = options;
  const { keyId } = await whoami({ apiUrl, key, env });
  if (keyId === undefined) {
    throw needsApiKey(key.source, 'sign others');
  }
  const scope = parseStoreKey(key.source);
  if (store !== undefined && scope !== undefined) {
    try {
      await store.apply([{ kind: 'learn', scope, token: key.token, facts: { keyId } }]);
    } catch (error) {
      if (!(error instanceof MesaAuthError) || error.code === 'INTERRUPTED') {
        throw error;
      }
      warn(`the id of ${nameOfKey(key.source)} was not remembered: ${error.message}`);
    }
  }
  return keyId;
}
