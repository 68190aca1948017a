import type { Backend } from '../core/secret-store.ts';
import { openPlaintext, type OpenStoreOptions } from './open-store.ts';
import { openEncrypted } from './open-vault.ts';
import type { WholeStore } from './opened-store.ts';

/** The store of a backend itself, never through the unlock agent. Touches nothing until it is used. */
export async function openWholeStore(backend: Backend, options: OpenStoreOptions): Promise<WholeStore> {
  return backend === 'plaintext-file' ? openPlaintext(options) : openEncrypted(options);
}
