const MAX_SHOWN = 80;

// C0, DEL, C1, and what changes the look of a line without being seen: soft hyphen, zero-width and
// bidirectional controls, line and paragraph separators, byte order mark, tags, lone surrogates.
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\p{Cs}]/gu;

const PLAIN = /^[ -~]*$/;

/**
 * Makes text of foreign origin (a store, a file name, a flag) safe for a terminal: whatever could move the
 * cursor, reorder or hide text becomes `\u{...}`. Nothing else changes.
 */
export function escapeText(text: string): string {
  if (PLAIN.test(text)) {
    return text;
  }
  return text.replace(UNSAFE, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Escaped, and cut to 80 characters with an ellipsis: for text that somebody else chose, inside an error. */
export function quoteText(text: string): string {
  const chars = Array.from(text.slice(0, (MAX_SHOWN + 1) * 2));
  const cut = chars.length > MAX_SHOWN;
  return `'${escapeText(chars.slice(0, MAX_SHOWN).join(''))}${cut ? '…' : ''}'`;
}

/** A path or name as one word of a POSIX shell, for commands in hints. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_/.:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
