import { setImmediate as turn } from 'node:timers/promises';
import { ReadStream } from 'node:tty';

import { MesaAuthError } from '../../errors.ts';
import { closeQuietly } from '../../platform/private-file.ts';
import { startTerminalGuard, type TerminalGuard } from '../../platform/terminal-guard.ts';
import { isInBackground, takeTerminalTurn } from '../../platform/terminal-turn.ts';
import { CLEAR_LINE } from './progress.ts';
import {
  CLEAR_BELOW,
  endBySignal,
  openTerminal,
  SHOW_CURSOR,
  stopUntilContinued,
  type Terminal,
} from './terminal.ts';
import { isUninterrupted } from './uninterrupted.ts';

const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
// oxlint-disable-next-line no-control-regex -- the arrow keys and their like, and the marks around a paste; not colours, which no key sends
export const KEY_SEQUENCE = /\u001b(?:\[[0-9;?]*[@-ln-~]|O.)/g;
// What a terminal makes of these keys where it is not raw.
const SIGNAL_KEYS: Readonly<Record<number, 'SIGINT' | 'SIGQUIT' | 'SIGTSTP'>> = {
  0x03: 'SIGINT',
  0x1c: 'SIGQUIT',
  0x1a: 'SIGTSTP',
};
const MOST_STOPS_IGNORED = 20;
/** More than anybody types ahead; the rest is thrown away. */
const MOST_AHEAD = 64 * 1024;

/** Takes what is typed. @returns what it leaves for the next one */
export type Reader = (chunk: Buffer) => Buffer | undefined;

interface Held {
  readonly terminal: Terminal;
  readonly guard: TerminalGuard | undefined;
  readonly lock: number | undefined;
}

/**
 * The terminal while it is this process's turn to ask: from the first question on nothing that is typed is shown, also
 * between questions, until it is given back with the modes that it had.
 */
export class HeldTerminal {
  readonly #lockDir: string;
  #held: Held | undefined;
  #taking: Promise<Terminal> | undefined;
  #ahead = Buffer.alloc(0);
  #reader: Reader | undefined;
  /** Of an open question, which is asked anew later. */
  #onStop: (() => void) | undefined;
  #library = false;
  /** Whether the terminal shall be ours once the shell continues us. */
  #wanted = false;

  /** @param lockDir see takeTerminalTurn */
  constructor(lockDir: string) {
    this.#lockDir = lockDir;
  }

  /**
   * Waits for our turn, unless it is ours already.
   * @throws INTERRUPTED when the terminal is gone, or can never be ours
   */
  async take(): Promise<Terminal> {
    this.#wanted = true;
    this.#taking ??= this.#take();
    try {
      return await this.#taking;
    } catch (error) {
      this.#taking = undefined;
      throw error;
    }
  }

  /** Gives the terminal back as it was; what was typed ahead is thrown away. */
  async release(): Promise<void> {
    this.#wanted = false;
    if (this.#taking === undefined) {
      return;
    }
    await this.#taking.catch(() => undefined);
    // What is on its way is for nobody, and least of all for the shell.
    await settleInput();
    this.#giveBack();
  }

  /** Writes, as long as the terminal is ours. */
  draw(text: string): void {
    this.#held?.terminal.output.write(text);
  }

  /** Writes, whoever's turn it is. @throws INTERRUPTED when the terminal is gone */
  say(text: string): void {
    if (this.#held !== undefined) {
      this.draw(text);
      return;
    }
    const terminal = openTerminal();
    if (terminal === undefined) {
      throw interrupted();
    }
    terminal.output.write(text);
    terminal.close();
  }

  /** Gives the terminal to the shell until that continues us. */
  async stop(): Promise<void> {
    this.#giveBack();
    await stopUntilContinued();
  }

  /** What was typed up to now is no answer. */
  async dropAhead(): Promise<void> {
    await settleInput();
    this.#ahead = Buffer.alloc(0);
  }

  /** Whether anything else than ends of lines waits to be read. */
  get hasAhead(): boolean {
    return /[^\r\n]/.test(this.#ahead.toString('latin1').replace(KEY_SEQUENCE, ''));
  }

  /** Has what is typed, first what was typed ahead, read by this; undefined for nobody. */
  readWith(reader: Reader | undefined): void {
    this.#reader = reader;
    const ahead = this.#ahead;
    this.#ahead = Buffer.alloc(0);
    if (ahead.length > 0) {
      this.#onData(ahead);
    }
  }

  /**
   * From here to the call of what this returns a question is open.
   * @param onStop for SIGTSTP, which does not stop the process then
   * @param library whether the library reads, with listeners of its own
   */
  openQuestion(onStop: () => void, library: boolean): () => void {
    this.#library = library;
    this.#onStop = onStop;
    return () => {
      this.#library = false;
      this.#onStop = undefined;
      this.#reader = undefined;
      // The library pauses it.
      this.#held?.terminal.input.resume();
    };
  }

  async #take(): Promise<Terminal> {
    const lock = await this.#takeTurn();
    const terminal = openTerminal();
    if (terminal === undefined) {
      closeLock(lock);
      // The terminal was there before; when it is gone, so is the person.
      throw interrupted();
    }
    const guard = await startTerminalGuard(lock ?? terminal.fd, lock);
    this.#held = { terminal, guard, lock };
    const { input } = terminal;
    input.on('end', hangUp);
    input.on('error', hangUp);
    FATAL_SIGNALS.forEach((signal) => process.on(signal, this.#die));
    process.on('SIGTSTP', this.#stopped);
    process.on('exit', this.#giveBack);
    input.setRawMode(true);
    guard?.changed();
    // The library's questions set it, and would unset it when they end.
    input.setRawMode = () => input;
    input.on('data', this.#onData);
    input.resume();
    // What was typed before the first question is no answer to it.
    await this.dropAhead();
    return terminal;
  }

  async #takeTurn(): Promise<number | undefined> {
    let ignored = 0;
    for (;;) {
      // Whoever stops with the lock would keep everybody else waiting.
      while (isInBackground()) {
        ignored = (await stopUntilContinued('SIGTTOU')) ? 0 : ignored + 1;
        if (ignored > MOST_STOPS_IGNORED) {
          throw interrupted();
        }
      }
      const lock = await takeTerminalTurn(this.#lockDir);
      if (!isInBackground()) {
        return lock;
      }
      closeLock(lock);
    }
  }

  readonly #giveBack = (): void => {
    const held = this.#held;
    this.#held = undefined;
    this.#taking = undefined;
    this.#ahead = Buffer.alloc(0);
    if (held === undefined) {
      return;
    }
    const { terminal, guard, lock } = held;
    const { input } = terminal;
    input.off('end', hangUp);
    input.off('data', this.#onData);
    FATAL_SIGNALS.forEach((signal) => process.off(signal, this.#die));
    process.off('SIGTSTP', this.#stopped);
    process.off('exit', this.#giveBack);
    ReadStream.prototype.setRawMode.call(input, false);
    guard?.restored();
    terminal.close();
    closeLock(lock);
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#reader !== undefined) {
      const rest = this.#reader(chunk);
      if (rest !== undefined) {
        this.#keep(rest);
      }
    } else if (!this.#library) {
      this.#keep(chunk);
    }
  };

  /** No line is read just now. */
  #keep(chunk: Buffer): void {
    const signal = SIGNAL_KEYS[chunk.find((byte) => SIGNAL_KEYS[byte] !== undefined) ?? 0];
    if (signal === 'SIGTSTP') {
      this.#stopped();
    } else if (signal !== undefined) {
      // As the terminal does: everybody in the foreground gets it.
      process.kill(0, signal);
    } else if (this.#ahead.length < MOST_AHEAD) {
      this.#ahead = Buffer.concat([this.#ahead, chunk]);
    }
  }

  readonly #stopped = (): void => {
    if (this.#onStop !== undefined) {
      this.#onStop();
      return;
    }
    void this.#stopBetween();
  };

  /** In the background nobody types for us: then the next question takes its turn. */
  async #stopBetween(): Promise<void> {
    this.draw(`${CLEAR_LINE}${SHOW_CURSOR}`);
    await this.stop();
    if (this.#wanted && !isInBackground()) {
      // That the terminal is gone is for the next question to say.
      await this.take().catch(() => undefined);
      if (!this.#wanted) {
        this.#giveBack();
      }
    }
  }

  /** Whatever ends the process by a signal restores the terminal first; Node does that for INT and TERM only. */
  readonly #die = (signal: NodeJS.Signals): void => {
    if (isUninterrupted() && this.#onStop === undefined) {
      return;
    }
    const output = this.#held?.terminal.output;
    this.#giveBack();
    output?.write(`${SHOW_CURSOR}\n${CLEAR_BELOW}`);
    endBySignal(signal);
  };
}

/** Lets everything be read that is there. */
async function settleInput(): Promise<void> {
  await turn();
  // The first may come before anything is read: the second is behind it.
  await turn();
}

function closeLock(lock: number | undefined): void {
  if (lock !== undefined) {
    closeQuietly(lock);
  }
}

/** A terminal that is gone cannot be restored. */
function hangUp(): void {
  endBySignal('SIGHUP');
}

export function interrupted(): MesaAuthError {
  return new MesaAuthError('INTERRUPTED', 'interrupted');
}
