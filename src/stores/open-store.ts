import type { Backend, SecretStore } from '../core/secret-store.ts';
import type { Paths } from '../platform/paths.ts';
import type { Looseness, Warn } from '../platform/private-file.ts';
import type { PassphraseSource } from '../vault/passphrase.ts';
import { DocumentStore } from './document-store.ts';
import type { WholeStore } from './opened-store.ts';
import { plaintextCodec } from './plaintext-codec.ts';
import { StoreFile } from './store-file.ts';

export interface OpenStoreOptions {
  readonly paths: Paths;
  /** Asked for when a vault is opened. */
  readonly passphrases: () => Promise<PassphraseSource>;
  /** Whether a vault is opened through the unlock agent where there is one; default no. */
  readonly useAgent?: boolean;
  /** How a vault is opened without the agent; see openWholeStore, the default. */
  readonly openWhole?: () => Promise<WholeStore>;
  readonly now: () => Date;
  readonly warn: Warn;
  readonly onLockWait: (holder: number | undefined) => void;
  /** For new vaults; see VaultCodecOptions. */
  readonly workFactor?: number;
  /** See StoreFileOptions. */
  readonly looseness?: Looseness;
}

/** The store of a backend. The only place that tells backends apart. Touches nothing until it is used. */
export async function openStore(backend: Backend, options: OpenStoreOptions): Promise<SecretStore> {
  switch (backend) {
    case 'plaintext-file':
      return openPlaintext(options);
    case 'encrypted-file': {
      const { openVault } = await import('./open-vault.ts');
      return openVault(options);
    }
  }
}

export function openPlaintext(options: OpenStoreOptions): DocumentStore {
  const { now, warn } = options;
  const file = new StoreFile({ ...options, path: options.paths.plaintextStore });
  return new DocumentStore({ backend: 'plaintext-file', file, codec: plaintextCodec(file.path), now, warn });
}
