import type { Change, ChangeOutcome, KeyEntries, OnReplaced } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Warn } from '../platform/private-file.ts';
import { parseVaultHeader } from '../vault/header.ts';
import { sealingForm, type Passphrase, type PassphraseSource } from '../vault/passphrase.ts';
import { assertMemory } from '../vault/scrypt.ts';
import { DEFAULT_WORK_FACTOR, VaultCodec } from '../vault/vault-codec.ts';
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
    if (this.#unlocked === undefined) {
      const { assertNoMount } = await import('../platform/replaceable.ts');
      assertNoMount(this.location);
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
    if (sealingForm(passphrase.text) === sealingForm(next)) {
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

  assertCanOpen(): void {
    const bytes = this.#options.file.read();
    assertMemory(
      bytes === undefined
        ? (this.#options.workFactor ?? DEFAULT_WORK_FACTOR)
        : parseVaultHeader(bytes, this.location).workFactor,
    );
  }

  #exists(): boolean {
    return this.readBytes() !== undefined;
  }

  async #attempt<T>(work: (store: DocumentStore) => Promise<T>): Promise<T> {
    for (let attempt = 1; ;) {
      const { store, passphrase } = this.#unlocked ?? (await this.#openWith(attempt));
      const { passphrases } = this.#options;
      try {
        const result = await work(store);
        if (this.#unlocked === undefined) {
          this.#unlocked = { store, passphrase };
          await passphrases.accepted?.(passphrase);
        }
        return result;
      } catch (error) {
        const wrong = error instanceof MesaAuthError && error.code === 'WRONG_PASSPHRASE';
        if (!wrong || !passphrase.typed || attempt >= MAX_ATTEMPTS) {
          await passphrases.giveUp?.();
          throw wrong && passphrase.typed ? typedWrong(error) : error;
        }
        attempt += passphrase.guessed === true ? 0 : 1;
      }
    }
  }

  async #openWith(attempt: number): Promise<{ store: DocumentStore; passphrase: Passphrase }> {
    const { passphrases } = this.#options;
    this.assertCanOpen();
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

/** For somebody who typed it, a variable is not where to look. */
export function typedWrong({ code, message }: MesaAuthError): MesaAuthError {
  return new MesaAuthError(code, message, { hint: 'run the command again, and type it slowly' });
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
