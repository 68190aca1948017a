import { renameSync, statSync } from 'node:fs';

import { FULL_USE_LOG_BYTES } from '../core/use-log-size.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import { tryLockFile, writeHolder } from '../platform/file-lock.ts';
import { closeQuietly } from '../platform/private-file.ts';
import type { Context } from './context.ts';

/**
 * Puts the full log aside.
 * @param append adds the use to the log where that did not happen yet, since the log was too large. When the log cannot be
 *   put aside it is not called, and the use is lost; when somebody else holds the lock it is, whatever the size: a later
 *   use puts the log aside
 * @throws MesaAuthError, or a system error, when the use is lost
 */
export async function tendFullLog(
  context: Pick<Context, 'output' | 'paths'>,
  append: ((largest: number) => unknown) | undefined,
): Promise<void> {
  try {
    await putAside(context);
  } catch (error) {
    if (append !== undefined) {
      throw error;
    }
    context.output.warn(`the log of uses cannot be put aside: ${reasonOf(error)}`, 'use log');
  }
  append?.(Number.POSITIVE_INFINITY);
}

/**
 * Puts the full log in the place of the older one. Under the lock that writers of the store hold, so that of many who
 * find it full one moves it, and nobody moves the new one after it. Whoever has the full one open still adds to it, in
 * its new place. When the lock is held, a later use will do.
 * @throws MesaAuthError, or a system error
 */
async function putAside({ paths }: Pick<Context, 'paths'>): Promise<void> {
  const lock = await tryLockFile(paths.lockFile);
  if (lock === undefined) {
    return;
  }
  try {
    writeHolder(lock);
    // Somebody else may have moved it just now, and nobody used a key since.
    const stats = statSync(paths.useLog, { throwIfNoEntry: false });
    if (stats !== undefined && stats.size >= FULL_USE_LOG_BYTES) {
      renameSync(paths.useLog, paths.olderUseLog);
    }
  } catch (error) {
    throw errnoOf(error) === 'EISDIR'
      ? new MesaAuthError('STORE_UNSAFE', `${paths.olderUseLog} is a directory`)
      : error;
  } finally {
    closeQuietly(lock);
  }
}

/** Says once that a use is not in the log, and why. */
export function warnOfLostRecord({ output }: Pick<Context, 'output'>, error: unknown): void {
  output.warn(`this use is not in the log: ${reasonOf(error)}`, 'use log');
}

function reasonOf(error: unknown): string {
  return error instanceof MesaAuthError ? error.message : describeErrno(error);
}
