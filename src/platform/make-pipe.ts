import { spawnSync } from 'node:child_process';
import { constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeErrno, errnoOf, ioError, MesaAuthError } from '../errors.ts';

/** The descriptors of a pipe's ends. Whoever made it closes both. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

// Absolute, as for the lock's helper.
const MKFIFO_PROGRAMS = ['/usr/bin/mkfifo', '/bin/mkfifo', '/run/current-system/sw/bin/mkfifo'];

/**
 * Makes a pipe(2): a FIFO whose name is gone at once. What Node gives a child for a pipe is a pair of sockets, which
 * a program cannot open again, as in `echo > /dev/stderr`, and which end with another error.
 * @throws IO
 */
export function makePipe(): Pipe {
  let dir: string | undefined;
  try {
    dir = mkdtempSync(join(tmpdir(), 'mesa-'));
    const path = join(dir, 'pipe');
    makeFifo(path);
    // Without waiting for a writer: fifo(7). The other end is not affected.
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read, write: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    throw error instanceof MesaAuthError
      ? error
      : ioError('make a pipe in', tmpdir(), error, 'set TMPDIR to a directory that can be written');
  } finally {
    if (dir !== undefined) {
      rmSync(dir, { recursive: true, force: true });
    }
  }
}

/** Without -m, for which mkfifo needs /proc: the directory is private, and so is the umask. @throws IO */
function makeFifo(path: string): void {
  const program = MKFIFO_PROGRAMS.find((candidate) => existsSync(candidate)) ?? 'mkfifo';
  const { status, signal, error } = spawnSync(program, [path], { stdio: 'ignore', env: {} });
  if (error !== undefined) {
    throw errnoOf(error) === 'ENOENT'
      ? new MesaAuthError('IO', 'cannot make a pipe: mkfifo(1) is not installed', {
          hint: 'install coreutils',
        })
      : new MesaAuthError('IO', `cannot make a pipe: ${program} cannot be run: ${describeErrno(error)}`);
  }
  if (status !== 0) {
    throw new MesaAuthError(
      'IO',
      `cannot make a pipe in ${tmpdir()}: mkfifo ended with ${signal ?? `status ${String(status)}`}`,
      { hint: 'set TMPDIR to a directory that can be written and that holds pipes' },
    );
  }
}
