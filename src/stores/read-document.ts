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
import { factsOf, NO_FACTS, type DocumentEntry, type PreviousEntry, type StoreDocument } from './document.ts';

const START = 'version = 1\n';
const KEYS_START = '\n[keys.';
const PREVIOUS_START = '\n[previous.';
const HEADER_END = ']\n';
const KEY_START = 'key = "';
const KEY_END = '"\n';
const ADDED_START = 'added = ';
const UNTIL_START = 'until = ';
const API_START = 'api = "';
const API_END = '"\n';
/** The longest key with every character escaped. A pattern may run out of stack on longer text. */
const MAX_ESCAPED_KEY = 32_768;
// The count keeps a hostile document from running the pattern out of stack.
const FIELDS = /^(?:[A-Za-z0-9_-]+ = .*\n){1,64}$/;
const NO_FIELDS: TomlTable = new Map();
const NO_PREVIOUS: ReadonlyMap<StoreKey, PreviousEntry> = new Map();
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
  const readDate = rememberingLast(parseUtcDate);
  const first = text.indexOf(PREVIOUS_START, START.length - 1);
  const middle = first === -1 ? text.length : first;
  const entries = readEntries(text, KEYS_START, START.length, middle, (entry) => entry, readDate);
  const previous =
    middle === text.length
      ? NO_PREVIOUS
      : readEntries(text, PREVIOUS_START, middle, text.length, asPrevious, readDate);
  return entries === undefined || previous === undefined
    ? undefined
    : {
        entries,
        unknownFields: NO_FIELDS,
        unknownEntries: NO_FIELDS,
        previous,
        unknownPrevious: NO_FIELDS,
      };
}

/** What stands from `start` to `end`: entries under headers that begin with `header`, and nothing else. */
function readEntries<T extends DocumentEntry>(
  text: string,
  header: string,
  start: number,
  end: number,
  accept: (entry: ReadEntry) => T | undefined,
  readDate: ReadDate,
): ReadonlyMap<StoreKey, T> | undefined {
  const entries = new Map<StoreKey, T>();
  let before: KeyScope | undefined;
  for (let at = start; at < end;) {
    const next = text.indexOf(header, at + 1);
    const entryEnd = next === -1 || next > end ? end : next;
    const read = readEntry(text, header, at, entryEnd, readDate);
    const entry = read === undefined ? undefined : accept(read);
    // In listing order, so that no name comes twice either.
    if (entry === undefined || (before !== undefined && compareScopes(before, entry.scope) >= 0)) {
      return undefined;
    }
    entries.set(formatStoreKey(entry.scope), entry);
    before = entry.scope;
    at = entryEnd;
  }
  return entries;
}

/** An entry of which it is not known yet whether it may have a time until when it is kept. */
type ReadEntry = DocumentEntry & { readonly until?: Date };

function asPrevious(entry: ReadEntry): PreviousEntry | undefined {
  const { until } = entry;
  return until === undefined ? undefined : { ...entry, until };
}

/** The entry that is exactly `text` from `start` to `end`. */
function readEntry(
  text: string,
  header: string,
  start: number,
  end: number,
  readDate: ReadDate,
): ReadEntry | undefined {
  const nameStart = start + header.length;
  const nameEnd = text.indexOf(HEADER_END, nameStart);
  if (nameEnd === -1 || !text.startsWith(header, start)) {
    return undefined;
  }
  const isQuoted = text[nameStart] === '"' && text[nameEnd - 1] === '"' && nameEnd > nameStart + 1;
  const name = isQuoted ? text.slice(nameStart + 1, nameEnd - 1) : text.slice(nameStart, nameEnd);
  const scope = isQuoted || name === 'global' ? parseStoreKey(name) : undefined;
  return scope === undefined
    ? undefined
    : readFieldsOf(text, nameEnd + HEADER_END.length, end, scope, readDate, header === PREVIOUS_START);
}

/** The lines behind a header. */
function readFieldsOf(
  text: string,
  start: number,
  end: number,
  scope: KeyScope,
  readDate: ReadDate,
  isPrevious: boolean,
): ReadEntry | undefined {
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
  let until: Date | undefined;
  if (isPrevious && text.startsWith(UNTIL_START, at)) {
    const lineEnd = text.indexOf('\n', at);
    until = readDate(text.slice(at + UNTIL_START.length, lineEnd));
    if (until === undefined || text.startsWith(YEAR_0, lineEnd - UTC_DATE_LENGTH)) {
      return undefined;
    }
    at = lineEnd + 1;
  }
  const fields = at === end ? NO_FIELDS : readFields(text.slice(at, end));
  if (token === undefined || fields === undefined || (isPrevious && fields.has('until'))) {
    return undefined;
  }
  const facts = fields === NO_FIELDS ? NO_FACTS : factsOf(fields);
  return until === undefined
    ? { scope, token, added, api, ...facts, fields }
    : { scope, token, added, api, ...facts, fields, until };
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
