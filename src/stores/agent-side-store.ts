import { existsSync } from 'node:fs';

import type { AgentBackend, BackendView, WriteOptions } from '../agent/agent-backend.ts';
import type { Change, ChangeOutcome, KeyEntries } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import type { Warn } from '../platform/private-file.ts';
import { sealingForm } from '../vault/passphrase.ts';
import { canDeriveSideBySide, deriveSealingKey, type SealingKey } from '../vault/scrypt.ts';
import { DEFAULT_WORK_FACTOR, sealingWorkFactor, sealText, VaultCodec } from '../vault/vault-codec.ts';
import type { DocumentCodec } from './document-codec.ts';
import { DocumentStore, type DocumentCache, StoreFile } from './document-store.ts';

export interface AgentSideStoreOptions {
  readonly paths: Paths;
  readonly passphrase: string;
  readonly now: () => Date;
  /** See VaultCodecOptions. */
  readonly workFactor?: number;
  /** Called when the file on disk is one that the passphrase does not open. */
  readonly onWrongPassphrase: () => void;
}

/** A waiting client is told `busy` after this, and asks again. */
const LOCK_PATIENCE_MS = 500;

/**
 * The vault as the agent holds it: the document of the file as it is on disk, and the key for the next write. Nobody
 * waits here for a derivation: whoever comes while one is needed gets STORE_BUSY at once. Two run side by side only where
 * there is memory for both; each takes 256 MiB.
 */
export class AgentSideStore implements AgentBackend {
  readonly path: string;
  readonly #options: AgentSideStoreOptions;
  readonly #cache: DocumentCache = {};
  readonly #revisions = new WeakMap<KeyEntries, number>();
  #lastRevision = 0;
  #opening = 0;
  #sealing = 0;
  /** Ends with the derivation that was started last. */
  #turn: Promise<unknown> = Promise.resolve();
  #refreshing: Promise<void> | undefined;
  /** Bytes that could not be decoded, and why: so that they are tried once. */
  #undecodable: { readonly bytes: Uint8Array; readonly error: unknown } | undefined;
  #nextKey: SealingKey | undefined;
  /** Whether the derivation of the next key failed. */
  #outOfMemory = false;
  #deriving: Promise<void> | undefined;

  constructor(options: AgentSideStoreOptions) {
    this.path = options.paths.encryptedStore;
    this.#options = options;
  }

