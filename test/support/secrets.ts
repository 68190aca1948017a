import { randomInt } from 'node:crypto';

const WINDOW = 8;
// No digits: eight of them in a row would be a piece of a time.
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LENGTH = 32;

/** Secret values that occur nowhere else in the world, and a search for them. */
export class Secrets {
  readonly #values = new Map<string, string>();

  /** A new one. What does not look like a key gets another prefix. */
  add(name: string, prefix = 'mesa_'): string {
    const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]);
    const value = prefix + letters.join('');
    this.#values.set(name, value);
    return value;
  }

  /**
   * The names of the secrets of which `text` has any part: eight characters in a row, also as Node prints the bytes of
   * them, or an encoded form. A mask shows four.
   */
  findIn(text: string | Uint8Array): readonly string[] {
    const haystack = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    return [...this.#values].filter(([, value]) => leaks(haystack, value)).map(([name]) => name);
  }
}

function leaks(haystack: string, value: string): boolean {
  const random = value.replace(/^.*_/, '');
  for (let start = 0; start + WINDOW <= random.length; start += 1) {
    const window = random.slice(start, start + WINDOW);
    if (haystack.includes(window) || haystack.includes(bytesOf(window))) {
      return true;
    }
  }
  const bytes = Buffer.from(value);
  // In base64, it depends on how many bytes come before.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [...base64, bytes.toString('hex')].some((form) => haystack.includes(form));
}

/** As in `<Buffer 6d 65>`. */
function bytesOf(text: string): string {
  return Buffer.from(text)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
}
