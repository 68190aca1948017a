import { formatStoreKey } from '../core/key-scope.ts';
import type { Change, ChangeOutcome } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { momentAt, tableWithout, type TomlTable } from '../toml/table.ts';
import type { DocumentEntry, StoreDocument } from './document.ts';

// What was learnt about a key goes with that key.
const FIELDS_OF_THE_KEY = new Set(['key-id', 'expires']);

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
    const fields = present === undefined ? new Map() : keptFields(present, change.token);
    const expires = momentAt(fields, 'expires');
    entries.set(name, { scope: change.scope, token: change.token, added: now, expires, fields });
    return present === undefined ? 'stored' : 'replaced';
  });
  const changed = outcomes.some((outcome) => outcome !== 'absent');
  return { document: changed ? { ...document, entries } : document, outcomes };
}

function keptFields(present: DocumentEntry, token: Token): TomlTable {
  if (present.token.equals(token)) {
    return present.fields;
  }
  return tableWithout(present.fields, FIELDS_OF_THE_KEY);
}
