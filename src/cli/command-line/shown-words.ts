import { looksSecret } from '../../core/secret-variables.ts';

const MAX_LENGTH = 80;
const MAX_PART = 16;
/** Of all digits: dates and numbers have fewer than what was drawn by lot. */
const MAX_DIGITS = 6;
const TOKEN_START = /mesa_|eyJ/;
const KEY_ID = /^key_[A-Za-z0-9]{1,40}$/;

/**
 * Whether a word of a command line may be repeated: people put keys and passphrases in the wrong place. Words of a
 * language, names and numbers are short between their dots and dashes; what was drawn by lot is not.
 */
export function isShown(word: string): boolean {
  if (word.length > MAX_LENGTH || TOKEN_START.test(word) || !/^[ -~]*$/.test(word)) {
    return false;
  }
  const digits = word.replaceAll(/[^0-9]/g, '').length;
  return digits <= MAX_DIGITS && word.split(/[^A-Za-z0-9]+/).every(isPlainPart);
}

function isPlainPart(part: string): boolean {
  const isMixed = /[0-9]/.test(part) && /[a-z]/.test(part) && /[A-Z]/.test(part);
  const changes = part.match(/[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])/g)?.length ?? 0;
  return part.length <= MAX_PART && !isMixed && changes <= 2;
}

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
