import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';

import { errnoOf } from '../errors.ts';
import { withCoresAsAtStart } from './exposed-memory.ts';
import { cannotRun } from './find-command.ts';
import { isInForeground } from './process-state.ts';
import { descriptorsAtStart } from './inherited-descriptors.ts';

export interface ChildOptions {
  /** As the first word of a command line: a path, or a name that is looked up in the PATH of `env`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The child's standard streams; ours when absent. */
  readonly stdio?: readonly Stream[];
  /** Called once it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** The process that gets the signals which we get, once it is known; the child when absent. */
  readonly signalled?: Promise<number>;
}

/** How a child ended: with a status, or by a signal. */
export type ChildEnd =
  | { readonly status: number; readonly signal: null }
  | { readonly status: null; readonly signal: NodeJS.Signals };

// What somebody sends to us is meant for the child. The terminal's own signals reach it by themselves, since it is in the
// same process group: SIGINT and SIGQUIT are sent on only when they cannot have come from there, and SIGTSTP, SIGCONT
// and SIGWINCH never; stopping and continuing works without us.
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const;
const FROM_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs a program in our place, as far as that is possible beside it: it has our terminal, process group, working
 * directory and open descriptors, and gets our signals.
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_RUNNABLE when it did not start
 */
export function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { command, args, env, stdio, onStart, signalled } = options;
  return new Promise((resolve, reject) => {
    let child: ChildProcess | undefined;
    const forward = (signal: NodeJS.Signals): void => {
      if (FROM_KEYBOARD.has(signal) && isInForeground()) {
        return;
      }
      void (signalled ?? Promise.resolve(child?.pid)).then((pid) => send(pid, signal));
    };
    // Before the child runs: from then on a signal is meant for it, and must not leave it behind.
    FORWARDED.forEach((signal) => process.on(signal, forward));
    const done = (): void => {
      FORWARDED.forEach((signal) => process.off(signal, forward));
    };
    const fail = (error: unknown): void => {
      done();
      reject(cannotRun(command, errnoOf(error)));
    };
    try {
      const streams = stdio ?? withGiven(['inherit', 'inherit', 'inherit']);
      child = withCoresAsAtStart(() => spawn(command, args, { env, stdio: [...streams] }));
    } catch (error) {
      // Arguments and environment may be longer than the kernel takes: execve(2), E2BIG.
      fail(error);
      return;
    }
    const { pid } = child;
    if (pid === undefined) {
      child.once('error', fail);
      return;
    }
    // A signal that cannot be sent is an error of the child, too: it has ended, or is another user's.
    child.on('error', () => undefined);
    // With pipes, after everything that was written to them.
    child.once('close', (status, signal) => {
      done();
      if (signal !== null) {
        resolve({ status: null, signal });
      } else {
        resolve({ status: status ?? 1, signal: null });
      }
    });
    onStart?.(child);
  });
}

/** A standard stream of a child, or more. */
export type Stream = 'inherit' | 'ignore' | 'pipe' | number;

/** The descriptors that we were started with, but the standard ones. Looked at before anything of ours is open. */
export const descriptorsGiven = descriptorsAtStart();

/** Adds every descriptor that we were given, under its number. */
export function withGiven(stdio: readonly Stream[]): Stream[] {
  const all = [...stdio];
  for (const fd of descriptorsGiven) {
    if ((all[fd] ?? 'ignore') === 'ignore') {
      putStream(all, fd, fd);
    }
  }
  return all;
}

/** Sets what a child gets under a number. */
export function putStream(stdio: Stream[], fd: number, stream: Stream): void {
  while (stdio.length <= fd) {
    stdio.push('ignore');
  }
  stdio[fd] = stream;
}

/**
 * Ends this process as its child ended, for whoever looks: by the same signal where that is harmless, else with the
 * status that shells give it. What the child did to the terminal stays done: Node would put back the modes that it found
 * at its start, of standard streams that are open.
 * @returns the status, when it is to be an exit
 */
export function endAs({ status, signal }: ChildEnd, numberOf: (signal: NodeJS.Signals) => number): number {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd);
    } catch (error) {
      if (errnoOf(error) === undefined) {
        throw error;
      }
    }
  }
  if (signal === null) {
    return status;
  }
  // Not those that leave a core file: it would hold the key.
  if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP') {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return 128 + numberOf(signal);
}

function send(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) {
      process.kill(pid, signal);
    }
  } catch (error) {
    // It ended, or is another user's by now, as with sudo.
    if (errnoOf(error) === undefined) {
      throw error;
    }
  }
}
