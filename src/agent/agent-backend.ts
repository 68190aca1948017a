import type { Change, ChangeOutcome, KeyEntries, OnReplaced } from '../core/secret-store.ts';
import type { Warn } from '../platform/private-file.ts';

/** One consistent view of the vault. */
export interface BackendView {
  readonly entries: KeyEntries;
  /** Another document has another one. */
  readonly revision: number;
}

export interface WriteOptions {
  readonly warn: Warn;
  /** Called under the lock. What it throws ends the write, with nothing changed. */
  readonly beforeWriting: () => Promise<void>;
  /** See SecretStore.apply. */
  readonly onReplaced?: OnReplaced;
}

/**
 * The vault that the agent keeps open. Both operations throw as those of SecretStore, and STORE_BUSY at once, instead of
 * making anybody wait for a derivation or for another writer. They resolve to undefined when the file is gone, or when
 * there is no memory to derive a key for it.
 */
export interface AgentBackend {
  /** The file's absolute path. */
  readonly path: string;
  /** How many keys were derived so far. */
  readonly derivations: { readonly opening: number; readonly sealing: number };
  read(warn: Warn): Promise<BackendView | undefined>;
  apply(changes: readonly Change[], options: WriteOptions): Promise<readonly ChangeOutcome[] | undefined>;
}
