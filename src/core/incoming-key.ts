import { MesaAuthError } from '../errors.ts';
import { describeTokenProblem, MAX_TOKEN_BYTES, Token } from './token.ts';

const WHAT_A_KEY_IS = 'a key is 1 to 16,384 characters of printable ASCII without spaces';

export interface Judging {
  /** Where the key comes from, for errors, as in `the key on standard input`. */
  readonly name: string;
  /** What to do about a malformed one; what a key is where absent. */
  readonly hint?: string | undefined;
  /** What to type when there was nothing; `hint` where absent. */
  readonly whenEmpty?: string | undefined;
  /** The command line that takes the key as it is; `hint` where there is none. */
  readonly insist?: string | undefined;
  /** Takes a key that cannot be meant, too: somebody said that it is one. */
  readonly anyKey?: boolean | undefined;
}

/** Without one LF or CRLF at the end, which editors, `echo` and here-documents add. Nothing else is ever taken away. */
export function dropLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/**
 * The one judge of keys that come in, whichever way.
 * @param value without the line break that may have been at its end
 * @returns why it cannot be a key (`is empty`, `contains a space or tab`, `looks like a mask of a key`), never its value;
 *   undefined when it can
 */
export function describeKeyProblem(value: string, anyKey = false): string | undefined {
  return describeTokenProblem(value) ?? (anyKey ? undefined : describeMistake(value));
}

/** The key in a text, at whose end one LF or CRLF is dropped. @throws INVALID_KEY */
export function parseIncomingKey(text: string, judging: Judging): Token {
  const value = dropLineEnd(text);
  const malformed = describeTokenProblem(value);
  if (malformed !== undefined) {
    throw refused(malformed, judging);
  }
  const mistake = judging.anyKey === true ? undefined : describeMistake(value);
  if (mistake !== undefined) {
    throw refused(mistake, judging, judging.insist);
  }
  return Token.parse(value);
}

/**
 * As parseIncomingKey, for bytes as they come: what is no key is refused as soon as that is seen, without waiting for
 * the rest.
 * @throws INVALID_KEY, and what `chunks` throws
 */
export function readIncomingKey(chunks: Iterable<Uint8Array>, judging: Judging): Token {
  let received = Buffer.alloc(0);
  for (const chunk of chunks) {
    received = Buffer.concat([received, chunk]);
    const problem = describeStart(received);
    if (problem !== undefined) {
      throw refused(problem, judging);
    }
  }
  return parseIncomingKey(received.toString('utf8'), judging);
}

/** Judges what has come so far: its end may still be a line break that is dropped, and what it looks like may change. */
function describeStart(bytes: Buffer): string | undefined {
  if (bytes.length > MAX_TOKEN_BYTES + '\r\n'.length) {
    return describeTokenProblem('x'.repeat(MAX_TOKEN_BYTES + 1));
  }
  const value = dropLineEnd(bytes.toString('utf8').replace(/\r$/, ''));
  return value === '' ? undefined : describeTokenProblem(value);
}

function refused(
  problem: string,
  { name, hint = WHAT_A_KEY_IS, whenEmpty }: Judging,
  insist?: string,
): MesaAuthError {
  return new MesaAuthError('INVALID_KEY', `${name} ${problem}`, {
    hint: (problem === 'is empty' ? whenEmpty : insist) ?? hint,
  });
}

// What a program writes where there is no value.
const NO_VALUE = /^[<([]?(?:undefined|null|none|nil|nan|nullptr|n\/a)[>)\]]?$/i;
// mesa's own masks, stars and dots of others, and words in their place. No more than two dots follow each other in a
// token of a standard: RFC 7516, section 7.1, with a direct key.
const MASK = /\*{3}|\.{3}|^\*+$|^[<([{]?(?:redacted|masked|hidden|filtered|removed)[>)\]}]?$/i;
const QUOTED = /^\\?(["'`]).*\1$|^\\?["'`](?:mesa_|eyJ)|^(?:mesa_|eyJ).*["'`]$/;
// Shells, PowerShell, Windows, templates, GitHub Actions.
const UNEXPANDED =
  /^(?:mesa_|\\)?(?:\$[A-Za-z_]\w*|\$[0-9@*#?!$-]|\$env:\w+|%[A-Za-z_]\w*%|[#{]\{[^{}]*\}\}?)$|\$\{[^{}]*\}|\$\{\{|\$\([^()]+\)/;
const VARIABLE_NAME = /^MESA(?:_[A-Z]+)+$/;
const PLACEHOLDER = /^<[^<>]*>$|^(?:mesa_)?your[-_]?(?:[a-z]+[-_])*(?:key|token|secret)(?:[-_]here)?$/i;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * What a value looks like that has the form of a key and cannot be meant as one: something that stands for a key. An opaque
 * token that looks like this by chance is still taken by `set-key --yes`.
 */
function describeMistake(value: string): string | undefined {
  if (NO_VALUE.test(value)) {
    return 'looks like a missing value, not like a key';
  }
  if (QUOTED.test(value)) {
    return 'is in quotes';
  }
  if (UNEXPANDED.test(value)) {
    return 'looks like a variable that was not expanded';
  }
  if (VARIABLE_NAME.test(value)) {
    return 'looks like the name of a variable';
  }
  if (PLACEHOLDER.test(value)) {
    return 'looks like a placeholder';
  }
  if (ADDRESS.test(value)) {
    return 'looks like an address';
  }
  if (MASK.test(value)) {
    return 'looks like a mask of a key';
  }
  return isAssignment(value) ? 'looks like an assignment' : undefined;
}

const LONGEST_NAME = 64;
const KEY_BEHIND = /^["']?(?:mesa_|eyJ)/;
const UPPER_CASE_NAME = /^[A-Z_][A-Z0-9_]+$/;
const NAME_OF_SECRET = /key|token|secret|password|passwd/i;
const HEADER = /^["']?(?:(?:proxy-)?authorization|bearer|basic|x-api-key|api[-_]?key|key|token)["']?$/i;

/** A variable with its value, as a line of an env file has it; a header; an entry of MESA_ORGS or of JSON. */
function isAssignment(value: string): boolean {
  const at = value.search(/[=:]/);
  const name = value.slice(0, at);
  const rest = value.slice(at + 1);
  // A base64 text ends with signs of equality, and nothing behind them.
  if (at < 1 || at > LONGEST_NAME || /^=*$/.test(rest) || name.startsWith('mesa_')) {
    return false;
  }
  if (KEY_BEHIND.test(rest)) {
    return true;
  }
  return value[at] === '=' ? UPPER_CASE_NAME.test(name) || NAME_OF_SECRET.test(name) : HEADER.test(name);
}
