// Rules of the questions:
// - Questions go to the terminal itself, never to stdout: that is for data.
// - A question names the thing it asks for; an answer that will not do is told why at once, in place.
// - Nothing secret is echoed, not even its length.
// - Ctrl-C and Ctrl-D end the program from every question, with the terminal as it was.
// - Whatever ends the process by a signal restores the terminal first. Node does that for INT and TERM only.
import { closeSync, openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';

import { confirm, input, password, select } from '@inquirer/prompts';

import { errnoOf, MesaAuthError } from '../errors.ts';
import type { Choice, Prompter, Question } from '../platform/prompter.ts';

const SHOW_CURSOR = '\u001b[?25h';
const FATAL_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

interface Terminal {
  readonly input: ReadStream;
  readonly output: WriteStream;
  close(): void;
}

/**
 * A prompter on the standard streams when stdin and stderr are terminals, else on the controlling terminal, which
 * is there when stdin or stderr is redirected.
 * @returns undefined when there is no terminal
 */
export function terminalPrompter(): Prompter | undefined {
  const open = process.stdin.isTTY && process.stderr.isTTY ? openStandardStreams : openControllingTerminal;
  const probe = open();
  if (probe === undefined) {
    return undefined;
  }
  probe.close();
  return new TerminalPrompter(() => {
    const terminal = open();
    if (terminal === undefined) {
      throw interrupted();
    }
    return terminal;
  });
}

function openStandardStreams(): Terminal {
  return {
    input: process.stdin,
    output: process.stderr,
    close: () => process.stdin.pause(),
  };
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
    const stream = new ReadStream(fd);
    const writer = new WriteStream(openSync('/dev/tty', 'w'));
    return {
      input: stream,
      output: writer,
      close: () => {
        stream.destroy();
        writer.destroy();
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

interface PromptContext {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
  readonly clearPromptOnDone: boolean;
}

class TerminalPrompter implements Prompter {
  readonly #open: () => Terminal;

  constructor(open: () => Terminal) {
    this.#open = open;
  }

  say(text: string): void {
    const terminal = this.#open();
    terminal.output.write(`${text}\n`);
    terminal.close();
  }

  text(question: Question): Promise<string> {
    return this.#ask(question, (context, validate) =>
      input({ message: question.message, validate }, context),
    );
  }

  secret(question: Question): Promise<string> {
    return this.#ask(question, (context, validate) =>
      password({ message: question.message, validate, toggleMask: false }, context),
    );
  }

  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    const options = choices.map(({ value, label, description }) => ({ value, name: label, description }));
    return this.#ask({ message }, (context) => select({ message, choices: options }, context));
  }

  confirm(message: string, initial: boolean): Promise<boolean> {
    return this.#ask({ message }, (context) => confirm({ message, default: initial }, context));
  }

  async #ask<T>(
    question: Question,
    prompt: (context: PromptContext, validate: (answer: string) => string | true) => Promise<T>,
  ): Promise<T> {
    const terminal = this.#open();
    const abort = new AbortController();
    const releaseSignals = restoreOnSignals(terminal);
    const paste = watchInput(terminal.input, () => abort.abort());
    const validate = (answer: string): string | true =>
      paste.hadSeveralLines()
        ? 'that was more than one line; type or paste one'
        : (question.check?.(answer) ?? true);
    try {
      return await prompt(
        {
          input: terminal.input,
          output: terminal.output,
          signal: abort.signal,
          clearPromptOnDone: question.clearAfter ?? false,
        },
        validate,
      );
    } catch (error) {
      if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name)) {
        throw interrupted();
      }
      throw error;
    } finally {
      paste.stop();
      releaseSignals();
      terminal.close();
    }
  }
}

/** Sees what the prompt library does not tell: the end of input, Ctrl-D, and a paste of several lines. */
function watchInput(stream: ReadStream, onEnd: () => void): { hadSeveralLines(): boolean; stop(): void } {
  let severalLines = false;
  const onData = (chunk: Buffer): void => {
    const text = chunk.toString('latin1');
    severalLines = /[\r\n]+[^\r\n]/.test(text);
    if (text.includes('\u0004')) {
      onEnd();
    }
  };
  stream.prependListener('data', onData);
  stream.once('end', onEnd);
  stream.once('error', onEnd);
  return {
    hadSeveralLines: () => severalLines,
    stop: () => {
      stream.off('data', onData);
      stream.off('end', onEnd);
      stream.off('error', onEnd);
    },
  };
}

function restoreOnSignals(terminal: Terminal): () => void {
  const restore = (): void => {
    terminal.input.setRawMode(false);
    terminal.output.write(`${SHOW_CURSOR}\n`);
  };
  const die = (signal: NodeJS.Signals): void => {
    restore();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  const stop = (): void => {
    restore();
    process.once('SIGCONT', () => {
      terminal.input.setRawMode(true);
    });
    process.kill(process.pid, 'SIGSTOP');
  };
  for (const signal of FATAL_SIGNALS) {
    process.on(signal, die);
  }
  process.on('SIGTSTP', stop);
  return () => {
    for (const signal of FATAL_SIGNALS) {
      process.off(signal, die);
    }
    process.off('SIGTSTP', stop);
  };
}

function interrupted(): MesaAuthError {
  return new MesaAuthError('INTERRUPTED', 'interrupted');
}
