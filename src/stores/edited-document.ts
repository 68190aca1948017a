import { API_TEXT } from '../core/api-url.ts';
import { formatStoreKey, parseStoreKey, type StoreKey } from '../core/key-scope.ts';
import { isWritableMoment } from '../core/moment.ts';
import type { KeyEntry } from '../core/secret-store.ts';
import { describeTokenProblem, Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import { parseToml } from '../toml/full-toml.ts';
import { TomlSyntaxError } from '../toml/syntax-error.ts';
import { isTable, asMoment, tableWithout, type TomlTable, type TomlValue } from '../toml/table.ts';
import { damagedDocument, damagedTime } from './damaged-document.ts';
import {
  DOCUMENT_VERSION,
  factsOf,
  inListingOrder,
  type DocumentEntry,
  type PreviousEntry,
  type StoreDocument,
} from './document.ts';

const KNOWN_DOCUMENT_FIELDS = new Set(['version', 'keys', 'previous']);
const KNOWN_ENTRY_FIELDS = new Set(['key', 'added', 'api']);
// `added` in another form than ours is kept.
const ALL_BUT_ADDED = new Set(['key', 'api']);
const TIMES = ['added', 'expires'] as const;
const UNTIL = new Set(['until']);

/** Reads a document in any form of TOML, as somebody's editor may have left it. See `parseDocument`. */
export async function parseEditedDocument(text: string, path: string): Promise<StoreDocument> {
  // Some editors on Windows put a byte order mark before it.
  const table = await parseFullToml(text.replace(/^\ufeff/, ''), path);
  assertVersion(table.get('version'), path);
  const keys = table.get('keys') ?? new Map();
  if (!isTable(keys)) {
    throw damagedDocument(path, '', '"keys" is not a table');
  }
  const entries = new Map<StoreKey, DocumentEntry>();
  const unknownEntries = new Map<string, TomlValue>();
  for (const [name, value] of keys) {
    const scope = parseStoreKey(name);
    if (scope === undefined) {
      unknownEntries.set(name, value);
    } else {
      entries.set(formatStoreKey(scope), parseEntry(value, scope, path));
    }
  }
  const previous = table.get('previous') ?? new Map();
  if (!isTable(previous)) {
    throw damagedDocument(path, '', '"previous" is not a table');
  }
  return {
    entries: inListingOrder(entries),
    ...parsePrevious(previous, path),
    unknownFields: tableWithout(table, KNOWN_DOCUMENT_FIELDS),
    unknownEntries,
    ...(text.includes('#') ? { commentTexts: [text] } : {}),
  };
}

function assertVersion(version: TomlValue | undefined, path: string): void {
  if (version === DOCUMENT_VERSION) {
    return;
  }
  if (typeof version === 'number' && Number.isInteger(version) && version > DOCUMENT_VERSION) {
    throw new MesaAuthError(
      'STORE_VERSION',
      `${path} has version ${version}; this mesa knows version ${DOCUMENT_VERSION}`,
      {
        hint: 'update mesa',
      },
    );
  }
  throw damagedDocument(path, '', version === undefined ? 'it has no version' : 'its version is not 1');
}

function parseEntry(value: TomlValue, scope: KeyEntry['scope'], path: string): DocumentEntry {
  const name = formatStoreKey(scope);
  if (!isTable(value)) {
    throw damagedDocument(path, '', `the entry ${name} is not a table`);
  }
  const key = value.get('key');
  const added = asMoment(value.get('added'));
  const problem = typeof key === 'string' ? describeTokenProblem(key) : 'is not a string';
  if (typeof key !== 'string' || problem !== undefined) {
    throw damagedDocument(path, '', `the key of ${name} ${problem}`);
  }
  if (added === undefined && value.has('added')) {
    throw damagedDocument(path, '', `the field "added" of ${name} is not a date-time`);
  }
  const api = value.get('api');
  if (api !== undefined && (typeof api !== 'string' || !API_TEXT.test(api))) {
    // Not as if there were none: such a key would be sent to any server.
    throw damagedDocument(path, '', `the field "api" of ${name} is not the URL of an API`);
  }
  for (const field of TIMES) {
    const moment = asMoment(value.get(field));
    if (moment !== undefined && !isWritableMoment(moment)) {
      throw damagedTime(path, '', `the field "${field}" of ${name} is outside the years 1 to 9999`);
    }
  }
  const fields = tableWithout(value, value.get('added') === added ? KNOWN_ENTRY_FIELDS : ALL_BUT_ADDED);
  return { scope, token: Token.parse(key), added, api, ...factsOf(fields), fields };
}

/** No look-up needs these, so what is wrong with one keeps no key from being used: it is kept as it is, and never brought back. */
function parsePrevious(table: TomlTable, path: string): Pick<StoreDocument, 'previous' | 'unknownPrevious'> {
  const previous = new Map<StoreKey, PreviousEntry>();
  const unknownPrevious = new Map<string, TomlValue>();
  for (const [name, value] of table) {
    const entry = parsePreviousEntry(name, value, path);
    if (entry === undefined) {
      unknownPrevious.set(name, value);
    } else {
      previous.set(formatStoreKey(entry.scope), entry);
    }
  }
  return { previous: inListingOrder(previous), unknownPrevious };
}

function parsePreviousEntry(name: string, value: TomlValue, path: string): PreviousEntry | undefined {
  const scope = parseStoreKey(name);
  const until = isTable(value) ? asMoment(value.get('until')) : undefined;
  if (scope === undefined || until === undefined || !isWritableMoment(until)) {
    return undefined;
  }
  try {
    const entry = parseEntry(value, scope, path);
    return { ...entry, fields: tableWithout(entry.fields, UNTIL), until: new Date(until) };
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return undefined;
  }
}

async function parseFullToml(text: string, path: string): Promise<TomlTable> {
  try {
    return await parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) {
      throw error;
    }
    const where = `:${error.line}:${error.column}`;
    const { mendTimes } = await import('./mend-times.ts');
    throw mendTimes(text) === text
      ? damagedDocument(path, where, 'invalid TOML')
      : damagedTime(path, where, 'a time is outside the years 1 to 9999');
  }
}
