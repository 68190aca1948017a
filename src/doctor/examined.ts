import type { Config } from '../config/config.ts';
import type { Backend, KeyEntries, SecretStore } from '../core/secret-store.ts';
import type { MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import type { StoreDocument } from '../stores/document.ts';

/** What the checks look at. Looking changes nothing. */
export interface Examined {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  /** As `process.versions.node` gives it. */
  readonly nodeVersion: string;
  /** Of mesa, as in package.json. */
  readonly version: string;
  readonly paths: Paths;
  readonly now: Date;
  /** The configuration in force, or why it cannot be read. */
  readonly config: Config | MesaAuthError;
  readonly stores: Readonly<Record<Backend, StoreView>>;
  /**
   * For mending: runs `work` under the lock that guards the data directory and the config file.
   * @throws STORE_BUSY, STORE_UNSAFE, IO
   */
  readonly withLock: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface StoreView {
  readonly store: SecretStore;
  /** Whether there is a file, or anything else, at its place. */
  readonly exists: boolean;
  /** Its keys, or why they cannot be read: LOCKED when no passphrase is at hand. */
  readonly entries: KeyEntries | MesaAuthError;
  /** Whether `store` can be written: it needs no passphrase, or there is one, or somebody to choose that of a new vault. */
  readonly canWrite: () => Promise<boolean>;
  /** The store's document as text, whatever is wrong with it. @throws MesaAuthError */
  readonly readText: () => Promise<string | undefined>;
  /** For mending: see WholeStore.mendText. */
  readonly mendText: (mend: (text: string) => string) => Promise<void>;
  /** Its whole document; undefined when there is none, or when that takes a passphrase that is not at hand. */
  readonly document: () => Promise<StoreDocument | undefined>;
}
