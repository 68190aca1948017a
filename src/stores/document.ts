import { compareScopes, type StoreKey } from '../core/key-scope.ts';
import { isPrintableName } from '../core/printable-name.ts';
import type { KeyEntry } from '../core/secret-store.ts';
import { sameTable, momentAt, type TomlTable } from '../toml/table.ts';

/**
 * The document that both backends keep (spec section 3). Beside the keys it holds what this version does not know:
 * fields of the document, of an entry, and entries whose names are no scopes. They survive every rewrite.
 */
export interface StoreDocument {
  /** In listing order: global, then organizations, each followed by its repositories. */
  readonly entries: ReadonlyMap<StoreKey, DocumentEntry>;
  readonly unknownFields: TomlTable;
  readonly unknownEntries: TomlTable;
  /**
   * Documents whose comments this one keeps where it has what they are about; absent when there are none. They are looked for
   * when the document is written: reading it would take several times as long.
   */
  readonly commentTexts?: readonly string[] | undefined;
  /** The key of a scope that was replaced last by another one, in listing order. Look-ups never see it. */
  readonly previous: ReadonlyMap<StoreKey, PreviousEntry>;
  /** What stands among those and is none: kept, and never used. */
  readonly unknownPrevious: TomlTable;
}

/** As it was when it was replaced. */
export interface PreviousEntry extends DocumentEntry {
  /** Until then it can be brought back; what is written later leaves it out. */
  readonly until: Date;
}

export interface DocumentEntry extends KeyEntry {
  /** Every field but `key`, `added` and `api`: `key-id`, `expires`, and unknown ones. `added`, too, in a form that is not ours. */
  readonly fields: TomlTable;
}

export const DOCUMENT_VERSION = 1;

export const EMPTY_DOCUMENT: StoreDocument = {
  entries: new Map(),
  unknownFields: new Map(),
  unknownEntries: new Map(),
  previous: new Map(),
  unknownPrevious: new Map(),
};

export const NO_FACTS = { expires: undefined, keyId: undefined };

/** What an entry's other fields say of its key. What makes no sense is kept, and not used. */
export function factsOf(fields: TomlTable): Pick<KeyEntry, 'expires' | 'hasUnreadableEnd' | 'keyId'> {
  if (fields.size === 0) {
    return NO_FACTS;
  }
  const keyId = fields.get('key-id');
  const expires = momentAt(fields, 'expires');
  return {
    expires,
    ...(expires === undefined && fields.has('expires') ? { hasUnreadableEnd: true } : {}),
    keyId: isPrintableName(keyId) ? keyId : undefined,
  };
}

/** Entries in listing order, as a document keeps them. What mesa wrote is in order already; looking costs less than sorting. */
export function inListingOrder<T extends DocumentEntry>(
  entries: ReadonlyMap<StoreKey, T>,
): ReadonlyMap<StoreKey, T> {
  let before: T | undefined;
  for (const entry of entries.values()) {
    if (before !== undefined && compareScopes(before.scope, entry.scope) >= 0) {
      return new Map([...entries].toSorted(([, one], [, other]) => compareScopes(one.scope, other.scope)));
    }
    before = entry;
  }
  return entries;
}

/** Whether two documents say the same, entry by entry, unknown fields and entries included. */
export function sameDocument(a: StoreDocument, b: StoreDocument): boolean {
  return (
    a.entries.size === b.entries.size &&
    [...a.entries].every(([name, entry]) => sameEntry(entry, b.entries.get(name))) &&
    sameFields(a.unknownFields, b.unknownFields) &&
    sameFields(a.unknownEntries, b.unknownEntries) &&
    a.previous.size === b.previous.size &&
    [...a.previous].every(([name, entry]) => {
      const other = b.previous.get(name);
      return sameEntry(entry, other) && entry.until.getTime() === other?.until.getTime();
    }) &&
    sameFields(a.unknownPrevious, b.unknownPrevious)
  );
}

/** The document as it is written at a moment: without previous keys whose time is over. The same object when there are none. */
export function withoutExpired(document: StoreDocument, now: Date): StoreDocument {
  const isOver = ({ until }: PreviousEntry): boolean => until.getTime() <= now.getTime();
  return [...document.previous.values()].some(isOver)
    ? { ...document, previous: new Map([...document.previous].filter(([, entry]) => !isOver(entry))) }
    : document;
}

/** Whether two entries are the same in everything that a document holds. */
export function sameEntry(a: DocumentEntry, b: DocumentEntry | undefined): boolean {
  return (
    b !== undefined &&
    a.token.equals(b.token) &&
    a.added?.getTime() === b.added?.getTime() &&
    a.api === b.api &&
    sameFields(a.fields, b.fields)
  );
}

/** Most entries and documents have none. */
function sameFields(a: TomlTable, b: TomlTable): boolean {
  return (a.size === 0 && b.size === 0) || sameTable(a, b);
}
