// Rules of the questions:
// - Questions go to the terminal itself, never to stdout: that is for data.
// - A question names the thing it asks for; an answer that will not do is told why at once, in place.
// - Nothing secret is echoed, not even its length.
// - Ctrl-C and Ctrl-D end the program from every question, with the terminal as it was.
// - From the first question until the terminal is given back nothing that is typed is shown: what is typed before the next
//   hidden question answers it, and everything else is thrown away.
// - Ctrl-Z gives the terminal back to the shell; once continued, the question is asked anew.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream, WriteStream } from 'node:tty';

import { input, select } from '@inquirer/prompts';

import type { Choice, Prompter, Question } from '../../platform/prompter.ts';
import { askHidden } from './hidden-input.ts';
import { promptTheme } from './prompt-theme.ts';
import { HeldTerminal, interrupted } from './held-terminal.ts';
import { showProgress } from './progress.ts';
import { hasTerminal, SHOW_CURSOR, type Terminal } from './terminal.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
// Longer than the pauses within a paste, shorter than anybody's between two answers.
const PASTE_TAIL_MS = 50;

/**
 * @param lockDir see takeTerminalTurn
 * @returns undefined when there is no terminal
 */
export function terminalPrompter(color: boolean, lockDir: string): Prompter | undefined {
  return hasTerminal() ? new TerminalPrompter(promptTheme(color), new HeldTerminal(lockDir)) : undefined;
}

interface PromptContext {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly signal: AbortSignal;
  readonly clearPromptOnDone: boolean;
}

type Validate = (answer: string) => Promise<string | true>;
type Ask<T> = (context: PromptContext, validate: Validate) => Promise<T>;

class TerminalPrompter implements Prompter {
  readonly #theme: ReturnType<typeof promptTheme>;
  readonly #held: HeldTerminal;
  /** Shows that an answer is being checked. */
  #checking: { readonly message: string; readonly stop: () => void } | undefined;
  /** Whether what is typed ahead was typed behind a hidden question: then it may be the answer to another one. */
  #afterHidden = false;

  constructor(theme: ReturnType<typeof promptTheme>, held: HeldTerminal) {
    this.#theme = theme;
    this.#held = held;
  }

  say(text: string): void {
    this.#held.say(`${text}\n`);
  }

  text(question: Question): Promise<string> {
    const { message, clearRefused } = question;
    const theme = {
      ...this.#theme,
      validationFailureMode: clearRefused === true ? 'clear' : 'keep',
    } as const;
    return this.#askVisibly(question, (context, validate) => input({ message, validate, theme }, context));
  }

  async secret(question: Question): Promise<string> {
    const { message, checking, check } = question;
    const pending = checking !== undefined;
    for (;;) {
      const terminal = await this.#begin(!this.#afterHidden);
      this.#afterHidden = true;
      const abort = new AbortController();
      const close = this.#held.openQuestion(() => abort.abort(STOPPED), false);
      const validate = async (answer: string, ahead: boolean): Promise<string | true> => {
        if (!ahead && (await this.#hadSeveralLines())) {
          return SEVERAL_LINES;
        }
        return describeProblem(answer, check);
      };
      try {
        const hidden = { message, validate, pending, theme: this.#theme };
        const answer = await askHidden(hidden, this.#held, terminal, abort.signal, () => abort.abort());
        if (checking !== undefined) {
          const stop = showProgress((frame) => this.#held.draw(frame), checking, 0);
          this.#checking = { message, stop };
        }
        return answer;
      } catch (error) {
        if (!abort.signal.aborted) {
          throw error;
        }
        if (abort.signal.reason !== STOPPED) {
          throw interrupted();
        }
      } finally {
        close();
      }
      await this.#held.stop();
      this.#afterHidden = false;
    }
  }

  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial?: T): Promise<T> {
    const options = choices.map(({ value, label, description }) => ({
      value,
      name: `${label}\n    ${description}`,
      short: label,
    }));
    const start = initial === undefined ? {} : { default: initial };
    return this.#askVisibly({ message }, (context) =>
      select({ message, choices: options, pageSize: 20, theme: this.#theme, ...start }, context),
    );
  }

  /** The library's own such question keeps a refused answer, to which the next one is appended. */
  async confirm(message: string, initial: boolean): Promise<boolean> {
    const answer = await this.text({
      message: `${message} (${initial ? 'Y/n' : 'y/N'})`,
      check: (text) => (parseYesNo(text, initial) === undefined ? 'answer with y or n' : undefined),
      clearRefused: true,
    });
    return parseYesNo(answer, initial) ?? initial;
  }

  async takeTurn(): Promise<void> {
    await this.#held.take();
  }

  settle(accepted: boolean): void {
    if (this.#checking === undefined) {
      return;
    }
    const { message, stop } = this.#checking;
    this.#checking = undefined;
    stop();
    const { prefix, style } = this.#theme;
    this.#held.draw(accepted ? `${prefix.done} ${style.message(message)}\n${SHOW_CURSOR}` : SHOW_CURSOR);
  }

  async release(): Promise<void> {
    this.settle(false);
    this.#afterHidden = false;
    await this.#held.release();
  }

  /** Takes the terminal for a question. @param fresh whether what was typed ahead is no answer to it */
  async #begin(fresh: boolean): Promise<Terminal> {
    this.settle(false);
    const terminal = await this.#held.take();
    if (fresh) {
      await this.#held.dropAhead();
    }
    return terminal;
  }

  /** A paste of several lines is no answer. What comes behind the first one is thrown away. */
  async #hadSeveralLines(): Promise<boolean> {
    await sleep(PASTE_TAIL_MS);
    // On a busy machine the time may be over before anything was read.
    await turn();
    const several = this.#held.hasAhead;
    await this.#held.dropAhead();
    return several;
  }

  async #askVisibly<T>(question: Question, prompt: Ask<T>): Promise<T> {
    for (;;) {
      const terminal = await this.#begin(true);
      this.#afterHidden = false;
      const answer = await askOnce(question, prompt, this.#held, terminal);
      if (answer !== STOPPED) {
        return answer;
      }
      await this.#held.stop();
    }
  }
}

/** @returns undefined when it is neither */
function parseYesNo(text: string, initial: boolean): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === '') {
    return initial;
  }
  return 'yes'.startsWith(word) ? true : 'no'.startsWith(word) ? false : undefined;
}

