import { randomBytes } from 'node:crypto';

const WINDOW = 8;

/** Secret values that occur nowhere else in the world, and a search for them. */
export class Secrets {
  readonly #values = new Map<string, string>();

  /** A new one. What does not look like a key gets another prefix. */
  add(name: string, prefix = 'mesa_'): string {
    const value = prefix + randomBytes(16).toString('hex');
    this.#values.set(name, value);
    return value;
  }

  /**
   * The names of the secrets of which `text` has any part: eight characters in a row, or an encoded form. A mask shows
   * four.
   */
  findIn(text: string | Uint8Array): readonly string[] {
    const haystack = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    return [...this.#values].filter(([, value]) => leaks(haystack, value)).map(([name]) => name);
  }
}

function leaks(haystack: string, value: string): boolean {
  const random = value.replace(/^.*_/, '');
  for (let start = 0; start + WINDOW <= random.length; start += 1) {
    if (haystack.includes(random.slice(start, start + WINDOW))) {
      return true;
    }
  }
  const bytes = Buffer.from(value);
  return [bytes.toString('base64').slice(0, -4), bytes.toString('hex')].some((form) =>
    haystack.includes(form),
  );
}
