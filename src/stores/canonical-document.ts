import { formatStoreKey, parseStoreKey, type StoreKey } from '../core/key-scope.ts';
import { describeTokenProblem, Token } from '../core/token.ts';
import { parsePlainToml, parseUtcDate, unescapeString } from '../toml/plain-toml.ts';
import type { TomlTable } from '../toml/table.ts';
import type { DocumentEntry, StoreDocument } from './document.ts';

const START = 'version = 1\n';
// The counts keep a hostile document from running the pattern out of stack.
const ENTRY =
  /\n\[keys\.(?:global|"([A-Za-z0-9._/-]+)")\]\nkey = "((?:[ !#-[\]-~]|\\["\\]){1,16384})"\n(?:added = ([0-9T:.-]+Z)\n)?((?:[A-Za-z0-9_-]+ = .*\n){0,64})/y;
const NO_FIELDS: TomlTable = new Map();

/**
 * Reads a document that `formatDocument` wrote, an order of magnitude faster than a TOML parser: no tables in between.
 * Anything that differs from that form in a single byte, or is wrong in any way, gives undefined, and the TOML parser
 * decides.
 */
export function parseCanonicalDocument(text: string): StoreDocument | undefined {
  if (!text.startsWith(START)) {
    return undefined;
  }
  const entries = new Map<StoreKey, DocumentEntry>();
  for (let at = START.length; at < text.length; at = ENTRY.lastIndex) {
    ENTRY.lastIndex = at;
    const match = ENTRY.exec(text);
    const entry = match === null ? undefined : readEntry(match);
    if (entry === undefined) {
      return undefined;
    }
    const name = formatStoreKey(entry.scope);
    if (entries.has(name)) {
      return undefined;
    }
    entries.set(name, entry);
  }
  return { entries, unknownFields: NO_FIELDS, unknownEntries: NO_FIELDS };
}

function readEntry([, name = 'global', keyText = '', addedText, fieldsText = '']: RegExpExecArray):
  | DocumentEntry
  | undefined {
  const scope = parseStoreKey(name);
  const key = unescapeString(keyText);
  const added = addedText === undefined ? undefined : parseUtcDate(addedText);
  const fields = fieldsText === '' ? NO_FIELDS : parsePlainToml(fieldsText);
  const strange =
    (addedText !== undefined && added === undefined) ||
    fields === undefined ||
    fields.has('key') ||
    fields.has('added') ||
    describeTokenProblem(key) !== undefined;
  return scope === undefined || strange ? undefined : { scope, token: Token.parse(key), added, fields };
}
