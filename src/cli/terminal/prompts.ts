// Rules of the questions:
// - Questions go to the terminal itself, never to stdout: that is for data.
// - A question names the thing it asks for; an answer that will not do is told why at once, in place.
// - Nothing secret is echoed, not even its length.
// - Ctrl-C and Ctrl-D end the program from every question, with the terminal as it was.
// - Ctrl-Z gives the terminal back to the shell; once continued, the question is asked anew.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { ReadStream, WriteStream } from 'node:tty';

import { input, select } from '@inquirer/prompts';

import { MesaAuthError } from '../../errors.ts';
import type { Choice, Prompter, Question } from '../../platform/prompter.ts';
import { askHidden } from './hidden-input.ts';
import { promptTheme } from './prompt-theme.ts';
import { guardTerminal, openTerminal, stopUntilContinued, type Terminal } from './terminal.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
// Longer than the pauses within a paste, shorter than anybody's between two answers.
const PASTE_TAIL_MS = 50;

/** @returns undefined when there is no terminal */
export function terminalPrompter(color: boolean): Prompter | undefined {
  const terminal = openTerminal();
  if (terminal === undefined) {
    return undefined;
  }
  terminal.close();
  return new TerminalPrompter(promptTheme(color));
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

  constructor(theme: ReturnType<typeof promptTheme>) {
    this.#theme = theme;
  }

  say(text: string): void {
    const terminal = reopenTerminal();
    terminal.output.write(`${text}\n`);
    terminal.close();
  }

  text(question: Question): Promise<string> {
    const { message, clearRefused } = question;
    const theme = {
      ...this.#theme,
      validationFailureMode: clearRefused === true ? 'clear' : 'keep',
    } as const;
    return ask(question, (context, validate) => input({ message, validate, theme }, context));
  }

  secret(question: Question): Promise<string> {
    const { message } = question;
    return ask(question, (context, validate) =>
      askHidden({ message, validate, theme: this.#theme }, context, context.signal),
    );
  }

  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial?: T): Promise<T> {
    const options = choices.map(({ value, label, description }) => ({
      value,
      name: `${label}\n    ${description}`,
      short: label,
    }));
    const start = initial === undefined ? {} : { default: initial };
    return ask({ message }, (context) =>
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
}

/** @returns undefined when it is neither */
function parseYesNo(text: string, initial: boolean): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (word === '') {
    return initial;
  }
  return 'yes'.startsWith(word) ? true : 'no'.startsWith(word) ? false : undefined;
}

async function ask<T>(question: Question, prompt: Ask<T>): Promise<T> {
  for (;;) {
    const answer = await askOnce(question, prompt);
    if (answer !== STOPPED) {
      return answer;
    }
    await stopUntilContinued();
  }
}

const STOPPED = Symbol('stopped');

async function askOnce<T>(question: Question, prompt: Ask<T>): Promise<T | typeof STOPPED> {
  const terminal = reopenTerminal();
  const abort = new AbortController();
  const release = guardTerminal(terminal, () => abort.abort(STOPPED));
  const typed = watchInput(terminal.input, () => abort.abort());
  const validate = async (answer: string): Promise<string | true> => {
    if (await typed.hadSeveralLines()) {
      return 'that was more than one line; type or paste one';
    }
    // Decoding puts U+FFFD for what is no UTF-8: different passphrases would become the same one.
    return answer.includes('\ufffd') ? 'that is not UTF-8 text' : (question.check?.(answer) ?? true);
  };
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
    release();
    terminal.close();
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

/** The terminal was there before; when it is gone, so is the person. */
function reopenTerminal(): Terminal {
  const terminal = openTerminal();
  if (terminal === undefined) {
    throw interrupted();
  }
  return terminal;
}

function interrupted(): MesaAuthError {
  return new MesaAuthError('INTERRUPTED', 'interrupted');
}
