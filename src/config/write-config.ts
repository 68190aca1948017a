import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Backend } from '../core/secret-store.ts';
import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { createDirs } from '../platform/create-dirs.ts';
import { removeStrayTemps, replaceFile } from '../platform/replace-file.ts';
import { setTomlString } from '../toml/positioned-toml.ts';
import { readConfigText, syntaxError } from './config-file.ts';

const NEW_FILE = '# Configuration of mesa. Keys live in the secret store, never in this file.\n';

/**
 * Sets `[secrets] backend` in a config file, which is created when it does not exist. Everything else in it stays
 * byte for byte; a symbolic link is followed, so that it stays a link. The caller holds the lock.
 * @param unlockTimeout `unlock-timeout` beside it, as in `15m`; undefined leaves what is there
 * @throws CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_INVALID, IO
 */
export function writeBackend(path: string, backend: Backend, unlockTimeout?: string): void {
  editConfig(path, (text) => {
    // What is set last comes first in the table.
    const timed =
      unlockTimeout === undefined ? text : setSecret(text, path, 'unlock-timeout', unlockTimeout, '15m');
    return setSecret(timed, path, 'backend', backend, 'encrypted-file');
  });
}

/**
 * Sets `[secrets] org`; see writeBackend.
 * @param inForce the text of another config file, which this one, once it is there, takes the place of
 * @throws as writeBackend
 */
export function writeOrg(path: string, org: string, inForce?: string): void {
  editConfig(path, (text) => setSecret(text, path, 'org', org, 'acme'), inForce);
}

function setSecret(text: string, path: string, name: string, value: string, example: string): string {
  try {
    return setTomlString(text, 'secrets', name, value);
  } catch (error) {
    if (error instanceof TypeError) {
      throw new MesaAuthError('CONFIG_INVALID', `secrets in ${path} is not a table with a ${name}`, {
        hint: `mend it by hand: [secrets] ${name} = "${example}"`,
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Replaces a config file by what `edit` makes of its text; it is created when it does not exist. A symbolic link is
 * followed, so that it stays a link. The caller holds the lock.
 * @param initial what a file that does not exist begins with
 * @throws CONFIG_UNREADABLE, CONFIG_SYNTAX, IO, and what `edit` throws
 */
export function editConfig(path: string, edit: (text: string) => string, initial = NEW_FILE): void {
  const present = readConfigText(path);
  let text: string;
  try {
    text = edit(present ?? initial);
  } catch (error) {
    throw error instanceof MesaAuthError ? error : syntaxError(path, error);
  }
  const { target, mode } = present === undefined ? { target: path, mode: 0o600 } : resolveTarget(path);
  createDirs(dirname(target));
  removeStrayTemps(target);
  if (text !== present) {
    replaceFile(target, Buffer.from(text), mode);
  }
}

function resolveTarget(path: string): { target: string; mode: number } {
  try {
    const target = realpathSync(path);
    return { target, mode: statSync(target).mode & 0o777 };
  } catch (error) {
    throw errnoOf(error) === undefined ? error : ioError('write', path, error);
  }
}
