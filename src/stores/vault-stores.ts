import { agentPlace, hasAgentSocket, type AgentPlace } from '../agent/socket-path.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { AgentClientStore } from './agent-client-store.ts';
import { type WholeStore, StoreFile } from './document-store.ts';
import type { StoreOptions } from './store-options.ts';

/** The vault: through the unlock agent where that is wanted and may be there, else with the passphrase. */
export async function vaultStore(options: StoreOptions): Promise<SecretStore> {
  const { paths, warn, openWhole = () => promptedVaultStore(options) } = options;
  if (options.useAgent !== true) {
    return openWhole();
  }
  const findStore = (open: () => Promise<SecretStore>): SecretStore | undefined => {
    const place = findAgent(options);
    return place && new AgentClientStore({ path: paths.encryptedStore, place, warn, open });
  };
  const takeTurn = async (): Promise<SecretStore> => {
    const vault = await openWhole();
    const { TurnTakingStore } = await import('./turn-taking-store.ts');
    const passphrases = await options.passphrases();
    return new TurnTakingStore({ vault, passphrases, findAgentStore: () => findStore(openWhole) });
  };
  return findStore(takeTurn) ?? takeTurn();
}

/** The vault itself. */
export async function promptedVaultStore(options: StoreOptions): Promise<WholeStore> {
  const file = new StoreFile({ ...options, path: options.paths.encryptedStore });
  // Not needed while an agent answers.
  const { PromptedVaultStore } = await import('./prompted-vault-store.ts');
  return new PromptedVaultStore({ ...options, file, passphrases: await options.passphrases() });
}

/** Where an agent may be listening. Costs a look at the disk; the rest is loaded when there is one. */
function findAgent({ paths, warn }: StoreOptions): AgentPlace | undefined {
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
