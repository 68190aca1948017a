/** A name in `[secrets]` that nobody reads. */
export interface UnknownSetting {
  /** Of foreign origin. */
  readonly name: string;
  /** Its line in the file, from 1. */
  readonly line: number | undefined;
  /** The setting that may be meant. */
  readonly meant: string | undefined;
}

/** Every name that `[secrets]` may hold. */
export const SETTINGS: readonly string[] = ['backend', 'unlock-timeout', 'org', 'keep-replaced', 'audit'];
