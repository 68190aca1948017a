import { compareScopes, formatStoreKey, parseStoreKey, type StoreKey } from '../core/key-scope.ts';
import { quoteText } from '../core/escape-text.ts';
import type { Change, ChangeOutcome, KeyEntries, KeyEntry } from '../core/secret-store.ts';
import { describeTokenProblem, Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import { TomlSyntaxError } from '../toml/syntax-error.ts';
import { isTable, type TomlTable, type TomlValue } from '../toml/table.ts';
import { parseCanonicalDocument } from './canonical-document.ts';

/**
 * The document that both backends keep (spec section 3). Beside the keys it holds what this version does not know:
 * fields of the document, of an entry, and entries whose names are no scopes. They survive every rewrite.
 */
export interface StoreDocument {
  readonly entries: ReadonlyMap<StoreKey, DocumentEntry>;
  readonly unknownFields: TomlTable;
  readonly unknownEntries: TomlTable;
}

export interface DocumentEntry extends KeyEntry {
  /** Every field but `key` and `added`: `key-id`, `expires`, and unknown ones. */
  readonly fields: TomlTable;
}

export const EMPTY_DOCUMENT: StoreDocument = {
  entries: new Map(),
  unknownFields: new Map(),
  unknownEntries: new Map(),
};

const VERSION = 1;
const KNOWN_DOCUMENT_FIELDS = new Set(['version', 'keys']);
const KNOWN_ENTRY_FIELDS = new Set(['key', 'added']);
// What was learnt about a key goes with that key.
const FIELDS_OF_THE_KEY = new Set(['key-id', 'expires']);

/**
 * @param path the store's file name, for errors
 * @throws STORE_DAMAGED with line and column, never with text of the document: it may be a secret; STORE_VERSION
 */
export async function parseDocument(text: string, path: string): Promise<StoreDocument> {
  const canonical = parseCanonicalDocument(text);
  if (canonical !== undefined) {
    return canonical;
  }
  // Some editors on Windows put a byte order mark before it.
  const table = await parseFullToml(text.replace(/^\ufeff/, ''), path);
  assertVersion(table.get('version'), path);
  const keys = table.get('keys') ?? new Map();
  if (!isTable(keys)) {
    throw damaged(path, '"keys" is not a table');
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
  return { entries, unknownFields: without(table, KNOWN_DOCUMENT_FIELDS), unknownEntries };
}

function assertVersion(version: TomlValue | undefined, path: string): void {
  if (version === VERSION) {
    return;
  }
  if (typeof version === 'number' && Number.isInteger(version) && version > VERSION) {
    throw new MesaAuthError(
      'STORE_VERSION',
      `${path} has version ${version}; this mesa knows version ${VERSION}`,
      {
        hint: 'update mesa: npm install -g mesa-auth',
      },
    );
  }
  throw damaged(path, version === undefined ? 'it has no version' : 'its version is not 1');
}

function parseEntry(value: TomlValue, scope: KeyEntry['scope'], path: string): DocumentEntry {
  const name = formatStoreKey(scope);
  if (!isTable(value)) {
    throw damaged(path, `the entry ${name} is not a table`);
  }
  const key = value.get('key');
  const added = value.get('added');
  const problem = typeof key === 'string' ? describeTokenProblem(key) : 'is not a string';
  if (typeof key !== 'string' || problem !== undefined) {
    throw damaged(path, `the key of ${name} ${problem}`);
  }
  if (added !== undefined && !(added instanceof Date)) {
    throw damaged(path, `the field "added" of ${name} is not a date-time`);
  }
  return { scope, token: Token.parse(key), added, fields: without(value, KNOWN_ENTRY_FIELDS) };
}

function without(table: TomlTable, names: ReadonlySet<string>): TomlTable {
  return new Map([...table].filter(([name]) => !names.has(name)));
}

async function parseFullToml(text: string, path: string): Promise<TomlTable> {
  const { parseToml } = await import('../toml/full-toml.ts');
  try {
    return await parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlSyntaxError)) {
      throw error;
    }
    throw damaged(`${path}:${error.line}:${error.column}`, 'invalid TOML');
  }
}

