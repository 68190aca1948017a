import { spawnSync } from 'node:child_process';
import { constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ioError, MesaAuthError } from '../errors.ts';

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
    const program = MKFIFO_PROGRAMS.find((candidate) => existsSync(candidate)) ?? 'mkfifo';
    if (spawnSync(program, ['-m', '600', path], { stdio: 'ignore', env: {} }).status !== 0) {
      throw new MesaAuthError('IO', `cannot make a pipe in ${tmpdir()}`, {
        hint: 'set TMPDIR to a directory that can be written',
      });
    }
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
