import { agentPlace, hasAgentSocket, type AgentPlace } from '../agent/socket-path.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { AgentStore } from './agent-store.ts';
import type { OpenStoreOptions } from './open-store.ts';
import type { WholeStore } from './opened-store.ts';
import { StoreFile } from './store-file.ts';

/** The vault: through the unlock agent where that is wanted and may be there, else with the passphrase. */
export async function openVault(options: OpenStoreOptions): Promise<SecretStore> {
  const { paths, warn, openWhole: open = () => openEncrypted(options) } = options;
  const place = options.useAgent === true ? findAgent(options) : undefined;
  return place === undefined ? open() : new AgentStore({ path: paths.encryptedStore, place, warn, open });
}

/** The vault itself. */
export async function openEncrypted(options: OpenStoreOptions): Promise<WholeStore> {
  const file = new StoreFile({ ...options, path: options.paths.encryptedStore });
  // Not needed while an agent answers.
  const { EncryptedStore } = await import('./encrypted-store.ts');
  return new EncryptedStore({ ...options, file, passphrases: await options.passphrases() });
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
