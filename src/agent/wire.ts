import { API_TEXT } from '../core/api-url.ts';
import { parseStoreKey, type KeyScope } from '../core/key-scope.ts';
import { isWritableMoment } from '../core/moment.ts';
import { describeTokenProblem, Token } from '../core/token.ts';
import { PROTOCOL_VERSION } from './protocol.ts';

// Either side may be of another version of mesa, or not be mesa at all: nothing is taken from the wire unchecked.

export function formatLine(fields: object): string {
  return `${JSON.stringify({ v: PROTOCOL_VERSION, ...fields })}\n`;
}

/** Consecutive parts, each within `room` bytes; at least one part. What is measured is ASCII. */
export function splitBySize<T>(
  items: readonly T[],
  room: number,
  size: (item: T) => number,
): readonly (readonly T[])[] {
  const parts: T[][] = [];
  let part: T[] = [];
  let left = room;
  for (const item of items) {
    const needed = size(item);
    if (needed > left && part.length > 0) {
      parts.push(part);
      part = [];
      left = room;
    }
    part.push(item);
    left -= needed;
  }
  return [...parts, part];
}

export function parseScope(value: unknown): KeyScope | undefined {
  return typeof value === 'string' ? parseStoreKey(value) : undefined;
}

export function parseToken(value: unknown): Token | undefined {
  return typeof value === 'string' && describeTokenProblem(value) === undefined
    ? Token.parse(value)
    : undefined;
}

/** The API that a key is for; null where none is known, undefined for what is neither. */
export function parseApi(value: unknown): string | null | undefined {
  return value === null || (typeof value === 'string' && API_TEXT.test(value)) ? value : undefined;
}

export function parseDate(value: unknown): Date | undefined {
  const date = typeof value === 'string' ? new Date(value) : undefined;
  return date !== undefined && isWritableMoment(date) ? date : undefined;
}

/** Undefined unless `value` is a list of which every element is one. */
export function parseAll<T>(
  value: unknown,
  parse: (element: unknown) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value)) {
    return undefined;
  }
  const parsed: T[] = [];
  for (const element of value) {
    const one = parse(element);
    if (one === undefined) {
      return undefined;
    }
    parsed.push(one);
  }
  return parsed;
}

export type Fields = Readonly<Record<string, unknown>>;

export function parseFields(line: string): Fields | 'version' | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const fields = asFields(value);
  if (fields === undefined || typeof fields['v'] !== 'number') {
    return undefined;
  }
  return fields['v'] === PROTOCOL_VERSION ? fields : 'version';
}

export function asFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
}