function damaged(where: string, what: string): MesaAuthError {
  return new MesaAuthError('STORE_DAMAGED', `the secret store ${where} is damaged: ${what}`, {
    hint: 'mend it by hand or restore it from a backup; mesa has not changed it',
  });
}

/** The entries in listing order. */
export function listEntries(document: StoreDocument): KeyEntries {
  return new Map(sortedEntries(document));
}

/** A document that mesa wrote is in order already, and looking costs less than sorting. */
function sortedEntries(document: StoreDocument): readonly [StoreKey, DocumentEntry][] {
  const entries = [...document.entries];
  const inOrder = entries.every(([, { scope }], index) => {
    const before = entries[index - 1];
    return before === undefined || compareScopes(before[1].scope, scope) < 0;
  });
  return inOrder ? entries : entries.toSorted(([, a], [, b]) => compareScopes(a.scope, b.scope));
}

/** Names under `keys` that are no scopes, quoted for a warning. */
export function unknownEntryNames(document: StoreDocument): readonly string[] {
  return Array.from(document.unknownEntries.keys(), quoteText);
}

export interface AppliedChanges {
  /** The same object when nothing changed. */
  readonly document: StoreDocument;
  readonly outcomes: readonly ChangeOutcome[];
}

/** Performs the changes in order. @param now the moment that new keys are `added` */
export function applyChanges(document: StoreDocument, changes: readonly Change[], now: Date): AppliedChanges {
  const entries = new Map(document.entries);
  const outcomes = changes.map((change): ChangeOutcome => {
    const name = formatStoreKey(change.scope);
    const present = entries.get(name);
    if (change.kind === 'remove') {
      return entries.delete(name) ? 'removed' : 'absent';
    }
    entries.set(name, {
      scope: change.scope,
      token: change.token,
      added: now,
      fields: present === undefined ? new Map() : keptFields(present, change.token),
    });
    return present === undefined ? 'stored' : 'replaced';
  });
  const changed = outcomes.some((outcome) => outcome !== 'absent');
  return { document: changed ? { ...document, entries } : document, outcomes };
}

function keptFields(present: DocumentEntry, token: Token): TomlTable {
  if (present.token.equals(token)) {
    return present.fields;
  }
  return without(present.fields, FIELDS_OF_THE_KEY);
}

/** The document as TOML: what `parseDocument` reads, in listing order, unknown fields included. */
export async function formatDocument(document: StoreDocument): Promise<string> {
  const hasUnknown =
    document.unknownFields.size > 0 ||
    document.unknownEntries.size > 0 ||
    [...document.entries.values()].some((entry) => entry.fields.size > 0);
  const write = hasUnknown ? await import('../toml/full-toml.ts') : undefined;
  const lines = [`version = ${VERSION}`];
  // Scalars first: behind a table header they would belong to that table.
  for (const [name, value] of document.unknownFields) {
    lines.push(write?.formatPair(name, value) ?? '');
  }
  if (document.unknownEntries.size > 0) {
    lines.push('', '[keys]');
    for (const [name, value] of document.unknownEntries) {
      lines.push(write?.formatPair(name, value) ?? '');
    }
  }
  for (const [name, { token, added, fields }] of sortedEntries(document)) {
    lines.push('', `[keys.${name === 'global' ? name : `"${name}"`}]`, `key = ${quoteToml(token.reveal())}`);
    if (added !== undefined) {
      lines.push(`added = ${added.toISOString()}`);
    }
    for (const [field, value] of fields) {
      lines.push(write?.formatPair(field, value) ?? '');
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A basic string. A key is printable ASCII, so two characters need escaping (TOML 1.0, "String"). */
function quoteToml(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
