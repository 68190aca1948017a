import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty, ReadStream, WriteStream } from 'node:tty';

import { errnoOf } from '../../errors.ts';
import { standardError } from '../../platform/exposed-memory.ts';

export const SHOW_CURSOR = '\u001b[?25h';
export const HIDE_CURSOR = '\u001b[?25l';
export const CLEAR_BELOW = '\u001b[J';

const SIGNAL_GRACE_MS = 50;

/** Where a person types and reads. */
export interface Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** An open file of it, for other programs. */
  readonly fd: number;
  close(): void;
}

/** Whether there is somebody to ask. */
export function hasTerminal(): boolean {
  const fd = openTty('r+');
  if (fd === undefined) {
    return isStandard();
  }
  closeSync(fd);
  return true;
}

/**
 * The standard streams when stdin and stderr are terminals, else the controlling terminal, which is there when stdin
 * or stderr is redirected.
 * @returns undefined when there is no terminal
 */
export function openTerminal(): Terminal | undefined {
  if (isStandard()) {
    // Not `process.stdin`: that cannot be closed, and Node sets the modes of an open one once more when it ends.
    const input = new ReadStream(0);
    return { input, output: standardError(), fd: 0, close: () => input.destroy() };
  }
  return openControllingTerminal();
}

function isStandard(): boolean {
  return isatty(0) && isatty(2);
}

function openControllingTerminal(): Terminal | undefined {
  const fd = openTty('r+');
  const outputFd = openTty('w');
  if (fd === undefined || outputFd === undefined) {
    return undefined;
  }
  const input = new ReadStream(fd);
  const output = new WriteStream(outputFd);
  return {
    input,
    output,
    fd,
    close: () => {
      input.destroy();
      output.destroy();
    },
  };
}

function openTty(flags: 'r+' | 'w'): number | undefined {
  try {
    return openSync('/dev/tty', flags);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return undefined;
  }
}

/** Lets a signal end this process, whoever listens to it. */
export function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/**
 * Stops as Ctrl-Z stops any program, until the shell continues it. The whole process group, because in raw mode Ctrl-Z
 * reached us alone, and a shell takes a pipeline for stopped when all of it is.
 * @param signal SIGTTOU for what wants to change the terminal from the background
 * @returns whether it was stopped: a group without a shell is not
 */
export async function stopUntilContinued(signal: 'SIGTSTP' | 'SIGTTOU' = 'SIGTSTP'): Promise<boolean> {
  // Node's readline waits for the continuation, too, to set the raw mode of a question that is closed by then.
  process.removeAllListeners('SIGCONT');
  let continued = false;
  process.once('SIGCONT', () => {
    continued = true;
  });
  process.kill(0, signal);
  // Another thread may have got the signal, and a group without a shell ignores it: both are over after this.
  await sleep(SIGNAL_GRACE_MS);
  process.removeAllListeners('SIGCONT');
  return continued;
}
