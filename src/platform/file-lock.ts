import { constants, fchmodSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { shellWord } from '../core/escape-text.ts';
import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { isHeldUp, runFlock, type FlockAttempt } from './flock-helper.ts';
import { closeQuietly, readAll, treatLooseFile, type Looseness, type Warn } from './private-file.ts';

export interface FileLockOptions {
  /** The lock file. It is created once and never removed: removing it would let two holders in. */
  readonly path: string;
  /** Called once when the lock is not free after `noticeAfterMs`, with the holder's pid where it is known. */
  readonly onWait: (holder: number | undefined) => void;
  /** Milliseconds; default 1,000. */
  readonly noticeAfterMs?: number;
  /** Milliseconds; default 60,000. */
  readonly giveUpAfterMs?: number;
}

const NOTICE_AFTER_MS = 1_000;
const GIVE_UP_AFTER_MS = 60_000;
const POLL_MS = 50;
const MAX_PID_BYTES = 16;

// The cause of the errors that say so, to tell them from locks that do not work.
const HELD = Symbol('held by another process');

// open(2) on macOS: take an exclusive flock(2) lock while opening. Node passes the number through.
const DARWIN_O_EXLOCK = 0x20;

/**
 * Runs `work` while holding an exclusive lock between processes. The kernel releases it when the holder ends in any
 * way, so there is no stale lock, no takeover, and no rule about time.
 *
 * Linux: flock(2) belongs to the open file, not to the process, so a child that inherits our descriptor can take the
 * lock for us and exit. macOS: O_EXLOCK. Neither needs a native addon.
 * @throws STORE_BUSY when another process holds the lock for too long, or when locking does not work here; IO
 */
export async function withFileLock<T>(options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  const fd = await acquire(options);
  try {
    writeHolder(fd);
    return await work();
  } finally {
    closeQuietly(fd);
  }
}

/**
 * Takes the same kind of lock without waiting, and keeps it until this process ends or closes the descriptor. Whoever
 * others may wait for calls `writeHolder`.
 * @returns the open lock file, or undefined when another process holds it
 * @throws as withFileLock
 */
export async function tryLockFile(path: string): Promise<number | undefined> {
  try {
    return await acquireOnce(path, {});
  } catch (error) {
    if (error instanceof MesaAuthError && error.cause === HELD) {
      return undefined;
    }
    throw error;
  }
}

async function acquire({ path, onWait, ...options }: FileLockOptions): Promise<number> {
  const attempt: FlockAttempt = { deadline: Date.now() + (options.giveUpAfterMs ?? GIVE_UP_AFTER_MS) };
  const tell = (): void => {
    if (process.platform === 'darwin' || isHeldUp(attempt)) {
      onWait(readHolder(path));
    } else {
      notice = setTimeout(tell, POLL_MS);
    }
  };
  let notice = setTimeout(tell, options.noticeAfterMs ?? NOTICE_AFTER_MS);
  try {
    return await acquireOnce(path, attempt);
  } finally {
    clearTimeout(notice);
  }
}

async function acquireOnce(path: string, attempt: FlockAttempt): Promise<number> {
  for (;;) {
    const fd =
      process.platform === 'darwin'
        ? await openLocked(path, attempt.deadline)
        : await openAndLock(path, attempt);
    if (isStillAt(fd, path)) {
      return fd;
    }
    // Somebody removed or replaced the file while we waited: our lock guards nothing.
    closeQuietly(fd);
  }
}

async function openAndLock(path: string, attempt: FlockAttempt): Promise<number> {
  const fd = openLockFile(path, 0);
  try {
    if (!(await runFlock(fd, path, attempt))) {
      throw busy(path);
    }
    return fd;
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
}

async function openLocked(path: string, deadline: number | undefined): Promise<number> {
  for (;;) {
    try {
      return openLockFile(path, lockingFlags());
    } catch (error) {
      const cause = error instanceof MesaAuthError ? error.cause : error;
      if (errnoOf(cause) !== 'EAGAIN') {
        throw error;
      }
    }
    if (deadline === undefined || Date.now() >= deadline) {
      throw busy(path);
    }
    await sleep(POLL_MS);
  }
}

/**
 * Locks a lock file that is open already, as writers do: for `probeLock`. On macOS opening it has done so.
 * @returns whether we have the lock; false when another process holds it
 * @throws STORE_BUSY when locking does not work here
 */
export function lockOpenFile(fd: number, path: string, attempt: FlockAttempt): Promise<boolean> {
  return process.platform === 'darwin' ? Promise.resolve(true) : runFlock(fd, path, attempt);
}

/** What open(2) needs for `lockOpenFile`. */
export function lockingFlags(): number {
  return process.platform === 'darwin' ? DARWIN_O_EXLOCK | constants.O_NONBLOCK : 0;
}

/** Opens a lock file as writers do, but makes none, and changes none. @throws STORE_UNSAFE, IO */
export function openLockFileThatIs(path: string): number {
  return openSafely(path, constants.O_RDWR | lockingFlags());
}

/**
 * Whether the lock file can be used as one, and by us alone. It need not be there.
 * @throws STORE_UNSAFE, IO
 */
export function checkLockFile(path: string, warn: Warn, looseness: Looseness): void {
  let fd: number;
  try {
    fd = openSafely(path, constants.O_RDONLY);
  } catch (error) {
    if (!(error instanceof MesaAuthError) || errnoOf(error.cause) !== 'ENOENT') {
      throw error;
    }
    return;
  }
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) {
      treatLooseFile(fd, path, warn, looseness);
    }
  } catch (error) {
    throw ioError('open', path, error);
  } finally {
    closeQuietly(fd);
  }
}

