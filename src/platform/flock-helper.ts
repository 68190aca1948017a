import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { ioError, MesaAuthError } from '../errors.ts';

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

// flock(1): the lock is held by somebody else, and -n was given.
const FLOCK_CONFLICT = 1;

/**
 * Has flock(1) lock an open file for us.
 * @param path for messages
 * @returns whether we have the lock; false when another process holds it
 * @throws STORE_BUSY when locking does not work here; IO
 */
export function runFlock(fd: number, path: string, attempt: FlockAttempt): Promise<boolean> {
  const { deadline } = attempt;
  return new Promise((resolve, reject) => {
    const program = FLOCK_PROGRAMS.find((candidate) => existsSync(candidate));
    if (program === undefined) {
      throw new MesaAuthError('STORE_BUSY', 'cannot lock the secret store: flock(1) is not installed', {
        hint: 'install util-linux',
      });
    }
    let child: ChildProcess;
    try {
      // An empty environment: the helper has no use for ours, which may hold a passphrase.
      const args = deadline === undefined ? ['-x', '-n', '3'] : ['-x', '3'];
      child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', fd], env: {} });
    } catch (error) {
      reject(ioError('run', program, error));
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
      reject(ioError('run', program, error));
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
              hint: 'keep the data directory on a file system that supports locks',
            },
          ),
        );
      }
    });
  });
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
