import { compareScopes, type StoreKey } from '../core/key-scope.ts';
import { isPrintableName } from '../core/printable-name.ts';
import type { KeyEntry } from '../core/secret-store.ts';
import { momentAt, type TomlTable } from '../toml/table.ts';

/**
 * The document that both backends keep (spec section 3). Beside the keys it holds what this version does not know:
 * fields of the document, of an entry, and entries whose names are no scopes. They survive every rewrite.
 */
export interface StoreDocument {
  /** In listing order: global, then organizations, each followed by its repositories. */
  readonly entries: ReadonlyMap<StoreKey, DocumentEntry>;
  readonly unknownFields: TomlTable;
  readonly unknownEntries: TomlTable;
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
};

export const NO_FACTS = { expires: undefined, keyId: undefined };

/** What an entry's other fields say of its key. What makes no sense is kept, and not used. */
export function factsOf(fields: TomlTable): Pick<KeyEntry, 'expires' | 'keyId'> {
  if (fields.size === 0) {
    return NO_FACTS;
  }
  const keyId = fields.get('key-id');
  return { expires: momentAt(fields, 'expires'), keyId: isPrintableName(keyId) ? keyId : undefined };
}

/** Entries in listing order, as a document keeps them. What mesa wrote is in order already; looking costs less than sorting. */
export function inListingOrder(
  entries: ReadonlyMap<StoreKey, DocumentEntry>,
): ReadonlyMap<StoreKey, DocumentEntry> {
  let before: DocumentEntry | undefined;
  for (const entry of entries.values()) {
    if (before !== undefined && compareScopes(before.scope, entry.scope) >= 0) {
      return new Map([...entries].toSorted(([, one], [, other]) => compareScopes(one.scope, other.scope)));
    }
    before = entry;
  }
  return entries;
}
