import { execFileSync } from 'node:child_process';

import pty from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';

import { builtMesa, childEnv, NODE } from './run-mesa.ts';
import type { TempHome } from './temp-home.ts';
import { waitUntil } from './wait-until.ts';

export const KEYS = {
  enter: '\r',
  down: '\u001b[B',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  ctrlBackslash: '\u001c',
  ctrlU: '\u0015',
  ctrlZ: '\u001a',
} as const;

/** How a terminal treats typing, and whether it shows a cursor: what a shell expects of it. */
export const COOKED = { icanon: true, isig: true, echo: true, cursor: true };

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
  /** Waits for an open question, types an answer, and waits until it was accepted. */
  answer(question: string, text: string): Promise<void>;
  /** Runs a command line to its end and gives its exit status; for what asks nothing. */
  run(commandLine: string): Promise<number>;
  /** Waits until the shell asks for the next command, and gives the exit status of the last one. */
  ended(): Promise<number>;
  modes(): typeof COOKED;
  /** The process that the shell runs in the foreground. */
  foreground(): number;
  /** Gives the terminal's window another size. */
  resize(columns: number, rows: number): void;
  /** Closes the terminal, as with its window. */
  hangUp(): void;
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
  shell.write(`mesa() { '${NODE}' '${builtMesa()}' "$@"; }; clear\r`);

  const text = (): string => {
    const buffer = screen.buffer.active;
    const lines: string[] = [];
    for (let index = 0; index < buffer.length; index += 1) {
      lines.push(buffer.getLine(index)?.translateToString(true) ?? '');
    }
    return lines.join('\n').trimEnd();
  };
  const waitFor = async (wanted: string | RegExp): Promise<string> => {
    const isThere = () => (typeof wanted === 'string' ? text().includes(wanted) : wanted.test(text()));
    await waitUntil(`the screen shows ${String(wanted)}`, isThere, text);
    return text();
  };
  let runs = 0;
  const run = async (commandLine: string): Promise<number> => {
    runs += 1;
    shell.write(`${commandLine}; echo "end-${runs}=$?"\r`);
    const seen = await waitFor(new RegExp(`end-${runs}=[0-9]+`));
    return Number(new RegExp(`end-${runs}=([0-9]+)`).exec(seen)?.[1]);
  };
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
    answer: async (question, answer) => {
      const answered = () => text().split(`✔ ${question}`).length;
      await waitFor(`? ${question}`);
      const before = answered();
      shell.write(`${answer}\r`);
      // The same question may be asked again at once; and one that shows a secret leaves nothing behind.
      await waitUntil(
        `the answer to "${question}" is accepted`,
        () => answered() > before || !text().includes(`? ${question}`),
        text,
      );
    },
    run,
    ended: async () => {
      // Behind the echo of Ctrl-C or Ctrl-\, where the shell does not know of it.
      await waitFor(/(?:^|\n)(?:\^[C\\])?\$$/);
      return run('(exit $?)');
    },
    resize: (columns, rows) => {
      shell.resize(columns, rows);
      screen.resize(columns, rows);
    },
    // The type says nothing of it, because Windows has none.
    hangUp: () => (shell as pty.IPty & { destroy(): void }).destroy(),
    modes: () => {
      const tty = execFileSync('ps', ['-o', 'tty=', '-p', String(shell.pid)], { encoding: 'utf8' }).trim();
      const settings = execFileSync('/bin/sh', ['-c', 'stty -a < "/dev/$0"', tty], { encoding: 'utf8' });
      const isOn = (name: string) => new RegExp(`(?:^|\\s)${name}\\b`).test(settings);
      return {
        icanon: isOn('icanon'),
        isig: isOn('isig'),
        echo: isOn('echo'),
        cursor: received.lastIndexOf('\u001b[?25h') >= received.lastIndexOf('\u001b[?25l'),
      };
    },
    foreground: () => {
      const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
      const child = new RegExp(`^ *([0-9]+) +${shell.pid}$`, 'm').exec(processes)?.[1];
      if (child === undefined) {
        throw new Error('the shell runs nothing');
      }
      return Number(child);
    },
  };
}
