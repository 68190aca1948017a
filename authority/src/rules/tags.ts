import { ApiError } from '../errors.ts';

export const MAX_TAG_KEY = 64;
export const MAX_TAG_VALUE = 256;
/** Of one key or repository, so that a row stays small. */
export const MAX_TAGS = 64;

export type Tags = Readonly<Record<string, string>>;

/**
 * `current` with `changes` made: a text sets, null removes, what is not named stays. Names are lower-cased (seed 002).
 * @throws BAD_REQUEST for two names that are the same in lower case, one that is too long so, or more than 64 tags
 */
export function changeTags(current: Tags, changes: Readonly<Record<string, string | null>>): Tags {
  const result = new Map(Object.entries(current));
  const seen = new Set<string>();
  for (const [written, value] of Object.entries(changes)) {
    const name = written.toLowerCase();
    // Some letters become two in lower case.
    if (Array.from(name).length > MAX_TAG_KEY) {
      throw new ApiError('BAD_REQUEST', `The name of a tag has at most ${MAX_TAG_KEY} characters`);
    }
    if (seen.has(name)) {
      throw new ApiError('BAD_REQUEST', 'Two tags have the same name in lower case', { tag: name });
    }
    seen.add(name);
    if (value === null) {
      result.delete(name);
    } else {
      result.set(name, value);
    }
  }
  if (result.size > MAX_TAGS) {
    throw new ApiError('BAD_REQUEST', `There can be at most ${MAX_TAGS} tags`);
  }
  // From entries, because assigning to '__proto__' would lose it.
  return Object.fromEntries(result);
}

/**
 * Reads a filter as `env:prod,team:agents`: all of them must be there.
 * @throws BAD_REQUEST for a part without a colon or a name
 */
export function parseTagFilter(text: string): readonly (readonly [name: string, value: string])[] {
  return text.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 1) {
      throw new ApiError('BAD_REQUEST', 'A tag filter is written as name:value,name:value');
    }
    return [part.slice(0, colon).trim().toLowerCase(), part.slice(colon + 1).trim()] as const;
  });
}
