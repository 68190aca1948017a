import { describeTokenProblem, MAX_TOKEN_BYTES, Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import type { InputStream } from '../platform/host.ts';

/**
 * Reads a key from standard input. One trailing LF or CRLF is dropped; anything else that is no key is refused as
 * soon as it is seen, without waiting for the rest.
 * @throws INVALID_KEY
 */
export async function readKeyFromStdin(stdin: InputStream): Promise<Token> {
  const received: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin.chunks()) {
    received.push(chunk);
    length += chunk.length;
    const problem = describeInputProblem(Buffer.concat(received), length);
    if (problem !== undefined) {
      throw invalidInput(problem);
    }
  }
  const value = dropNewline(Buffer.concat(received).toString('latin1'));
  const problem = describeTokenProblem(value);
  if (problem !== undefined) {
    throw invalidInput(problem);
  }
  return Token.parse(value);
}

/** Judges what has come so far: its end may still be a line break that is dropped. */
function describeInputProblem(bytes: Buffer, length: number): string | undefined {
  if (length > MAX_TOKEN_BYTES + '\r\n'.length) {
    return `is longer than ${MAX_TOKEN_BYTES} bytes`;
  }
  const value = dropNewline(bytes.toString('utf8').replace(/\r$/, ''));
  return value === '' ? undefined : describeTokenProblem(value);
}

function dropNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function invalidInput(problem: string): MesaAuthError {
  const hint =
    problem === 'is empty'
      ? 'give the key on standard input: printf %s "$TOKEN" | mesa auth set-key'
      : 'a key is 1 to 16,384 characters of printable ASCII without spaces';
  return new MesaAuthError('INVALID_KEY', `the key on standard input ${problem}`, { hint });
}
