import { formatStoreKey, parseStoreKey, type StoreKey } from '../core/key-scope.ts';
import { Token } from '../core/token.ts';
import { parsePlainToml, parseUtcDate, unescapeString } from '../toml/plain-toml.ts';
import type { TomlTable } from '../toml/table.ts';
import type { DocumentEntry, StoreDocument } from './document.ts';

const START = 'version = 1\n';
const HEADER_START = '\n[keys.';
const HEADER_END = ']\n';
const KEY_START = 'key = "';
const KEY_END = '"\n';
const ADDED_START = 'added = ';
/** The longest key with every character escaped. A pattern may run out of stack on longer text. */
const MAX_ESCAPED_KEY = 32_768;
// The count keeps a hostile document from running the pattern out of stack.
const FIELDS = /^(?:[A-Za-z0-9_-]+ = .*\n){1,64}$/;
const NO_FIELDS: TomlTable = new Map();

/**
 * Reads a document that `formatDocument` wrote, an order of magnitude faster than a TOML parser: no tables in between,
 * and no patterns, which cost more to compile than a small document takes to scan. Anything that differs from that
 * form in a single byte, or is wrong in any way, gives undefined, and the TOML parser decides.
 */
export function parseCanonicalDocument(text: string): StoreDocument | undefined {
  if (!text.startsWith(START)) {
    return undefined;
  }
  const entries = new Map<StoreKey, DocumentEntry>();
  for (let at = START.length; at < text.length;) {
    const next = text.indexOf(HEADER_START, at + 1);
    const end = next === -1 ? text.length : next;
    const entry = readEntry(text, at, end);
    if (entry === undefined) {
      return undefined;
    }
    const name = formatStoreKey(entry.scope);
    if (entries.has(name)) {
      return undefined;
    }
    entries.set(name, entry);
    at = end;
  }
  return { entries, unknownFields: NO_FIELDS, unknownEntries: NO_FIELDS };
}

/** The entry that is exactly `text` from `start` to `end`. */
function readEntry(text: string, start: number, end: number): DocumentEntry | undefined {
  const nameEnd = text.indexOf(HEADER_END, start);
  const keyStart = nameEnd + HEADER_END.length + KEY_START.length;
  // No character of a key is a line break, so the first quote before one ends it.
  const keyEnd = text.indexOf(KEY_END, keyStart);
  const isEntry =
    text.startsWith(HEADER_START, start) &&
    nameEnd !== -1 &&
    text.startsWith(KEY_START, nameEnd + HEADER_END.length) &&
    keyEnd !== -1 &&
    keyEnd < end;
  const scope = isEntry ? readName(text.slice(start + HEADER_START.length, nameEnd)) : undefined;
  const token = isEntry ? readKey(text.slice(keyStart, keyEnd)) : undefined;
  if (scope === undefined || token === undefined) {
    return undefined;
  }
  let at = keyEnd + KEY_END.length;
  let added: Date | undefined;
  if (text.startsWith(ADDED_START, at)) {
    const lineEnd = text.indexOf('\n', at);
    added = parseUtcDate(text.slice(at + ADDED_START.length, lineEnd));
    if (added === undefined) {
      return undefined;
    }
    at = lineEnd + 1;
  }
  const fields = at === end ? NO_FIELDS : readFields(text.slice(at, end));
  return fields === undefined ? undefined : { scope, token, added, fields };
}

function readName(name: string): DocumentEntry['scope'] | undefined {
  const isQuoted = name.startsWith('"') && name.endsWith('"') && name.length > 1;
  return isQuoted ? parseStoreKey(name.slice(1, -1)) : name === 'global' ? { kind: 'global' } : undefined;
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
  const isStrange = fields?.has('key') === true || fields?.has('added') === true;
  return isStrange ? undefined : fields;
}
