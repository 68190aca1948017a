import { ensurePrivateDir } from '../platform/create-dirs.ts';
import { withFileLock } from '../platform/file-lock.ts';
import { accessSync, constants } from 'node:fs';

import { readConfigText } from '../config/config-file.ts';
import { writeBackend } from '../config/write-config.ts';
import type { Backend } from '../core/secret-store.ts';
import type { Context } from './context.ts';

/**
 * The config file that a change goes to: `--config-path`, else the file in force, where we may write it, else the one
 * that comes before all others.
 * @throws CONFIG_UNREADABLE
 */
export function chooseConfigFile(context: Pick<Context, 'explicitConfig' | 'paths'>): string {
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

/** Writes the choice of a backend to a config file, under the same lock as the stores; see writeBackend. */
export async function saveBackend(
  context: Pick<Context, 'output' | 'paths' | 'reportLockWait'>,
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
export function withDataLock<T>(
  context: Pick<Context, 'output' | 'paths' | 'reportLockWait'>,
  work: () => Promise<T>,
): Promise<T> {
  const { dataDir, dataBase, lockFile } = context.paths;
  ensurePrivateDir({ path: dataDir, base: dataBase }, (message) => context.output.warn(message));
  return withFileLock({ path: lockFile, onWait: (holder) => context.reportLockWait(holder) }, work);
}
