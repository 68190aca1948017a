import type { Paths } from '../platform/paths.ts';
import type { Looseness, Warn } from '../platform/private-file.ts';
import type { PassphraseSource } from '../vault/passphrase.ts';
import type { WholeStore } from './document-store.ts';

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
