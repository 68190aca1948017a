import { isForApi } from '../core/api-url.ts';
import type { UsedKey } from '../core/candidates.ts';
import { scopeFlags, parseStoreKey } from '../core/key-scope.ts';
import { nameOfKey } from '../core/key-source.ts';
import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';

/** A key that is about to be sent, and the API that it was stored for. */
export type BoundKey = Pick<UsedKey, 'source' | 'api'>;

/**
 * Asks whoever is there whether a key may go to another API than it was stored for, once a command.
 * @throws KEY_OF_OTHER_API where nobody is there, or the answer is no
 */
export async function assertForApi(
  context: Pick<Context, 'prompter'>,
  key: BoundKey,
  apiUrl: string,
): Promise<void> {
  if (isForApi(key, apiUrl)) {
    return;
  }
  const prompter = await context.prompter();
  const may = await prompter?.confirm(
    `${nameOfKey(key.source)} was stored for ${key.api}. Send it to ${apiUrl}?`,
    false,
  );
  if (may !== true) {
    throw keyOfOtherApi(key, apiUrl);
  }
}

/** The error of a key that is for another API than the one it would be sent to. */
export function keyOfOtherApi({ source, api }: BoundKey, apiUrl: string): MesaAuthError {
  const scope = parseStoreKey(source);
  const flags = scope === undefined ? '' : scopeFlags(scope);
  return new MesaAuthError(
    'KEY_OF_OTHER_API',
    `${nameOfKey(source)} was stored for ${api}, and is not sent to ${apiUrl}`,
    { hint: `to use it there, too: mesa auth get-key${flags} | mesa auth set-key${flags}` },
  );
}
