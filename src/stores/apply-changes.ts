import { formatStoreKey } from '../core/key-scope.ts';
import type { Change, ChangeOutcome, KeyFacts } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { tableWithout, type TomlTable, type TomlValue } from '../toml/table.ts';
import { factsOf, inListingOrder, type DocumentEntry, type StoreDocument } from './document.ts';

// What was learnt about a key goes with that key.
const FIELDS_OF_THE_KEY = new Set(['added', 'key-id', 'expires']);
const ADDED = new Set(['added']);

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
    if (change.kind === 'learn') {
      const fields =
        present?.token.equals(change.token) === true ? withFacts(present, change.facts) : undefined;
      if (present === undefined || fields === undefined) {
        return 'absent';
      }
      entries.set(name, { ...present, hasUnreadableEnd: undefined, ...factsOf(fields), fields });
      return 'learnt';
    }
    // One that was done before, and perhaps not durably, is done again.
    if (
      change.kind === 'replace' &&
      present?.token.equals(change.old) !== true &&
      present?.token.equals(change.token) !== true
    ) {
      return 'absent';
    }
    if (change.kind === 'set' && present?.token.equals(change.token) === true && present.api === change.api) {
      return 'unchanged';
    }
    const kept = present === undefined ? new Map() : keptFields(present, change.token);
    const fields = change.kind === 'set' ? kept : withLearnt(kept, change.facts);
    const { scope, token, api } = change;
    entries.set(name, { scope, token, added: now, api, ...factsOf(fields), fields });
    return present === undefined ? 'stored' : 'replaced';
  });
  const changed = outcomes.some((outcome) => outcome !== 'absent' && outcome !== 'unchanged');
  return { document: changed ? { ...document, entries: inListingOrder(entries) } : document, outcomes };
}

function keptFields(present: DocumentEntry, token: Token): TomlTable {
  const { fields } = present;
  return fields.size === 0
    ? fields
    : tableWithout(fields, present.token.equals(token) ? ADDED : FIELDS_OF_THE_KEY);
}

/** An entry's fields with these facts; undefined when they say all that already. */
function withFacts({ fields, keyId, expires }: DocumentEntry, facts: KeyFacts): TomlTable | undefined {
  const isKnown =
    (facts.keyId ?? keyId) === keyId && (facts.expires ?? expires)?.getTime() === expires?.getTime();
  return isKnown ? undefined : withLearnt(fields, facts);
}

function withLearnt(fields: TomlTable, { keyId, expires }: KeyFacts): TomlTable {
  return new Map<string, TomlValue>([
    ...fields,
    ...(keyId === undefined ? [] : [['key-id', keyId] as const]),
    ...(expires === undefined ? [] : [['expires', expires] as const]),
  ]);
}