  get derivations(): { opening: number; sealing: number } {
    return { opening: this.#opening, sealing: this.#sealing };
  }

  /** Opens the file, and prepares for the first write. @throws as SecretStore.read, IO when there is no file */
  async open(): Promise<void> {
    const bytes = this.#file(ignore).read();
    if (bytes === undefined) {
      throw new MesaAuthError('IO', `the vault ${this.path} is gone`);
    }
    await this.#openNow();
    this.#prepareKey(bytes);
  }

  /** As `open`, without waiting: until it is open, everything is busy. */
  openSoon(): void {
    const bytes = this.#file(ignore).read();
    if (bytes !== undefined) {
      this.#refresh(bytes);
    }
  }

  async read(warn: Warn): Promise<BackendView | undefined> {
    if (!existsSync(this.path)) {
      return undefined;
    }
    const file = this.#file(warn);
    const entries = await this.#store(file, warn).read();
    return { entries, revision: this.#revisionOf(entries) };
  }

  async apply(
    changes: readonly Change[],
    { warn, beforeWriting, onReplaced }: WriteOptions,
  ): Promise<readonly ChangeOutcome[] | undefined> {
    const file = this.#file(warn, beforeWriting);
    const bytes = file.read();
    if (bytes === undefined) {
      return undefined;
    }
    if (this.#nextKey === undefined) {
      if (this.#outOfMemory) {
        // For this write; the next one tries again.
        this.#outOfMemory = false;
        return undefined;
      }
      this.#prepareKey(bytes);
      throw busy();
    }
    return this.#store(file, warn).apply(changes, onReplaced);
  }

  #file(warn: Warn, beforeWriting?: () => Promise<void>): StoreFile {
    return new StoreFile({
      path: this.path,
      paths: this.#options.paths,
      warn,
      onLockWait: ignore,
      giveUpAfterMs: LOCK_PATIENCE_MS,
      ...(beforeWriting === undefined ? {} : { onLocked: beforeWriting }),
    });
  }

  #store(file: StoreFile, warn: Warn, codec: DocumentCodec = this.#codec()): DocumentStore {
    const { now } = this.#options;
    return new DocumentStore({ backend: 'encrypted-file', file, codec, now, warn, cache: this.#cache });
  }

  /** Decodes nothing itself: what is not known yet is opened aside. Seals with the key that was prepared. */
  #codec(): DocumentCodec {
    return {
      decode: (bytes) => {
        if (this.#undecodable !== undefined && Buffer.compare(bytes, this.#undecodable.bytes) === 0) {
          const { error } = this.#undecodable;
          if (error instanceof MesaAuthError && error.code === 'IO') {
            // Memory was short, or the disk failed: that may pass.
            this.#undecodable = undefined;
          }
          throw error;
        }
        this.#refresh(bytes);
        throw busy();
      },
      prepareEncode: (current) => {
        if (current === undefined) {
          throw busy();
        }
        return async (text) => {
          try {
            return await sealText(text, this.#takeKey(current));
          } finally {
            this.#prepareKey(current);
          }
        };
      },
    };
  }

  #refresh(bytes: Uint8Array): void {
    if (this.#refreshing !== undefined) {
      return;
    }
    this.#refreshing = this.#openNow()
      .then(() => this.#prepareKey(bytes))
      .catch((error: unknown) => {
        if (error instanceof MesaAuthError && error.code === 'WRONG_PASSPHRASE') {
          this.#options.onWrongPassphrase();
        }
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  /** Reads the file anew and puts its document into the cache. */
  #openNow(): Promise<KeyEntries> {
    const { passphrase } = this.#options;
    const vault = new VaultCodec({ passphrase, path: this.path });
    let seen: Uint8Array | undefined;
    const codec: DocumentCodec = {
      decode: (bytes) => {
        this.#opening += 1;
        seen = bytes;
        return vault.decode(bytes);
      },
      prepareEncode: (current, decoding) => vault.prepareEncode(current, decoding),
    };
    const open = async (): Promise<KeyEntries> => {
      try {
        return await this.#store(this.#file(ignore), ignore, codec).read();
      } catch (error) {
        this.#undecodable = seen === undefined ? undefined : { bytes: seen, error };
        throw error;
      }
    };
    // Somebody waits for this one, and for the key of the next write perhaps nobody.
    const { workFactor } = this.#options;
    return canDeriveSideBySide(workFactor ?? DEFAULT_WORK_FACTOR) ? open() : this.#inTurn(open);
  }

  /** Derives the key for the next write, unless there is one or one is on its way. */
  #prepareKey(current: Uint8Array): void {
    const passphrase = sealingForm(this.#options.passphrase);
    const workFactor = sealingWorkFactor(current, { ...this.#options, path: this.path });
    const isReady = this.#nextKey !== undefined && this.#nextKey.workFactor >= workFactor;
    if (isReady || this.#deriving !== undefined) {
      return;
    }
    this.#deriving = this.#inTurn(() => {
      this.#sealing += 1;
      return deriveSealingKey(passphrase, workFactor);
    })
      .then((key) => {
        this.#nextKey = key;
      })
      .catch(() => {
        this.#outOfMemory = true;
      })
      .finally(() => {
        this.#deriving = undefined;
      });
  }

  #takeKey(current: Uint8Array): SealingKey {
    const key = this.#nextKey;
    this.#nextKey = undefined;
    const workFactor = sealingWorkFactor(current, { ...this.#options, path: this.path });
    if (key === undefined || key.workFactor < workFactor) {
      key?.wrapKey.fill(0);
      throw busy();
    }
    return key;
  }

  #inTurn<T>(derive: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(derive, derive);
    this.#turn = turn;
    return turn;
  }

  #revisionOf(entries: KeyEntries): number {
    const known = this.#revisions.get(entries);
    if (known !== undefined) {
      return known;
    }
    this.#lastRevision += 1;
    this.#revisions.set(entries, this.#lastRevision);
    return this.#lastRevision;
  }
}

function ignore(): void {
  // Of no interest to anybody who could be told.
}

function busy(): MesaAuthError {
  return new MesaAuthError('STORE_BUSY', 'the unlock agent is deriving a key');
}
