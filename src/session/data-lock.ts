import { ensurePrivateDir } from '../platform/create-dirs.ts';
import { withFileLock } from '../platform/file-lock.ts';
import type { Context } from './context.ts';

/**
 * Runs `work` under the lock that guards the data directory and the config file.
 * @throws STORE_BUSY, STORE_UNSAFE, HOME_UNUSABLE, IO
 */
export function withDataLock<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const { dataDir, dataBase, lockFile } = context.paths;
  ensurePrivateDir({ path: dataDir, base: dataBase }, (message) => context.output.warn(message));
  return withFileLock({ path: lockFile, onWait: (holder) => context.reportLockWait(holder) }, work);
}
