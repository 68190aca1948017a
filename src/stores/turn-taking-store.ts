import type { KeyScope } from '../core/key-scope.ts';
import type { Change, ChangeOutcome, KeyEntries, SecretStore } from '../core/secret-store.ts';
import type { PassphraseSource } from '../vault/passphrase.ts';
import type { WholeStore } from './document-store.ts';

export interface TurnTakingStoreOptions {
  /** The vault, which asks for its passphrase. */
  readonly vault: WholeStore;
  readonly passphrases: PassphraseSource;
  /** The same vault through the unlock agent; undefined when there is none. */
  readonly findAgentStore: () => SecretStore | undefined;
}

/**
 * The vault, of which several commands may want the passphrase at once: each waits for its turn to ask, and then looks
 * whether the one before has started the unlock agent.
 */
export class TurnTakingStore implements SecretStore {
  readonly backend = 'encrypted-file';
  readonly location: string;
  readonly #options: TurnTakingStoreOptions;
  #chosen: Promise<SecretStore> | undefined;

  constructor(options: TurnTakingStoreOptions) {
    this.location = options.vault.location;
    this.#options = options;
  }

  async read(scopes?: readonly KeyScope[]): Promise<KeyEntries> {
    return (await this.#choose()).read(scopes);
  }

  async apply(changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    return (await this.#choose()).apply(changes);
  }

  #choose(): Promise<SecretStore> {
    this.#chosen ??= this.#chooseNow();
    return this.#chosen;
  }

  async #chooseNow(): Promise<SecretStore> {
    const { vault, passphrases, findAgentStore } = this.#options;
    // A new vault asks in its own way; and nobody waits for a file that cannot be opened.
    if (vault.readBytes() === undefined || (await passphrases.takeTurn?.()) !== true) {
      return vault;
    }
    const store = findAgentStore();
    if (store !== undefined) {
      await passphrases.giveUp?.();
    }
    return store ?? vault;
  }
}
