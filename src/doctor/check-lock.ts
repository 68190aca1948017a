import { statSync } from 'node:fs';

import { FULL_USE_LOG_BYTES } from '../core/use-log-size.ts';
import { checkLockFile } from '../platform/file-lock.ts';
import { probeLock } from '../platform/probe-lock.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';
import type { Examined } from './examined.ts';

/** A lock that does not work, and what does not work without it. */
export async function checkLock({ paths }: Pick<Examined, 'paths'>): Promise<readonly Finding[]> {
  // What is wrong with the lock file as a file, the check of files tells.
  if ((await errorOf(() => checkLockFile(paths.lockFile, () => undefined, 'leave'))) !== undefined) {
    return [];
  }
  const error = await errorOf(() => probeLock(paths.lockFile));
  if (error === undefined) {
    return [];
  }
  const finding = findingFrom(
    'lock',
    error,
    'without the lock mesa writes nothing: no key can be stored or removed',
  );
  const log: Finding = {
    ...finding,
    severity: 'warning',
    what: `${paths.useLog} is full, and cannot be put aside without the lock`,
    why: 'later uses of keys are not recorded in it',
  };
  return isFull(paths.useLog) ? [finding, log] : [finding];
}

function isFull(path: string): boolean {
  try {
    return statSync(path).size >= FULL_USE_LOG_BYTES;
  } catch {
    // It need not be there; what else is wrong with it, the check of files tells.
    return false;
  }
}
