import { MesaAuthError } from '../errors.ts';
import type { ApiKeyInUse } from './api-key-in-use.ts';
import type { ApiAccess } from './request.ts';
import { whoami } from './whoami.ts';

/** What the server says of a key. `unreachable`: it was asked and did not tell. `unchecked`: it was not asked. */
export type KeyCheck =
  | { readonly kind: 'valid' | 'unchecked' }
  | { readonly kind: 'rejected' | 'unreachable'; readonly error: MesaAuthError };

const AT_ONCE = 4;
const ANSWER_MS = 5_000;
const ALL_ANSWERS_MS = 10_000;

/**
 * Asks the server which keys it accepts, several at a time and for ten seconds at most. It is not asked again once it
 * did not answer: the rest stay unchecked.
 * @returns one for each key
 * @throws CONFIG_INVALID
 */
export async function checkKeys(
  keys: readonly ApiKeyInUse[],
  server: Pick<ApiAccess, 'apiUrl' | 'env'>,
): Promise<readonly KeyCheck[]> {
  const checks = keys.map((): KeyCheck => ({ kind: 'unchecked' }));
  const end = performance.now() + ALL_ANSWERS_MS;
  const queue = [...keys.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, key] = next;
      const left = Math.floor(end - performance.now());
      if (left <= 0) {
        return;
      }
      const check = await checkKey({ ...server, key, timeoutMs: Math.min(ANSWER_MS, left) });
      checks[index] = check;
      if (check.kind === 'unreachable') {
        queue.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return checks;
}

async function checkKey(access: ApiAccess): Promise<KeyCheck> {
  try {
    await whoami(access);
    return { kind: 'valid' };
  } catch (error) {
    if (!(error instanceof MesaAuthError) || error.code === 'CONFIG_INVALID') {
      throw error;
    }
    return { kind: error.code === 'KEY_REFUSED' ? 'rejected' : 'unreachable', error };
  }
}
