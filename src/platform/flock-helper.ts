import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';

import { describeErrno, errnoOf, ioError, MesaAuthError } from '../errors.ts';

export interface FlockAttempt {
  /** Wall-clock milliseconds; undefined not to wait at all. */
  readonly deadline?: number;
  /** The pid of the helper, once there is one. */
  helper?: number | undefined;
}

// Absolute, never through PATH: whoever can change PATH must not be handed the lock.
const FLOCK_PROGRAMS = ['/usr/bin/flock', '/bin/flock', '/run/current-system/sw/bin/flock'];

// How much later than its deadline a helper may be that has not come as far as asking for the lock.
const LATE_START_MS = 5_000;
const POLL_MS = 50;
const INSTALL = 'install util-linux';

// flock(1): the lock is held by somebody else, and -n was given.
const FLOCK_CONFLICT = 1;

// Of starting a program: nothing is wrong with that program.
const SHORT_OF_SOMETHING: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);
// flock(1) itself: flock(2) failed. sysexits.h has EX_DATAERR and EX_OSERR.
const FLOCK_REFUSED: ReadonlySet<number | null> = new Set([65, 71]);

/**
 * Has flock(1) lock an open file for us.
 * @param path for messages
 * @returns whether we have the lock; false when another process holds it
 * @throws STORE_BUSY when locking does not work here; IO
 */
export function runFlock(fd: number, path: string, attempt: FlockAttempt): Promise<boolean> {
  const { deadline } = attempt;
  return new Promise((resolve, reject) => {
    const program = findFlock();
    let child: ChildProcess;
    try {
      // An empty environment: the helper has no use for ours, which may hold a passphrase.
      const args = deadline === undefined ? ['-x', '-n', '3'] : ['-x', '3'];
      child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', fd], env: {} });
    } catch (error) {
      reject(cannotRun(program, error));
      return;
    }
    attempt.helper = child.pid;
    let late = false;
    const giveUp = (): void => {
      if (isHeldUp(attempt) || Date.now() - Number(deadline) > LATE_START_MS) {
        late = true;
        child.kill('SIGKILL');
      } else {
        timer = setTimeout(giveUp, POLL_MS);
      }
    };
    let timer = deadline === undefined ? undefined : setTimeout(giveUp, Math.max(0, deadline - Date.now()));
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(cannotRun(program, error));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) {
        resolve(true);
      } else if (late || (deadline === undefined && code === FLOCK_CONFLICT)) {
        resolve(false);
      } else {
        reject(
          new MesaAuthError(
            'STORE_BUSY',
            `cannot lock ${path}: flock ended with ${signal ?? `status ${String(code)}`}`,
            {
              hint:
                signal !== null || FLOCK_REFUSED.has(code)
                  ? 'keep the data directory on a file system that supports locks'
                  : INSTALL,
            },
          ),
        );
      }
    });
  });
}

/** @throws STORE_BUSY */
function findFlock(): string {
  const there = FLOCK_PROGRAMS.filter((candidate) => existsSync(candidate));
  let refusal: unknown;
  for (const program of there) {
    try {
      accessSync(program, constants.X_OK);
      return program;
    } catch (error) {
      refusal ??= error;
    }
  }
  const [program] = there;
  throw program === undefined ? unusable('flock(1) is not installed') : cannotRun(program, refusal);
}

function cannotRun(program: string, error: unknown): MesaAuthError {
  return SHORT_OF_SOMETHING.has(errnoOf(error) ?? '')
    ? ioError('run', program, error)
    : unusable(`${program} cannot be run: ${describeErrno(error)}`);
}

function unusable(reason: string): MesaAuthError {
  return new MesaAuthError('STORE_BUSY', `cannot lock the secret store: ${reason}`, { hint: INSTALL });
}

/** Whether a helper waits for somebody's lock, and is not merely slow to start, as on a busy machine. */
export function isHeldUp({ helper }: FlockAttempt): boolean {
  try {
    // proc(5): pid (name) state. All that flock(1) ever sleeps in is flock(2).
    return / \(flock\) S /.test(readFileSync(`/proc/${helper}/stat`, 'latin1'));
  } catch {
    return !existsSync('/proc/self/stat');
  }
}
