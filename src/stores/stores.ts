import type { Backend, SecretStore } from '../core/secret-store.ts';
import { decodeUtf8, type Looseness, type Warn } from '../platform/private-file.ts';
import type { Paths } from '../platform/paths.ts';
import type { PassphraseSource } from '../vault/passphrase.ts';
import { DocumentStore, StoreFile } from './document-store.ts';
import type { WholeStore } from './store-snapshot.ts';
import type { DocumentCodec } from './document-codec.ts';

export interface StoreOptions {
  readonly paths: Paths;
  /** Asked for when a vault is opened. */
  readonly passphrases: () => Promise<PassphraseSource>;
  /** Whether a vault is opened through the unlock agent where there is one; default no. */
  readonly useAgent?: boolean;
  /** How a vault is opened without the agent; see wholeStoreOf, the default. */
  readonly openWhole?: () => Promise<WholeStore>;
  readonly now: () => Date;
  readonly warn: Warn;
  readonly onLockWait: (holder: number | undefined) => void;
  /** For new vaults; see VaultCodecOptions. */
  readonly workFactor?: number;
  /** See StoreFileOptions. */
  readonly looseness?: Looseness;
}

/** How the stores of a backend are made. The only place that tells backends apart by what they do. */
interface Maker {
  /** For look-ups and changes: the vault's goes through the unlock agent where that is wanted. */
  readonly store: (options: StoreOptions) => Promise<SecretStore>;
  /** The store itself. */
  readonly whole: (options: StoreOptions) => Promise<WholeStore>;
}

const MAKERS: Readonly<Record<Backend, Maker>> = {
  'plaintext-file': { store: plaintextStore, whole: plaintextStore },
  'encrypted-file': {
    store: async (options) => (await import('./vault-stores.ts')).vaultStore(options),
    whole: async (options) => (await import('./vault-stores.ts')).promptedVaultStore(options),
  },
};

/** The store of a backend: for look-ups and changes. Touches nothing until it is used. */
export function storeOf(backend: Backend, options: StoreOptions): Promise<SecretStore> {
  return MAKERS[backend].store(options);
}

/** The store of a backend itself, never through the unlock agent: for what moves whole documents. */
export function wholeStoreOf(backend: Backend, options: StoreOptions): Promise<WholeStore> {
  return MAKERS[backend].whole(options);
}

async function plaintextStore(options: StoreOptions): Promise<DocumentStore> {
  const { now, warn } = options;
  const file = new StoreFile({ ...options, path: options.paths.plaintextStore });
  return new DocumentStore({ backend: 'plaintext-file', file, codec: plaintextCodec(file.path), now, warn });
}

/**
 * The document itself, as UTF-8.
 * @param path the store's file name, for errors
 */
function plaintextCodec(path: string): DocumentCodec {
  return {
    async decode(file) {
      const text = decodeUtf8(file);
      if (text === undefined) {
        const { damagedDocument } = await import('./damaged-document.ts');
        throw damagedDocument(path, '', 'it is not UTF-8 text');
      }
      return text;
    },
    prepareEncode: () => (text) => Promise.resolve(Buffer.from(text)),
  };
}
