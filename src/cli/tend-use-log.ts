import { renameSync, statSync } from 'node:fs';

import { describeErrno, MesaAuthError } from '../errors.ts';
import { tryLockFile, writeHolder } from '../platform/file-lock.ts';
import { closeQuietly } from '../platform/private-file.ts';
import type { Context } from './context.ts';

/**
 * Puts the full log in the place of the older one. Under the lock that writers of the store hold, so that of many who
 * find it full one moves it, and nobody moves the new one after it. Whoever has the full one open still adds to it, in
 * its new place. When the lock is held, a later use will do.
 * @throws MesaAuthError, or a system error
 */
export async function putAside({ paths }: Context, fullBytes: number): Promise<void> {
  const lock = await tryLockFile(paths.lockFile);
  if (lock === undefined) {
    return;
  }
  try {
    writeHolder(lock);
    if (statSync(paths.useLog).size >= fullBytes) {
      renameSync(paths.useLog, paths.olderUseLog);
    }
  } finally {
    closeQuietly(lock);
  }
}

/** Says once that a use is not in the log, and why. */
export function warnOfLostRecord({ output }: Context, error: unknown): void {
  const reason = error instanceof MesaAuthError ? error.message : describeErrno(error);
  output.warn(`this use is not in the log: ${reason}`, 'use log');
}
