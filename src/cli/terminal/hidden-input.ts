import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

import { KEY_SEQUENCE, type HeldTerminal } from './held-terminal.ts';
import type { promptTheme } from './prompt-theme.ts';
import { CLEAR_BELOW, HIDE_CURSOR, SHOW_CURSOR, type Terminal } from './terminal.ts';

export interface HiddenQuestion {
  readonly message: string;
  readonly theme: ReturnType<typeof promptTheme>;
  /**
   * What is wrong with an answer, or true.
   * @param ahead whether it was typed before the question was shown
   */
  readonly validate: (answer: string, ahead: boolean) => Promise<string | true>;
  /** The answer is still to be checked: nothing says yet that it was accepted. */
  readonly pending: boolean;
}

const ENTER = /[\r\n]/;
const BACKSPACE = /[\b\u007f]/;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const CTRL_W = '\u0017';
const CTRL_Z = '\u001a';

/**
 * Asks for a secret. The library's password question redraws for every character, which takes 20 seconds for the
 * longest key, and moves the cursor with the length of the answer; and it keeps a refused answer, to which the next
 * one is appended, though nobody can mend what cannot be seen. This one forgets it.
 * @param abort called for Ctrl-C and Ctrl-D, to abort the signal
 * @throws the signal's reason
 */
export async function askHidden(
  { message, theme, validate, pending }: HiddenQuestion,
  held: HeldTerminal,
  { output }: Pick<Terminal, 'output'>,
  signal: AbortSignal,
  abort: () => void,
): Promise<string> {
  const hidden = theme.style.help('[input is hidden]');
  const question = `${theme.prefix.idle} ${theme.style.message(message)} ${hidden}`;
  // A terminal that does not know its width says 0.
  const rows = Math.ceil(stripVTControlCharacters(question).length / (output.columns || 80));
  const toStart = `\r${'\u001b[A'.repeat(rows - 1)}${CLEAR_BELOW}`;
  let end = `\n${CLEAR_BELOW}${SHOW_CURSOR}`;
  try {
    output.write(`${question}${HIDE_CURSOR}`);
    for (;;) {
      const { line, ahead } = await readLine(held, signal, abort);
      const verdict = await validate(line, ahead);
      if (verdict === true) {
        if (pending) {
          end = toStart;
        } else {
          output.write(`${toStart}${theme.prefix.done} ${theme.style.message(message)}`);
        }
        return line;
      }
      output.write(`${toStart}${question}\n${theme.style.error(verdict)}\r\u001b[A`);
    }
  } finally {
    output.write(end);
  }
}

interface TypedLine {
  readonly line: string;
  /** Whether all of it was there before it was asked for. */
  readonly ahead: boolean;
}

/** Reads up to Enter, with the editing keys that make sense unseen. */
function readLine(held: HeldTerminal, signal: AbortSignal, abort: () => void): Promise<TypedLine> {
  const decoder = new StringDecoder('utf8');
  let line = '';
  let ahead = true;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      held.readWith(undefined);
      reject(signal.reason as Error);
    };
    const onData = (chunk: Buffer): Buffer | undefined => {
      // In UTF-8 these bytes are parts of no other character.
      const at = chunk.toString('latin1').search(ENTER);
      const text = decoder.write(at === -1 ? chunk : chunk.subarray(0, at)).replace(KEY_SEQUENCE, '');
      if (text.includes(CTRL_C) || text.includes(CTRL_D)) {
        abort();
        return undefined;
      }
      for (const char of text) {
        line = edit(line, char);
      }
      if (at === -1) {
        return undefined;
      }
      signal.removeEventListener('abort', onAbort);
      resolve({ line, ahead });
      held.readWith(undefined);
      return chunk.subarray(at + 1);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
      return;
    }
    held.readWith(onData);
    ahead = false;
  });
}

function edit(line: string, char: string): string {
  if (BACKSPACE.test(char)) {
    return Array.from(line).slice(0, -1).join('');
  }
  switch (char) {
    case CTRL_U:
      return '';
    case CTRL_W:
      return line.replace(/\S*\s*$/, '');
    case CTRL_Z:
      process.kill(process.pid, 'SIGTSTP');
      return line;
    default:
      return line + char;
  }
}
