import { API_TEXT } from '../core/api-url.ts';
import {
  compareScopes,
  formatStoreKey,
  parseStoreKey,
  type KeyScope,
  type StoreKey,
} from '../core/key-scope.ts';
import { isWritableMoment } from '../core/moment.ts';
import { Token } from '../core/token.ts';
import { parsePlainToml, parseUtcDate, unescapeString } from '../toml/plain-toml.ts';
import type { TomlTable } from '../toml/table.ts';
import { factsOf, NO_FACTS, type DocumentEntry, type StoreDocument } from './document.ts';

const START = 'version = 1\n';
const HEADER_START = '\n[keys.';
const HEADER_END = ']\n';
const KEY_START = 'key = "';
const KEY_END = '"\n';
const ADDED_START = 'added = ';
const API_START = 'api = "';
const API_END = '"\n';
/** The longest key with every character escaped. A pattern may run out of stack on longer text. */
const MAX_ESCAPED_KEY = 32_768;
// The count keeps a hostile document from running the pattern out of stack.
const FIELDS = /^(?:[A-Za-z0-9_-]+ = .*\n){1,64}$/;
const NO_FIELDS: TomlTable = new Map();
/** TOML has a year 0; a store has none. */
const YEAR_0 = '0000-';
const UTC_DATE_LENGTH = '2026-11-21T10:00:00.000Z'.length;

type ReadDate = (text: string) => Date | undefined;

/**
 * Reads a document, in the form that `formatDocument` writes or in any other.
 * @param path the store's file name, for errors
 * @throws STORE_DAMAGED with line and column, never with text of the document: it may be a secret; STORE_VERSION
 */
export async function parseDocument(text: string, path: string): Promise<StoreDocument> {
  const canonical = parseCanonicalDocument(text);
  if (canonical !== undefined) {
    return canonical;
  }
  const { parseEditedDocument } = await import('./edited-document.ts');
  return parseEditedDocument(text, path);
}

/**
 * Reads a document that `formatDocument` wrote, an order of magnitude faster than a TOML parser: no tables in between,
 * and few patterns, which cost more to compile than a small document takes to scan. Anything that differs from that
 * form in a single byte, or is wrong in any way, gives undefined, and the TOML parser decides.
 */
export function parseCanonicalDocument(text: string): StoreDocument | undefined {
  if (!text.startsWith(START)) {
    return undefined;
  }
  const entries = new Map<StoreKey, DocumentEntry>();
  const readDate = rememberingLast(parseUtcDate);
  let before: KeyScope | undefined;
  for (let at = START.length; at < text.length;) {
    const next = text.indexOf(HEADER_START, at + 1);
    const end = next === -1 ? text.length : next;
    const entry = readEntry(text, at, end, readDate);
    // In listing order, so that no name comes twice either.
    if (entry === undefined || (before !== undefined && compareScopes(before, entry.scope) >= 0)) {
      return undefined;
    }
    entries.set(formatStoreKey(entry.scope), entry);
    before = entry.scope;
    at = end;
  }
  return { entries, unknownFields: NO_FIELDS, unknownEntries: NO_FIELDS };
}

/** The entry that is exactly `text` from `start` to `end`. */
function readEntry(text: string, start: number, end: number, readDate: ReadDate): DocumentEntry | undefined {
  const nameStart = start + HEADER_START.length;
  const nameEnd = text.indexOf(HEADER_END, nameStart);
  if (nameEnd === -1 || !text.startsWith(HEADER_START, start)) {
    return undefined;
  }
  const isQuoted = text[nameStart] === '"' && text[nameEnd - 1] === '"' && nameEnd > nameStart + 1;
  const name = isQuoted ? text.slice(nameStart + 1, nameEnd - 1) : text.slice(nameStart, nameEnd);
  const scope = isQuoted || name === 'global' ? parseStoreKey(name) : undefined;
  return scope === undefined
    ? undefined
    : readFieldsOf(text, nameEnd + HEADER_END.length, end, scope, readDate);
}

/** The lines behind a header. */
function readFieldsOf(
  text: string,
  start: number,
  end: number,
  scope: KeyScope,
  readDate: ReadDate,
): DocumentEntry | undefined {
  const keyStart = start + KEY_START.length;
  // No character of a key is a line break, so the first quote before one ends it.
  const keyEnd = text.indexOf(KEY_END, keyStart);
  if (!text.startsWith(KEY_START, start) || keyEnd === -1 || keyEnd >= end) {
    return undefined;
  }
  const token = readKey(text.slice(keyStart, keyEnd));
  let at = keyEnd + KEY_END.length;
  let added: Date | undefined;
  if (text.startsWith(ADDED_START, at)) {
    const lineEnd = text.indexOf('\n', at);
    added = readDate(text.slice(at + ADDED_START.length, lineEnd));
    if (added === undefined || text.startsWith(YEAR_0, lineEnd - UTC_DATE_LENGTH)) {
      return undefined;
    }
    at = lineEnd + 1;
  }
  let api: string | undefined;
  if (text.startsWith(API_START, at)) {
    const apiEnd = text.indexOf(API_END, at);
    api = text.slice(at + API_START.length, apiEnd);
    if (apiEnd === -1 || apiEnd >= end || !API_TEXT.test(api)) {
      return undefined;
    }
    at = apiEnd + API_END.length;
  }
  const fields = at === end ? NO_FIELDS : readFields(text.slice(at, end));
  return token === undefined || fields === undefined
    ? undefined
    : { scope, token, added, api, ...(fields === NO_FIELDS ? NO_FACTS : factsOf(fields)), fields };
}

function readKey(body: string): Token | undefined {
  if (body.length > MAX_ESCAPED_KEY) {
    return undefined;
  }
  if (!body.includes('\\') && !body.includes('"')) {
    return Token.ifValid(body);
  }
  const isWellEscaped = /^(?:[^"\\]|\\["\\])*$/.test(body);
  return isWellEscaped ? Token.ifValid(unescapeString(body)) : undefined;
}

function readFields(lines: string): TomlTable | undefined {
  const fields = FIELDS.test(lines) ? parsePlainToml(lines) : undefined;
  const expires = fields?.get('expires');
  const isStrange =
    fields?.has('key') === true ||
    fields?.has('added') === true ||
    fields?.has('api') === true ||
    (expires instanceof Date && !isWritableMoment(expires));
  return isStrange ? undefined : fields;
}

/** Keys that were stored together have the same date, and making one costs as much as the rest of an entry. */
function rememberingLast(read: ReadDate): ReadDate {
  let lastText: string | undefined;
  let last: Date | undefined;
  return (text) => {
    if (text !== lastText) {
      lastText = text;
      last = read(text);
    }
    return last;
  };
}
