import { chmodSync, closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { checkPrivateDir, examine, type PrivateDir } from './private-dir.ts';
import type { Warn } from './private-file.ts';

/**
 * Creates the directory and its missing parents with mode 0700, durably, then checks it.
 * @throws as checkPrivateDir, and IO when it cannot be created
 */
export function ensurePrivateDir(dir: PrivateDir, warn: Warn): void {
  if (checkPrivateDir(dir, warn)) {
    return;
  }
  try {
    createDirs(dir.path);
  } catch (error) {
    if (examine(dir.base, statSync) !== undefined) {
      throw error;
    }
    throw new MesaAuthError('HOME_UNUSABLE', `there is no directory ${dir.base}, and it cannot be created`, {
      hint: 'set HOME or XDG_DATA_HOME to a directory of yours',
      cause: error,
    });
  }
  checkPrivateDir(dir, warn);
}

/** Creates a directory and its missing parents with mode 0700 under any umask, and makes them durable. */
export function createDirs(path: string): void {
  const missing: string[] = [];
  for (let at = path; examine(at, statSync) === undefined; at = dirname(at)) {
    missing.unshift(at);
  }
  for (const at of missing) {
    try {
      mkdirSync(at, 0o700);
      // mkdir's mode passes through the umask, which may take even our own bits.
      chmodSync(at, 0o700);
      syncDir(dirname(at));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') {
        const hint = errnoOf(error) === 'EACCES' ? `make ${dirname(at)} writable for you` : undefined;
        throw ioError('create', at, error, hint);
      }
    }
  }
}

/** Makes the entries of a directory durable. */
export function syncDir(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    syncDirFd(fd);
  } finally {
    closeSync(fd);
  }
}

/** fsync of an open directory. File systems that have no such thing answer EINVAL or ENOTSUP: fsync(2). */
export function syncDirFd(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'EINVAL' && errno !== 'ENOTSUP') {
      throw error;
    }
  }
}
