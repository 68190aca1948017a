import { resolve } from 'node:path';

import pty from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';

import { childEnv, MESA, NODE } from './run-mesa.ts';
import type { TempHome } from './temp-home.ts';

const POLL_MS = 20;
const PATIENCE_MS = 20_000;

export const KEYS = {
  enter: '\r',
  down: '\u001b[B',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  ctrlU: '\u0015',
  ctrlZ: '\u001a',
} as const;

export interface TerminalOptions {
  readonly home: TempHome;
  readonly env?: Readonly<Record<string, string>>;
}

/** A shell in a real pseudo-terminal, seen as a person sees it: by what is on the screen. */
export interface Terminal {
  /** Types text, as it is. */
  type(text: string): void;
  /** Waits until the screen (with what scrolled off it) contains the text, and gives the whole of it. */
  waitFor(text: string | RegExp): Promise<string>;
  /** What is on the screen, lines joined by newlines. */
  screen(): string;
  /** Every byte that the terminal received. */
  received(): string;
  /** Clears the screen and what was received. */
  clear(): void;
  /** Runs a command line to its end and gives its exit status; for what asks nothing. */
  run(commandLine: string): Promise<number>;
  /** The process id of the shell. */
  readonly pid: number;
}

/** Opens a terminal with `sh` in it; `mesa` there is the built program. */
export function openTerminal(options: TerminalOptions): Terminal {
  const screen = new xterm.Terminal({ cols: 120, rows: 50, allowProposedApi: true, scrollback: 1000 });
  const shell = pty.spawn('/bin/sh', [], {
    cols: 120,
    rows: 50,
    cwd: options.home.path,
    env: { ...childEnv(options), TERM: 'xterm-256color', PS1: '$ ' },
  });
  let received = '';
  shell.onData((data) => {
    received += data;
    screen.write(data);
  });
  onTestFinished(() => {
    shell.kill('SIGKILL');
  });
  shell.write(`mesa() { '${NODE}' '${resolve(MESA)}' "$@"; }; clear\r`);

  const text = (): string => {
    const buffer = screen.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index += 1) {
      lines.push(buffer.getLine(index)?.translateToString(true) ?? '');
    }
    return lines.join('\n').trimEnd();
  };
  const waitFor = async (wanted: string | RegExp): Promise<string> => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const seen = text();
      if (typeof wanted === 'string' ? seen.includes(wanted) : wanted.test(seen)) {
        return seen;
      }
      if (Date.now() > deadline) {
        throw new Error(`the screen never showed ${String(wanted)}:\n${seen}`);
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  };
  let runs = 0;
  return {
    pid: shell.pid,
    type: (what) => {
      shell.write(what);
    },
    waitFor,
    screen: text,
    received: () => received,
    clear: () => {
      screen.reset();
      received = '';
    },
    run: async (commandLine) => {
      runs += 1;
      shell.write(`${commandLine}; echo "end-${runs}=$?"\r`);
      const seen = await waitFor(new RegExp(`end-${runs}=[0-9]+`));
      return Number(new RegExp(`end-${runs}=([0-9]+)`).exec(seen)?.[1]);
    },
  };
}
