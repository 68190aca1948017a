import { existsSync } from 'node:fs';

import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';

const COMMAND = 'mesa init --backend ';

/** An error of the config file, with the backend in its hint that has keys: the other one would hide them. */
export function withFilledBackend({ paths }: Pick<Context, 'paths'>, error: unknown): unknown {
  const isOnlyPlaintext = existsSync(paths.plaintextStore) && !existsSync(paths.encryptedStore);
  if (!(error instanceof MesaAuthError) || error.hint === undefined || !isOnlyPlaintext) {
    return error;
  }
  return new MesaAuthError(error.code, error.message, {
    hint: error.hint.replace(`${COMMAND}encrypted-file`, `${COMMAND}plaintext-file`),
    cause: error.cause,
  });
}
