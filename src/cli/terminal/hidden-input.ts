import { setImmediate } from 'node:timers/promises';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';

import type { promptTheme } from './prompt-theme.ts';
import { CLEAR_BELOW, HIDE_CURSOR, SHOW_CURSOR, type Terminal } from './terminal.ts';

export interface HiddenQuestion {
  readonly message: string;
  readonly theme: ReturnType<typeof promptTheme>;
  /** What is wrong with an answer, or true. */
  readonly validate: (answer: string) => Promise<string | true>;
}

const BACKSPACE = /[\b\u007f]/;
const CTRL_U = '\u0015';
const CTRL_W = '\u0017';
const CTRL_Z = '\u001a';
// oxlint-disable-next-line no-control-regex -- the arrow keys and their like, and the marks around a paste
const KEY_SEQUENCE = /\u001b(?:\[[0-9;?]*[@-~]|O.)/g;

/**
 * Asks for a secret. The library's password question redraws for every character, which takes 20 seconds for the
 * longest key, and moves the cursor with the length of the answer; and it keeps a refused answer, to which the next
 * one is appended, though nobody can mend what cannot be seen. This one forgets it.
 * @throws the signal's reason
 */
export async function askHidden(
  { message, theme, validate }: HiddenQuestion,
  { input, output }: Pick<Terminal, 'input' | 'output'>,
  signal: AbortSignal,
): Promise<string> {
  const hidden = theme.style.help('[input is hidden]');
  const question = `${theme.prefix.idle} ${theme.style.message(message)} ${hidden}`;
  // A terminal that does not know its width says 0.
  const rows = Math.ceil(stripVTControlCharacters(question).length / (output.columns || 80));
  const toStart = `\r${'\u001b[A'.repeat(rows - 1)}${CLEAR_BELOW}`;
  input.setRawMode(true);
  try {
    // What was typed before the question was seen is no answer to it.
    input.resume();
    await setImmediate();
    // The first may come before anything is read: the second is behind it.
    await setImmediate();
    output.write(`${question}${HIDE_CURSOR}`);
    for (;;) {
      const answer = await readLine(input, signal);
      const verdict = await validate(answer);
      if (verdict === true) {
        output.write(`${toStart}${theme.prefix.done} ${theme.style.message(message)}`);
        return answer;
      }
      output.write(`${toStart}${question}\n${theme.style.error(verdict)}\r\u001b[A`);
    }
  } finally {
    output.write(`\n${CLEAR_BELOW}${SHOW_CURSOR}`);
    input.setRawMode(false);
  }
}

/** Reads up to Enter, with the editing keys that make sense unseen. Ctrl-C and Ctrl-D abort the signal. */
function readLine(input: Terminal['input'], signal: AbortSignal): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let line = '';
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      input.off('data', onData);
      reject(signal.reason as Error);
    };
    const onData = (chunk: Buffer): void => {
      for (const char of decoder.write(chunk).replace(KEY_SEQUENCE, '')) {
        if (char === '\r' || char === '\n') {
          input.off('data', onData);
          signal.removeEventListener('abort', onAbort);
          resolve(line);
          return;
        }
        line = edit(line, char);
      }
    };
    input.on('data', onData);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) {
      onAbort();
    }
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
