import { compareScopes, formatStoreKey, type StoreKey } from '../../src/core/key-scope.ts';
import type {
  Change,
  ChangeOutcome,
  KeyEntries,
  KeyEntry,
  SecretStore,
} from '../../src/core/secret-store.ts';

/** What several MemoryStore objects share, as several processes share a file. */
export interface MemoryPlace {
  entries: ReadonlyMap<StoreKey, KeyEntry>;
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

  apply(changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    const entries = new Map(this.#place.entries);
    const outcomes = changes.map((change): ChangeOutcome => {
      const name = formatStoreKey(change.scope);
      const found = entries.get(name);
      if (change.kind === 'remove') {
        return entries.delete(name) ? 'removed' : 'absent';
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
      entries.set(name, { scope, token, api: change.api, added: this.#now(), ...facts });
      return found === undefined ? 'stored' : 'replaced';
    });
    this.#place.entries = entries;
    return Promise.resolve(outcomes);
  }
}