function openLockFile(path: string, extraFlags: number): number {
  const fd = openSafely(path, constants.O_RDWR | constants.O_CREAT | extraFlags);
  try {
    fchmodSync(fd, 0o600);
    return fd;
  } catch (error) {
    closeQuietly(fd);
    throw ioError('open', path, error);
  }
}

function openSafely(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    switch (errnoOf(error)) {
      case 'EISDIR':
        throw unsafe(`${path} is a directory`, `rmdir ${shellWord(path)}`);
      case 'ELOOP':
        throw unsafe(`${path} is a symbolic link`, `rm ${shellWord(path)}`);
      case 'ENXIO': // a socket, or a device without a driver: open(2)
        throw unsafe(`${path} is not a regular file`, `rm ${shellWord(path)}`);
      default:
        throw ioError('open', path, error);
    }
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.uid !== process.geteuid?.()) {
      throw unsafe(`${path} is not a regular file of this user`, `rm ${shellWord(path)}`);
    }
    return fd;
  } catch (error) {
    closeQuietly(fd);
    throw error instanceof MesaAuthError ? error : ioError('open', path, error);
  }
}

/** Whether the open file is the one at `path`. Closes it before throwing IO. */
function isStillAt(fd: number, path: string): boolean {
  try {
    const held = fstatSync(fd);
    const named = statSync(path, { throwIfNoEntry: false });
    return held.ino === named?.ino && held.dev === named.dev;
  } catch (error) {
    closeQuietly(fd);
    throw ioError('open', path, error);
  }
}

/** Leaves our pid for whoever waits. Nothing depends on it alone, so a full disk is no reason to stop. */
export function writeHolder(fd: number): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
  }
}

/** The pid in a lock file: of whoever holds the lock, or held it last. */
export function readHolder(path: string): number | undefined {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    // Whatever lies there by now, such as a FIFO, must not keep us from giving up.
    const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const pid = Number.parseInt(readAll(fd, MAX_PID_BYTES).toString(), 10);
      return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
    } finally {
      closeQuietly(fd);
    }
  } catch {
    return undefined;
  }
}

function busy(path: string): MesaAuthError {
  const holder = readHolder(path);
  return new MesaAuthError(
    'STORE_BUSY',
    `another mesa${holder === undefined ? '' : ` (pid ${holder})`} has been writing to the secret store for too long`,
    {
      hint: holder === undefined ? 'try again' : `try again, or see what it does: ps -p ${holder}`,
      cause: HELD,
    },
  );
}

function unsafe(message: string, hint: string): MesaAuthError {
  return new MesaAuthError('STORE_UNSAFE', message, { hint });
}
