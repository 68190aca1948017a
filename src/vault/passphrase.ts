import { dropLineEnd } from '../core/incoming-key.ts';
import { MesaAuthError } from '../errors.ts';

export const MIN_PASSPHRASE_LENGTH = 12;
export const GENERATED_WORDS = 6;

export interface Passphrase {
  readonly text: string;
  /** Whether it was typed: then a wrong one is worth another question. */
  readonly typed: boolean;
  /** Whether it may protect a new vault: one that was typed once, to open, may hold a slip of the finger. */
  readonly mayCreate: boolean;
  /** It was typed for something else: that it is wrong is nobody's mistake. */
  readonly guessed?: true;
}

/** Where a passphrase comes from. */
export interface PassphraseSource {
  /**
   * @param attempt from 1; above 1 the one before was wrong
   * @throws LOCKED when there is nobody to ask, INTERRUPTED
   */
  toOpen(attempt: number): Promise<Passphrase>;
  /** For a new vault: typed twice, or generated. @throws LOCKED, INTERRUPTED */
  toCreate(): Promise<Passphrase>;
  /**
   * Waits for the turn to ask, where there would be a question: whoever had it before may have made that needless.
   * @returns whether there would be one
   */
  takeTurn?(): Promise<boolean>;
  /** Told that nothing is asked, or that no other passphrase is asked for: the terminal is given back. */
  giveUp?(): Promise<void>;
  /** Told once that the passphrase opened the vault, or that a vault was made with it. Does not reject. */
  accepted?(passphrase: Passphrase): Promise<void>;
}

/** Where passphrases come from: the environment, a person, or what was just made. */
export interface Passphrases extends PassphraseSource {
  /** Before the question for the vault's passphrase, this one is tried: somebody typed it for something else. */
  suggest(text: string): void;
  /**
   * How long the vault stays unlocked after its passphrase was typed, instead of what the configuration says.
   * @param milliseconds undefined for not at all
   */
  unlockFor(milliseconds: number | undefined): void;
}

/** The form of a passphrase that seals: NFC, without one LF or CRLF at its end, which files and variables have. */
export function sealingForm(text: string): string {
  return dropLineEnd(text).normalize('NFC');
}

/**
 * What is tried to open with, in order: the form that seals; NFD, as some systems type; and the text as it is, for what was
 * sealed by other programs or before there were forms. One for most passphrases, since each costs a derivation.
 */
export function openingForms(text: string): readonly string[] {
  return [...new Set([sealingForm(text), dropLineEnd(text).normalize('NFD'), text])];
}

/** Why a passphrase may not protect a new vault, or undefined when it may. Length is counted in characters of NFC. */
export function describePassphraseProblem(text: string): string | undefined {
  const form = sealingForm(text);
  if (form.trim() === '') {
    return 'the passphrase is empty';
  }
  return Array.from(form).length < MIN_PASSPHRASE_LENGTH
    ? `use at least ${MIN_PASSPHRASE_LENGTH} characters`
    : undefined;
}

/** The error of a locked vault without anybody to ask. */
export function vaultLocked(path: string): MesaAuthError {
  return new MesaAuthError(
    'LOCKED',
    `the vault ${path} needs its passphrase, and there is nobody to ask for it`,
    {
      hint: 'set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y',
    },
  );
}
