import { MesaAuthError } from '../errors.ts';

export const MAX_TOKEN_BYTES = 16_384;

const PREFIX = 'mesa_';
// Below this length the last four characters would be too much of the secret (spec section 5).
const MIN_LENGTH_TO_SHOW_END = 13;
const SHOWN_END = 4;

/**
 * A secret: an API key or an ephemeral token. It cannot be printed by accident: string conversion,
 * JSON and inspection all give the mask. `reveal()` is the only way to the value.
 */
export class Token {
  readonly #value: string;

  private constructor(value: string) {
    this.#value = value;
  }

  /**
   * @param value 1 to 16,384 characters of printable ASCII without spaces (0x21 to 0x7e)
   * @throws INVALID_KEY, naming what is wrong but never the value
   */
  static parse(value: string): Token {
    const problem = describeTokenProblem(value);
    if (problem !== undefined) {
      throw new MesaAuthError('INVALID_KEY', `the key ${problem}`);
    }
    return new Token(value);
  }

  /** As `parse`, with undefined for a value that is no key. */
  static ifValid(value: string): Token | undefined {
    return describeTokenProblem(value) === undefined ? new Token(value) : undefined;
  }

  reveal(): string {
    return this.#value;
  }

  get isApiKey(): boolean {
    return this.#value.startsWith(PREFIX);
  }

  /** Whether it begins as a JWT does: with the base64 of an opening brace. */
  get mayBeJwt(): boolean {
    return this.#value.startsWith('e');
  }

  equals(other: Token): boolean {
    return this.#value === other.#value;
  }

  /** `mesa_****9f2c`, `****9f2c` without the prefix, `****` when the value is shorter than 13 characters. */
  masked(): string {
    if (this.#value.length < MIN_LENGTH_TO_SHOW_END) {
      return '****';
    }
    const end = this.#value.slice(-SHOWN_END);
    return this.isApiKey ? `${PREFIX}****${end}` : `****${end}`;
  }

  toString(): string {
    return this.masked();
  }

  toJSON(): string {
    return this.masked();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.masked();
  }
}

/** Why `value` cannot be a key (`is empty`, `contains a space`, ...), or undefined when it can. */
export function describeTokenProblem(value: string): string | undefined {
  if (value === '') {
    return 'is empty';
  }
  if (/^[\x21-\x7e]+$/.test(value)) {
    return value.length > MAX_TOKEN_BYTES ? `is longer than ${MAX_TOKEN_BYTES} bytes` : undefined;
  }
  if (value.startsWith('\ufeff')) {
    return 'starts with a byte order mark';
  }
  if (/[\r\n]/.test(value)) {
    return 'contains a line break';
  }
  if (/[ \t]/.test(value)) {
    return 'contains a space or tab';
  }
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(value)) {
    return 'contains a control character';
  }
  // What decoders put for bytes that are no UTF-8.
  if (value.includes('\ufffd')) {
    return 'contains bytes that are not UTF-8';
  }
  return 'contains a character outside printable ASCII';
}
