import { formatStoreKey, type KeyScope, type StoreKey } from '../core/key-scope.ts';
import { momentAfter } from '../core/moment.ts';
import {
  KEEP_REPLACED_MS,
  type Change,
  type ChangeOutcome,
  type KeyFacts,
  type Replacement,
} from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { tableWithout, type TomlTable, type TomlValue } from '../toml/table.ts';
import {
  factsOf,
  inListingOrder,
  withoutExpired,
  type DocumentEntry,
  type PreviousEntry,
  type StoreDocument,
} from './document.ts';

// What was learnt about a key goes with that key.
const FIELDS_OF_THE_KEY = new Set(['added', 'key-id', 'expires']);
const ADDED = new Set(['added']);
// A previous key has one of its own.
const UNTIL = new Set(['until']);

export interface AppliedChanges {
  /** The same object when nothing changed. */
  readonly document: StoreDocument;
  readonly outcomes: readonly ChangeOutcome[];
  /** See SecretStore.apply. */
  readonly replacements: readonly Replacement[];
}

/** Performs the changes in order. @param now the moment that new keys are `added`, and replaced ones kept from */
export function applyChanges(document: StoreDocument, changes: readonly Change[], now: Date): AppliedChanges {
  const draft = new Draft(withoutExpired(document, now), now);
  const outcomes = changes.map((change) => draft.apply(change));
  const { replacements, hasChanged } = draft;
  return { document: hasChanged ? draft.document() : document, outcomes, replacements };
}

/** A document while changes are made to it. */
class Draft {
  readonly replacements: Replacement[] = [];
  hasChanged = false;
  readonly #base: StoreDocument;
  readonly #now: Date;
  readonly #entries: Map<StoreKey, DocumentEntry>;
  readonly #previous: Map<StoreKey, PreviousEntry>;
  #unknownPrevious: TomlTable;
  /** Whether previous keys are kept at all. */
  #keeps = true;

  constructor(base: StoreDocument, now: Date) {
    this.#base = base;
    this.#now = now;
    this.#entries = new Map(base.entries);
    this.#previous = new Map(base.previous);
    this.#unknownPrevious = base.unknownPrevious;
  }

  document(): StoreDocument {
    return {
      ...this.#base,
      entries: inListingOrder(this.#entries),
      previous: this.#keeps ? inListingOrder(this.#previous) : new Map(),
      unknownPrevious: this.#unknownPrevious,
    };
  }

  apply(change: Change): ChangeOutcome {
    const outcome = this.#perform(change, formatStoreKey(change.scope));
    this.hasChanged ||= outcome !== 'absent';
    return outcome;
  }

  #perform(change: Change, name: StoreKey): ChangeOutcome {
    const present = this.#entries.get(name);
    switch (change.kind) {
      case 'set':
        return this.#set(change, name, present);
      case 'undo':
        return this.#undo(change, name, present);
      case 'learn':
        return this.#learn(change, name, present);
      case 'replace':
        return this.#replace(change, name, present);
      case 'remove':
        // No copy is left, also where somebody else removed the key itself.
        this.hasChanged = this.#forget(name) || this.hasChanged;
        return this.#entries.delete(name) ? 'removed' : 'absent';
      case 'forget':
        return this.#forget(name) ? 'forgotten' : 'absent';
    }
  }

  #set(
    { scope, token, api, keep }: Change & { kind: 'set' },
    name: StoreKey,
    present: DocumentEntry | undefined,
  ): ChangeOutcome {
    if (present?.token.equals(token) === true && present.api === api) {
      return 'unchanged';
    }
    const fields = present === undefined ? new Map() : keptFields(present, token);
    this.#entries.set(name, { scope, token, added: this.#now, api, ...factsOf(fields), fields });
    this.#keeps &&= keep !== 0;
    if (present === undefined) {
      return 'stored';
    }
    if (!present.token.equals(token)) {
      this.#forget(name);
      this.#keep(name, present, keep);
      this.#tell(scope, present.token, token);
    }
    return 'replaced';
  }

  #undo(
    { scope, present: expected, keep }: Change & { kind: 'undo' },
    name: StoreKey,
    present: DocumentEntry | undefined,
  ): ChangeOutcome {
    const previous = this.#previous.get(name);
    const isExpected =
      expected === undefined ? present === undefined : present?.token.equals(expected) === true;
    if (previous === undefined || !isExpected) {
      return 'absent';
    }
    const { until: _until, ...entry } = previous;
    this.#entries.set(name, entry);
    this.#previous.delete(name);
    this.#keeps &&= keep !== 0;
    if (present !== undefined) {
      this.#keep(name, present, keep);
      this.#tell(scope, present.token, entry.token);
    }
    return 'undone';
  }

  #learn(
    { token, facts }: Change & { kind: 'learn' },
    name: StoreKey,
    present: DocumentEntry | undefined,
  ): ChangeOutcome {
    const fields = present?.token.equals(token) === true ? withFacts(present, facts) : undefined;
    if (present === undefined || fields === undefined) {
      return 'absent';
    }
    this.#entries.set(name, { ...present, hasUnreadableEnd: undefined, ...factsOf(fields), fields });
    return 'learnt';
  }

  #replace(
    { scope, old, token, facts, api }: Change & { kind: 'replace' },
    name: StoreKey,
    present: DocumentEntry | undefined,
  ): ChangeOutcome {
    // One that was done before, and perhaps not durably, is done again.
    if (present?.token.equals(old) !== true && present?.token.equals(token) !== true) {
      return 'absent';
    }
    const fields = withLearnt(keptFields(present, token), facts);
    this.#entries.set(name, { scope, token, added: this.#now, api, ...factsOf(fields), fields });
    this.#forget(name);
    for (const [other, { token: kept }] of this.#previous) {
      if (kept.equals(old)) {
        this.#previous.delete(other);
      }
    }
    return 'replaced';
  }

  #keep(name: StoreKey, entry: DocumentEntry, keep = KEEP_REPLACED_MS): void {
    if (keep > 0) {
      const fields = tableWithout(entry.fields, UNTIL);
      this.#previous.set(name, { ...entry, fields, until: momentAfter(this.#now, keep) });
    }
  }

  /** @returns whether there was one */
  #forget(name: StoreKey): boolean {
    const isKnown = this.#previous.delete(name);
    if (!this.#unknownPrevious.has(name)) {
      return isKnown;
    }
    this.#unknownPrevious = tableWithout(this.#unknownPrevious, new Set([name]));
    return true;
  }

  #tell(scope: KeyScope, old: Token, next: Token): void {
    this.replacements.push({ scope, old: old.masked(), new: next.masked() });
  }
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
