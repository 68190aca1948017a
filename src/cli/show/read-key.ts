import { scopeFlags, type KeyScope } from '../../core/key-scope.ts';
import { describeTokenProblem, MAX_TOKEN_BYTES, Token } from '../../core/token.ts';
import { errnoOf, ioError, MesaAuthError } from '../../errors.ts';
import type { InputStream } from '../../platform/host.ts';

/**
 * Reads a key from standard input. One trailing LF or CRLF is dropped; anything else that is no key is refused as
 * soon as it is seen, without waiting for the rest.
 * @param scope the one that it is for, for the hint
 * @throws INVALID_KEY, IO
 */
export function readKeyFromStdin(stdin: InputStream, scope: KeyScope): Token {
  const received: Uint8Array[] = [];
  let length = 0;
  for (const chunk of chunksOf(stdin)) {
    received.push(chunk);
    length += chunk.length;
    const problem = describeInputProblem(Buffer.concat(received), length);
    if (problem !== undefined) {
      throw invalidInput(problem, scope);
    }
  }
  const value = dropNewline(Buffer.concat(received).toString('latin1'));
  const problem = describeTokenProblem(value);
  if (problem !== undefined) {
    throw invalidInput(problem, scope);
  }
  return Token.parse(value);
}

function* chunksOf(stdin: InputStream): Generator<Uint8Array> {
  try {
    yield* stdin.chunks();
  } catch (error) {
    throw errnoOf(error) === undefined ? error : ioError('read', 'standard input', error);
  }
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

function invalidInput(problem: string, scope: KeyScope): MesaAuthError {
  const hint =
    problem === 'is empty'
      ? `give the key on standard input: printf %s "$TOKEN" | mesa auth set-key${scopeFlags(scope)}`
      : 'a key is 1 to 16,384 characters of printable ASCII without spaces';
  return new MesaAuthError('INVALID_KEY', `the key on standard input ${problem}`, { hint });
}