const SEVERAL_LINES = 'that was more than one line; type or paste one';
const STOPPED = Symbol('stopped');

function describeProblem(answer: string, check: Question['check']): string | true {
  // Decoding puts U+FFFD for what is no UTF-8: different passphrases would become the same one.
  return answer.includes('\ufffd') ? 'that is not UTF-8 text' : (check?.(answer) ?? true);
}

async function askOnce<T>(
  question: Question,
  prompt: Ask<T>,
  held: HeldTerminal,
  terminal: Terminal,
): Promise<T | typeof STOPPED> {
  const abort = new AbortController();
  const close = held.openQuestion(() => abort.abort(STOPPED), true);
  const typed = watchInput(terminal.input, () => abort.abort());
  const validate = async (answer: string): Promise<string | true> =>
    (await typed.hadSeveralLines()) ? SEVERAL_LINES : describeProblem(answer, question.check);
  const context = {
    input: terminal.input,
    output: terminal.output,
    signal: abort.signal,
    clearPromptOnDone: question.clearAfter ?? false,
  };
  try {
    return await prompt(context, validate);
  } catch (error) {
    if (abort.signal.reason === STOPPED) {
      return STOPPED;
    }
    if (abort.signal.aborted || (error instanceof Error && error.name === 'ExitPromptError')) {
      throw interrupted();
    }
    throw error;
  } finally {
    typed.stop();
    close();
  }
}

interface InputWatch {
  /** Asked when a line was entered: whether more came with it. That is dropped. */
  hadSeveralLines(): Promise<boolean>;
  stop(): void;
}

/** Sees what the questions do not tell: Ctrl-C, Ctrl-D, and a paste of several lines. */
function watchInput(stream: ReadStream, onInterrupt: () => void): InputWatch {
  let sinceEnter: string | undefined;
  const onData = (chunk: Buffer): void => {
    const text = chunk.toString('latin1');
    if (text.includes(CTRL_C) || text.includes(CTRL_D)) {
      onInterrupt();
    }
    if (sinceEnter === undefined) {
      const enter = text.search(/[\r\n]/);
      sinceEnter = enter === -1 ? undefined : text.slice(enter);
    } else {
      sinceEnter += text;
    }
  };
  // What was typed before the question was seen is no answer to it; the library drops it, too.
  const start = setImmediate(() => stream.prependListener('data', onData));
  return {
    hadSeveralLines: async () => {
      await sleep(PASTE_TAIL_MS);
      // On a busy machine the time may be over before anything was read.
      await turn();
      const several = /[^\r\n]/.test(sinceEnter ?? '');
      sinceEnter = undefined;
      // Ctrl-U: the line editor holds the start of another line, which would become part of the next answer.
      stream.emit('keypress', undefined, { name: 'u', ctrl: true, meta: false, shift: false });
      return several;
    },
    stop: () => {
      clearImmediate(start);
      stream.off('data', onData);
    },
  };
}
