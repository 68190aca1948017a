import { agentPlace, hasAgentSocket, type AgentPlace } from '../agent/socket-path.ts';
import type { Backend, SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import type { Warn } from '../platform/private-file.ts';
import type { PassphraseSource } from '../vault/passphrase.ts';
import { DocumentStore } from './document-store.ts';
import { plaintextCodec } from './plaintext-codec.ts';
import { StoreFile } from './store-file.ts';

export interface OpenStoreOptions {
  readonly paths: Paths;
  /** Asked for when a vault is opened. */
  readonly passphrases: () => Promise<PassphraseSource>;
  /** Whether a vault is opened through the unlock agent where there is one; default no. */
  readonly useAgent?: boolean;
  readonly now: () => Date;
  readonly warn: Warn;
  readonly onLockWait: (holder: number | undefined) => void;
  /** For new vaults; see VaultCodecOptions. */
  readonly workFactor?: number;
}

async function openEncrypted(options: OpenStoreOptions): Promise<SecretStore> {
  const { paths, warn, onLockWait, passphrases } = options;
  const file = new StoreFile({ path: paths.encryptedStore, paths, warn, onLockWait });
  const { EncryptedStore } = await import('./encrypted-store.ts');
  return new EncryptedStore({ ...options, file, passphrases: await passphrases() });
}

/** Where an agent may be listening. Costs a look at the disk; the rest is loaded when there is one. */
function findAgent({ paths, warn }: OpenStoreOptions): AgentPlace | undefined {
  const place = agentPlace(paths);
  try {
    return hasAgentSocket(place) ? place : undefined;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    warn(`${error.message}; the unlock agent is not used`);
    return undefined;
  }
}

/** The store of a backend. The only place that tells backends apart. Touches nothing until it is used. */
export async function openStore(backend: Backend, options: OpenStoreOptions): Promise<SecretStore> {
  const { paths, warn, onLockWait, now } = options;
  switch (backend) {
    case 'plaintext-file': {
      const file = new StoreFile({ path: paths.plaintextStore, paths, warn, onLockWait });
      return new DocumentStore({ backend, file, codec: plaintextCodec(file.path), now, warn });
    }
    case 'encrypted-file': {
      const place = options.useAgent === true ? findAgent(options) : undefined;
      if (place === undefined) {
        return openEncrypted(options);
      }
      const { AgentStore } = await import('./agent-store.ts');
      return new AgentStore({ path: paths.encryptedStore, place, warn, open: () => openEncrypted(options) });
    }
  }
}
