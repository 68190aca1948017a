import type { Change, ChangeOutcome, KeyEntries, OnReplaced } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Warn } from '../platform/private-file.ts';
import { parseVaultHeader } from '../vault/header.ts';
import type { Passphrase, PassphraseSource } from '../vault/passphrase.ts';
import { VaultCodec } from '../vault/vault-codec.ts';
import type { DocumentCodec } from './document-codec.ts';
import {
  DocumentStore,
  isNoChange,
  storeVanished,
  type StoreFile,
  type StoreSnapshot,
  type WholeStore,
} from './document-store.ts';

const MAX_ATTEMPTS = 3;

export interface PromptedVaultStoreOptions {
  readonly file: StoreFile;
  readonly passphrases: PassphraseSource;
  readonly now: () => Date;
  readonly warn: Warn;
  /** See VaultCodecOptions. */
  readonly workFactor?: number;
}

/**
 * The vault: a DocumentStore whose codec needs a passphrase. It asks before it takes the lock, so that nobody waits
 * for somebody's typing, and looks at the file before it asks, so that nobody types for a file that cannot be opened.
 *
 * It protects the keys at rest against whoever gets the file. It does not protect them from a program that runs as
 * this user while the passphrase is typed, and an older copy of the file stays a valid vault.
 */
export class PromptedVaultStore implements WholeStore {
  readonly backend = 'encrypted-file';
  readonly location: string;
  readonly #options: PromptedVaultStoreOptions;
  #unlocked: { readonly store: DocumentStore; readonly passphrase: Passphrase } | undefined;

  constructor(options: PromptedVaultStoreOptions) {
    this.location = options.file.path;
    this.#options = options;
  }

  async read(): Promise<KeyEntries> {
    return this.#exists() ? this.#attempt((store) => store.read()) : new Map();
  }

  async apply(changes: readonly Change[], onReplaced?: OnReplaced): Promise<readonly ChangeOutcome[]> {
    if (isNoChange(changes, this.#exists())) {
      return changes.map(() => 'absent');
    }
    return this.#attempt((store) => store.apply(changes, onReplaced));
  }

  snapshot(): Promise<StoreSnapshot> {
    return this.#attempt((store) => store.snapshot());
  }

  readText(): Promise<string | undefined> {
    return this.#attempt((store) => store.readText());
  }

  mendText(mend: (text: string) => string): Promise<void> {
    return this.#attempt((store) => store.mendText(mend));
  }

  /**
   * Seals the vault, as it is by then, with another passphrase. The vault was opened before.
   * @throws INVALID_PASSPHRASE when it is the present one; WRONG_PASSPHRASE when another process changed the
   *   passphrase meanwhile; STORE_BUSY when the vault vanished
   */
  async changePassphrase(next: string): Promise<void> {
    if (this.#unlocked === undefined) {
      throw new TypeError('the vault was not opened');
    }
    const { store, passphrase } = this.#unlocked;
    if (passphrase.text === next) {
      throw new MesaAuthError('INVALID_PASSPHRASE', 'the new passphrase is the present one', {
        hint: 'choose another one; nothing was changed',
      });
    }
    await store.reseal(guardCreation(this.#codec(next), { ...passphrase, mayCreate: false }, this.location));
  }

  readBytes(): Buffer | undefined {
    const bytes = this.#options.file.read();
    if (bytes !== undefined) {
      parseVaultHeader(bytes, this.location);
    }
    return bytes;
  }

  #exists(): boolean {
    return this.readBytes() !== undefined;
  }

  async #attempt<T>(work: (store: DocumentStore) => Promise<T>): Promise<T> {
    for (let attempt = 1; ;) {
      const { store, passphrase } = this.#unlocked ?? (await this.#openWith(attempt));
      try {
        const result = await work(store);
        if (this.#unlocked === undefined) {
          this.#unlocked = { store, passphrase };
          await this.#options.passphrases.accepted?.(passphrase);
        }
        return result;
      } catch (error) {
        const wrong = error instanceof MesaAuthError && error.code === 'WRONG_PASSPHRASE';
        if (!wrong || !passphrase.typed || attempt >= MAX_ATTEMPTS) {
          throw error;
        }
        attempt += passphrase.guessed === true ? 0 : 1;
      }
    }
  }

  async #openWith(attempt: number): Promise<{ store: DocumentStore; passphrase: Passphrase }> {
    const { passphrases } = this.#options;
    const passphrase = this.#exists() ? await passphrases.toOpen(attempt) : await passphrases.toCreate();
    const codec = guardCreation(this.#codec(passphrase.text), passphrase, this.location);
    return { store: new DocumentStore({ ...this.#options, backend: this.backend, codec }), passphrase };
  }

  #codec(passphrase: string): VaultCodec {
    const { workFactor } = this.#options;
    return new VaultCodec({
      passphrase,
      path: this.location,
      ...(workFactor === undefined ? {} : { workFactor }),
    });
  }
}

/** A vault that vanished meanwhile must not come back under a passphrase that was typed once, to open it. */
function guardCreation(codec: VaultCodec, passphrase: Passphrase, path: string): DocumentCodec {
  return {
    decode: (file) => codec.decode(file),
    prepareEncode(current, decoding) {
      if (current === undefined && !passphrase.mayCreate) {
        throw storeVanished(path);
      }
      return codec.prepareEncode(current, decoding);
    },
  };
}
