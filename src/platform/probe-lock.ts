import { constants, existsSync, openSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { errnoOf, MesaAuthError } from '../errors.ts';
import { lockingFlags, lockOpenFile, openLockFileThatIs } from './file-lock.ts';
import { closeQuietly } from './private-file.ts';

/** A lock that somebody holds works. */
const PATIENCE_MS = 2_000;
// open(2): __O_TMPFILE of the kernel's headers. Node passes the number through.
const LINUX_O_TMPFILE = 0o20000000;

/**
 * Whether a lock file at `path` would lock, in the way that writers lock it. The one that is there is locked for a moment;
 * where there is none, a file that has no name while it is locked stands for it. Nothing is left behind, and where no
 * file can be made, nothing is said.
 * @param shown the path for messages
 * @throws STORE_BUSY when locking does not work here, IO when the lock file cannot be opened
 */
export async function probeLock(path: string, shown = path): Promise<void> {
  const fd = openForProbe(path);
  if (fd === undefined) {
    return;
  }
  try {
    await lockOpenFile(fd, shown, { deadline: Date.now() + PATIENCE_MS });
  } finally {
    closeQuietly(fd);
  }
}

/** Undefined where that cannot tell anything about locks. */
function openForProbe(path: string): number | undefined {
  try {
    return openLockFileThatIs(path);
  } catch (error) {
    const errno = error instanceof MesaAuthError ? errnoOf(error.cause) : undefined;
    // On macOS opening locks, and somebody else holds it.
    if (errno === 'EROFS' || errno === 'EAGAIN') {
      return undefined;
    }
    if (errno !== 'ENOENT') {
      throw error;
    }
  }
  const dir = nearestExisting(dirname(path));
  return openNameless(dir) ?? openAndRemove(join(dir, `.mesa-probe-${process.pid}-${Date.now()}`));
}

/** A file that never has a name, so that not even the directory changes. Undefined where there is no such thing. */
function openNameless(dir: string): number | undefined {
  return process.platform === 'linux'
    ? tryOpen(dir, constants.O_RDWR | constants.O_DIRECTORY | LINUX_O_TMPFILE)
    : undefined;
}

function openAndRemove(path: string): number | undefined {
  const fd = tryOpen(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | lockingFlags());
  if (fd !== undefined) {
    rmSync(path);
  }
  return fd;
}

function tryOpen(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return undefined;
  }
}

/** The directory itself, or the closest one above it that is there. */
export function nearestExisting(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path));
}
