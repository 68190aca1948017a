import { looksSecret } from '../../core/secret-variables.ts';
import { isShown } from '../../core/shown-text.ts';

const KEY_ID = /^key_[A-Za-z0-9]{1,40}$/;

/** Whether the command line of another program may be repeated. */
export function areShown(words: readonly string[]): boolean {
  return (
    words.every(
      (word, index) => isShown(word) && !looksSecret(words[index - 1]?.replace(/^-+/, '') ?? '', word),
    ) && !words.some((word) => /pass|secret|token|auth/i.test(word))
  );
}

/** Whether a word is the id of an API key, which is no secret. */
export function isKeyId(word: string): boolean {
  return KEY_ID.test(word);
}

/** Whether an unknown word may be named in an error: one that looks like a flag or a command. */
export function isHarmless(word: string): boolean {
  return /^(?:-[a-zA-Z]|(?:--)?[a-z][a-z-]{0,23}|(?:-[a-zA-Z], )?--[a-z-]+ <[a-z]+>)$/.test(word);
}
