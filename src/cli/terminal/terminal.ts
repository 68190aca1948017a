import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream, WriteStream } from 'node:tty';

import { errnoOf } from '../../errors.ts';
import { standardError } from '../../platform/exposed-memory.ts';

export const SHOW_CURSOR = '\u001b[?25h';
export const HIDE_CURSOR = '\u001b[?25l';
export const CLEAR_BELOW = '\u001b[J';

const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const SIGNAL_GRACE_MS = 50;

/** Where a person types and reads. */
export interface Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  close(): void;
}

/**
 * The standard streams when stdin and stderr are terminals, else the controlling terminal, which is there when stdin
 * or stderr is redirected.
 * @returns undefined when there is no terminal
 */
export function openTerminal(): Terminal | undefined {
  const output = standardError();
  return process.stdin.isTTY && output.isTTY
    ? { input: process.stdin, output, close: () => process.stdin.pause() }
    : openControllingTerminal();
}

function openControllingTerminal(): Terminal | undefined {
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r+');
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return undefined;
  }
  try {
    const input = new ReadStream(fd);
    const output = new WriteStream(openSync('/dev/tty', 'w'));
    return {
      input,
      output,
      close: () => {
        input.destroy();
        output.destroy();
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * While a question is open, whatever ends the process by a signal restores the terminal first; Node does that for INT
 * and TERM only.
 * @param onStop for SIGTSTP, which does not stop the process then
 * @returns what undoes it
 */
export function guardTerminal(terminal: Terminal, onStop: () => void): () => void {
  const die = (signal: NodeJS.Signals): void => {
    terminal.input.setRawMode(false);
    terminal.output.write(`${SHOW_CURSOR}\n${CLEAR_BELOW}`);
    end(signal);
  };
  terminal.input.on('end', hangUp);
  terminal.input.on('error', hangUp);
  for (const signal of FATAL_SIGNALS) {
    process.on(signal, die);
  }
  process.on('SIGTSTP', onStop);
  return () => {
    terminal.input.off('end', hangUp);
    terminal.input.off('error', hangUp);
    for (const signal of FATAL_SIGNALS) {
      process.off(signal, die);
    }
    process.off('SIGTSTP', onStop);
  };
}

/** A terminal that is gone cannot be restored. Node tries to when it exits, and aborts: a core file would hold keys. */
function hangUp(): void {
  end('SIGHUP');
}

function end(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/**
 * Stops as Ctrl-Z stops any program, until the shell continues it. The whole process group, because in raw mode Ctrl-Z
 * reached us alone, and a shell takes a pipeline for stopped when all of it is.
 */
export async function stopUntilContinued(): Promise<void> {
  // Node's readline waits for the continuation, too, to set the raw mode of a question that is closed by then.
  process.removeAllListeners('SIGCONT');
  process.kill(0, 'SIGTSTP');
  // Another thread may have got the signal, and a group without a shell ignores it: both are over after this.
  await sleep(SIGNAL_GRACE_MS);
}
