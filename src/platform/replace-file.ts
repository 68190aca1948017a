import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { shellWord } from '../core/escape-text.ts';
import { describeErrno, errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { syncDir, syncDirFd } from './create-dirs.ts';
import { closeQuietly } from './private-file.ts';

/**
 * Replaces a file by new content: whoever reads sees the old bytes or the new ones, and the new ones are durable
 * when this returns.
 * @throws IO; the old content is then still in place, except when the message says that the new one was written
 */
export function replaceFile(path: string, content: Uint8Array, mode = 0o600): void {
  publishFile(path, content, {
    mode,
    giveName: renameSync,
    outcome: 'nothing was changed',
    hint: 'check the disk, then run the command again',
  });
}

/** How a file that was written beside its place gets there. */
export interface Publication {
  /** What it becomes; undefined leaves it at 0600 without the bits of the umask. */
  readonly mode: number | undefined;
  /** Makes the temporary file the one at `path`. @throws a system error */
  readonly giveName: (temp: string, path: string) => void;
  /** What is said of a failure before that. */
  readonly outcome: string;
  /** What to type when it is there, and may not last. */
  readonly hint: string;
}

/**
 * Writes a file beside its place and puts it there, durably. The temporary file lies in the same directory, is 0600
 * from its first byte, and is removed on failure. Synchronous on purpose: no signal handler and no other task of this
 * process runs between its steps.
 *
 * The order (write, fsync, name, fsync of the directory) is the one that survives a power loss. `fs.writeFileSync`
 * and the packages built on a single `fs.write` report success for a file that a full disk cut short (nodejs/node
 * issue 31908), hence the loop over what was really written.
 * @throws IO
 */
export function publishFile(path: string, content: Uint8Array, how: Publication): void {
  const dir = dirname(path);
  const temp = join(dir, tempName(path));
  let dirFd: number;
  try {
    dirFd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw ioError('write', path, error);
  }
  try {
    try {
      writeTemp(temp, content, how.mode);
      how.giveName(temp, path);
    } catch (error) {
      unlinkQuietly(temp);
      throw isMount(error)
        ? mountedByItself(path, error, how.outcome)
        : new MesaAuthError('IO', `cannot write ${path}: ${describeErrno(error)}; ${how.outcome}`, {
            cause: error,
          });
    }
    try {
      syncDirFd(dirFd);
    } catch (error) {
      throw new MesaAuthError(
        'IO',
        `${path} was written, but may not survive a power loss: ${describeErrno(error)}`,
        { cause: error, hint: how.hint },
      );
    }
  } finally {
    closeQuietly(dirFd);
  }
}

function writeTemp(temp: string, content: Uint8Array, mode: number | undefined): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    if (mode !== undefined) {
      // The umask can only have taken bits away, even the owner's.
      fchmodSync(fd, mode);
    }
    let written = 0;
    while (written < content.length) {
      written += writeSync(fd, content, written);
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Removes what writers that were killed left behind. Only for the holder of the lock that guards the directory:
 * then every temporary file is an abandoned one.
 * @throws IO when the directory cannot be listed
 */
export function removeStrayTemps(path: string): void {
  findTemps(path).forEach(unlinkQuietly);
}

/** The temporary files of a file's writers, killed or still at work. @throws IO when the directory cannot be listed */
export function findTemps(path: string): readonly string[] {
  const dir = dirname(path);
  const pattern = new RegExp(`^\\.${escapeRegExp(basename(path))}\\.[0-9]+\\.tmp$`);
  try {
    return readdirSync(dir)
      .filter((name) => pattern.test(name))
      .map((name) => join(dir, name));
  } catch (error) {
    throw ioError('read', dir, error);
  }
}

/** Removes a file, durably. @throws IO */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    throw isMount(error) ? mountedByItself(path, error, 'it is still there') : ioError('remove', path, error);
  }
  try {
    syncDir(dirname(path));
  } catch (error) {
    throw new MesaAuthError(
      'IO',
      `${path} was removed, but may come back after a power loss: ${describeErrno(error)}`,
      { cause: error, hint: 'check the disk' },
    );
  }
}

/**
 * The error of a file that is a mount of its own, as a single file that a container was given: rename(2), EBUSY.
 * @param outcome what is said of the rest
 */
export function mountedByItself(
  path: string,
  cause?: unknown,
  outcome = 'nothing was changed',
): MesaAuthError {
  return new MesaAuthError(
    'IO',
    `${path} is mounted by itself and cannot be replaced: mount its directory instead; ${outcome}`,
    {
      ...(cause === undefined ? {} : { cause }),
      hint: `see where it comes from: findmnt ${shellWord(path)}`,
    },
  );
}

/** Whether a file was not renamed or removed because it is a mount of its own: rename(2), unlink(2). */
function isMount(error: unknown): boolean {
  return errnoOf(error) === 'EBUSY' || errnoOf(error) === 'EXDEV';
}

/** Unlike any other of a living process; O_EXCL takes care of the rest, and nobody else may write to the directory. */
function tempName(path: string): string {
  return `.${basename(path)}.${process.pid}${process.hrtime.bigint()}.tmp`;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // The write itself is what failed, or is about to succeed; a temporary file that cannot be removed is 0600 in
    // a 0700 directory and goes with the next write.
    if (errnoOf(error) === undefined) {
      throw error;
    }
  }
}
