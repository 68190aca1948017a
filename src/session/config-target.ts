import { accessSync, constants } from 'node:fs';

import { readConfigText } from '../config/config-file.ts';
import { writeBackend } from '../config/write-config.ts';
import type { Backend } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { ensurePrivateDir } from '../platform/create-dirs.ts';
import { withFileLock } from '../platform/file-lock.ts';
import type { Paths } from '../platform/paths.ts';
import { assertReplaceable } from '../platform/replaceable.ts';

/** Where data and configuration lie, and whom to tell when somebody else writes there: a Context is one. */
export interface DataPlace {
  readonly paths: Paths;
  readonly output: { warn(message: string): void };
  reportLockWait(holder: number | undefined): void;
}

/**
 * The config file that a change goes to: `--config-path`, else the file in force, where we may write it, else the one
 * that comes before all others.
 * @throws CONFIG_UNREADABLE
 */
export function chooseConfigFile(
  context: Pick<DataPlace, 'paths'> & { readonly explicitConfig: string | undefined },
): string {
  const { explicitConfig } = context;
  if (explicitConfig !== undefined) {
    return explicitConfig;
  }
  const { configFiles } = context.paths;
  const inForce = configFiles.find((path) => readConfigText(path) !== undefined);
  return inForce !== undefined && isWritable(inForce) ? inForce : configFiles[0];
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Proves that a config file can be written, before anything else is done. @throws IO, with a step that this user can take
 */
export function assertConfigReplaceable(path: string): void {
  try {
    assertReplaceable(path);
  } catch (error) {
    throw error instanceof MesaAuthError && error.hint === undefined
      ? new MesaAuthError(error.code, error.message, {
          cause: error.cause,
          hint: 'change [secrets] backend where that file is made, or use another file with --config-path',
        })
      : error;
  }
}

/** Writes the choice of a backend to a config file, under the same lock as the stores; see writeBackend. */
export async function saveBackend(
  context: DataPlace,
  configFile: string,
  backend: Backend,
  unlockTimeout?: string,
): Promise<void> {
  await withDataLock(context, () => {
    writeBackend(configFile, backend, unlockTimeout);
    return Promise.resolve();
  });
}

/**
 * Runs `work` under the lock that guards the data directory and the config file.
 * @throws STORE_BUSY, STORE_UNSAFE, HOME_UNUSABLE, IO
 */
export function withDataLock<T>(context: DataPlace, work: () => Promise<T>): Promise<T> {
  const { dataDir, dataBase, lockFile } = context.paths;
  ensurePrivateDir({ path: dataDir, base: dataBase }, (message) => context.output.warn(message));
  return withFileLock({ path: lockFile, onWait: (holder) => context.reportLockWait(holder) }, work);
}
