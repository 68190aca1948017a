import type { SecretForm } from './secret-forms.ts';

interface Pattern {
  readonly bytes: Uint8Array;
  readonly wraps: boolean;
  readonly mask: Uint8Array;
}

const NO_MATCH = -1;
const NOT_YET = -2;
const LF = 0x0a;
const CR = 0x0d;
// As much as a masked key shows of itself, and what every key of Mesa begins with (`mesa_`).
const MOST_LET_GO = 5;
const SHORTEST_TO_LET_GO = 13;

/**
 * Hides secrets in a stream of bytes, wherever the stream is cut into chunks. Whatever may still become a secret is held
 * back; all other bytes come out as they went in.
 */
export class Masker {
  readonly #patterns: readonly (readonly Pattern[] | undefined)[];
  readonly #mostLetGo: number;
  #held = new Uint8Array(0);
  /** How many of the held bytes were given out already. */
  #letGo = 0;

  constructor(forms: readonly SecretForm[]) {
    const patterns: Pattern[][] = Array.from({ length: 256 });
    for (const { text, wraps, mask } of forms) {
      const bytes = Buffer.from(text, 'latin1');
      const first = bytes[0];
      if (first !== undefined) {
        (patterns[first] ??= []).push({ bytes, wraps, mask: Buffer.from(mask, 'latin1') });
      }
    }
    this.#patterns = patterns;
    this.#mostLetGo = forms.every(({ text }) => text.length >= SHORTEST_TO_LET_GO) ? MOST_LET_GO : 0;
  }

  /** Takes a chunk and gives what can be shown by now. */
  write(chunk: Uint8Array): Uint8Array {
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const shown: Uint8Array[] = [];
    let next = this.#letGo;
    let at = 0;
    while (at < data.length) {
      const patterns = this.#patterns[data[at] ?? 0];
      const found = patterns === undefined ? undefined : find(patterns, data, at);
      if (found === undefined) {
        at += 1;
      } else if (found.end === NOT_YET) {
        break;
      } else {
        shown.push(data.subarray(next, Math.max(next, at)), found.pattern.mask);
        at = found.end;
        next = at;
      }
    }
    shown.push(data.subarray(next, Math.max(next, at)));
    this.#held = Uint8Array.from(data.subarray(at));
    this.#letGo = Math.max(0, next - at);
    return Buffer.concat(shown);
  }

  /** Whether bytes are held back that `letGo` would give. */
  get canLetGo(): boolean {
    return this.#held.length > this.#letGo && this.#held.length <= this.#mostLetGo;
  }

  /**
   * Gives the few bytes that are held back, for somebody who watches: a prompt that ends as a secret begins must not stay
   * unseen. Should the secret follow after all, the rest of it is hidden. More than its beginning stays held.
   */
  letGo(): Uint8Array {
    if (!this.canLetGo) {
      return new Uint8Array(0);
    }
    const shown = this.#held.subarray(this.#letGo);
    this.#letGo = this.#held.length;
    return shown;
  }

  /** The stream has ended: what is still held back is no secret. */
  end(): Uint8Array {
    const shown = this.#held.subarray(this.#letGo);
    this.#held = new Uint8Array(0);
    this.#letGo = 0;
    return shown;
  }
}

/** A whole secret at a position, else one that may become whole with more data. */
function find(
  patterns: readonly Pattern[],
  data: Uint8Array,
  at: number,
): { readonly pattern: Pattern; readonly end: number } | undefined {
  let unfinished: Pattern | undefined;
  for (const pattern of patterns) {
    const end = match(pattern, data, at);
    if (end >= 0) {
      return { pattern, end };
    }
    if (end === NOT_YET) {
      unfinished ??= pattern;
    }
  }
  return unfinished === undefined ? undefined : { pattern: unfinished, end: NOT_YET };
}

/** Where a secret that begins at a position ends, or NO_MATCH, or NOT_YET. */
function match({ bytes, wraps }: Pattern, data: Uint8Array, start: number): number {
  let at = start;
  for (let index = 0; index < bytes.length; index += 1) {
    if (wraps && index > 0) {
      at = skipLineBreak(data, at);
    }
    if (at >= data.length) {
      return NOT_YET;
    }
    if (data[at] !== bytes[index]) {
      return NO_MATCH;
    }
    at += 1;
  }
  return at;
}

/** One line break, LF or CRLF: what is held back must not grow with blank lines. */
function skipLineBreak(data: Uint8Array, at: number): number {
  const after = data[at] === CR ? at + 1 : at;
  if (after >= data.length || data[after] === LF) {
    return Math.min(after + 1, data.length);
  }
  return at;
}
