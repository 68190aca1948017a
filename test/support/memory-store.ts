import { compareScopes, formatStoreKey, type StoreKey } from '../../src/core/key-scope.ts';
import {
  KEEP_REPLACED_MS,
  type Change,
  type ChangeOutcome,
  type KeyEntries,
  type KeyEntry,
  type OnReplaced,
  type Replacement,
  type SecretStore,
} from '../../src/core/secret-store.ts';

/** What several MemoryStore objects share, as several processes share a file. */
export interface MemoryPlace {
  entries: ReadonlyMap<StoreKey, KeyEntry>;
  previous?: ReadonlyMap<StoreKey, { readonly entry: KeyEntry; readonly until: number }>;
}

/** A SecretStore that forgets: for what needs a store and not a disk. It passes the contract of the real ones. */
export class MemoryStore implements SecretStore {
  readonly backend = 'plaintext-file';
  readonly location = '/memory';
  readonly #place: MemoryPlace;
  readonly #now: () => Date;

  constructor(now: () => Date, place: MemoryPlace = { entries: new Map() }) {
    this.#now = now;
    this.#place = place;
  }

  read(): Promise<KeyEntries> {
    const sorted = [...this.#place.entries].toSorted(([, a], [, b]) => compareScopes(a.scope, b.scope));
    return Promise.resolve(new Map(sorted));
  }

  apply(changes: readonly Change[], onReplaced?: OnReplaced): Promise<readonly ChangeOutcome[]> {
    const entries = new Map(this.#place.entries);
    const previous = new Map(this.#place.previous);
    const told: Replacement[] = [];
    const keepOld = (change: Change & { kind: 'set' | 'undo' }, old: KeyEntry, next: KeyEntry): void => {
      const { keep = KEEP_REPLACED_MS, scope } = change;
      const name = formatStoreKey(scope);
      if (keep === 0) {
        previous.clear();
      } else {
        previous.set(name, { entry: old, until: this.#now().getTime() + keep });
      }
      told.push({ scope, old: old.token.masked(), new: next.token.masked() });
    };
    const outcomes = changes.map((change): ChangeOutcome => {
      const name = formatStoreKey(change.scope);
      const found = entries.get(name);
      if (change.kind === 'remove') {
        previous.delete(name);
        return entries.delete(name) ? 'removed' : 'absent';
      }
      if (change.kind === 'forget') {
        return previous.delete(name) ? 'forgotten' : 'absent';
      }
      if (change.kind === 'undo') {
        const { present } = change;
        const isExpected =
          present === undefined ? found === undefined : found?.token.equals(present) === true;
        const back = previous.get(name);
        if (!isExpected || back === undefined || back.until <= this.#now().getTime()) {
          return 'absent';
        }
        entries.set(name, back.entry);
        previous.delete(name);
        if (found !== undefined) {
          keepOld(change, found, back.entry);
        }
        return 'undone';
      }
      const { scope, token } = change;
      const same = found?.token.equals(token) === true ? found : undefined;
      if (change.kind === 'learn') {
        const { keyId = same?.keyId, expires = same?.expires } = change.facts;
        if (same === undefined || (keyId === same.keyId && +(expires ?? 0) === +(same.expires ?? 0))) {
          return 'absent';
        }
        entries.set(name, { ...same, keyId, expires });
        return 'learnt';
      }
      if (change.kind === 'replace' && same === undefined && found?.token.equals(change.old) !== true) {
        return 'absent';
      }
      const { expires = same?.expires, keyId = same?.keyId } = change.kind === 'replace' ? change.facts : {};
      const facts = { expires, keyId };
      const next = { scope, token, api: change.api, added: this.#now(), ...facts };
      entries.set(name, next);
      if (change.kind === 'replace') {
        previous.delete(name);
        for (const [other, { entry }] of previous) {
          if (entry.token.equals(change.old)) {
            previous.delete(other);
          }
        }
      } else if (found !== undefined && same === undefined) {
        keepOld(change, found, next);
      }
      return found === undefined ? 'stored' : 'replaced';
    });
    this.#place.entries = entries;
    this.#place.previous = previous;
    told.forEach((one) => onReplaced?.(one));
    return Promise.resolve(outcomes);
  }
}
