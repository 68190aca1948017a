import { parseDuration } from '../../core/duration.ts';
import { isPrintableName } from '../../core/printable-name.ts';
import { givenOrg, shownValue } from '../../core/shown-text.ts';
import { MesaAuthError } from '../../errors.ts';

/** Contract section 7: what a server accepts, in seconds. */
const MIN_SECONDS = 100;
const MAX_SECONDS = 365 * 24 * 60 * 60;
const MAX_TAG_NAME = 64;
const MAX_TAG_VALUE = 256;

/** `90d`, for `--expires`, in seconds; undefined when it was not given: a key that never ends. @throws USAGE */
export function parseExpires(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const seconds = (parseDuration(text) ?? 0) / 1_000;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw new MesaAuthError('USAGE', `--expires: ${shownValue(text)} is not a time from 100s to 365d`, {
      hint: 'use units w, d, h, m and s, as in --expires 90d',
    });
  }
  return seconds;
}

/** `env=prod`, for `--tag`. Names are kept in small letters, as servers do. @throws USAGE */
export function parseTags(texts: readonly string[]): ReadonlyMap<string, string> {
  const changes = parseTagChanges(texts);
  const tags = new Map([...changes].filter((change): change is [string, string] => change[1] !== null));
  if (tags.size < changes.size) {
    throw badTag('--tag');
  }
  return tags;
}

/** `env=prod` sets a tag, `team-` removes one: null. @throws USAGE */
export function parseTagChanges(texts: readonly string[]): ReadonlyMap<string, string | null> {
  const changes = new Map<string, string | null>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const isRemoval = equals === -1 && text.endsWith('-');
    const name = (isRemoval ? text.slice(0, -1) : text.slice(0, Math.max(0, equals))).toLowerCase();
    const value = text.slice(equals + 1);
    if (name === '' || name.length > MAX_TAG_NAME || (!isRemoval && value.length > MAX_TAG_VALUE)) {
      throw badTag('a tag');
    }
    if (changes.has(name)) {
      throw new MesaAuthError('USAGE', 'two changes are of the same tag', { hint: 'name each tag once' });
    }
    changes.set(name, isRemoval ? null : value);
  }
  return changes;
}

function badTag(what: string): MesaAuthError {
  return new MesaAuthError(
    'USAGE',
    `${what} is not written as name=value, with at most 64 and 256 characters`,
    {
      hint: 'write env=prod; api-keys tag also takes env-, which removes it',
    },
  );
}

/**
 * The id of a key, as an argument. It is never repeated: it may be the key itself.
 * @param org `--org`, as given
 * @throws USAGE
 */
export function parseKeyId(text: string | undefined, org: string | undefined): string {
  const hint = `see the ids: mesa auth api-keys list${givenOrg(org)}`;
  if (text === undefined) {
    throw new MesaAuthError('USAGE', 'no id of an API key was given', { hint });
  }
  if (!isPrintableName(text) || /^(?:mesa_|eyJ)/.test(text) || /^\.{1,2}$/.test(text)) {
    throw new MesaAuthError('USAGE', 'what was given is not the id of an API key', { hint });
  }
  return text;
}
