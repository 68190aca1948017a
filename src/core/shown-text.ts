import { quoteText } from './escape-text.ts';
import { isOrgSlug } from './key-scope.ts';

const MAX_LENGTH = 80;
const MAX_PART = 16;
/** Of all digits: dates and numbers have fewer than what was drawn by lot. */
const MAX_DIGITS = 6;
/** Letters of both cases and digits in one word. */
const MIN_MIXED = 6;
const TOKEN_START = /mesa_|eyJ/;

/**
 * Whether what somebody typed may be repeated: people put keys and passphrases in the wrong place. Words of a language,
 * names and numbers are short between their dots and dashes; what was drawn by lot is not.
 */
export function isShown(text: string): boolean {
  if (text.length > MAX_LENGTH || TOKEN_START.test(text)) {
    return false;
  }
  const digits = text.replaceAll(/[^0-9]/g, '').length;
  return digits <= MAX_DIGITS && text.split(/[^A-Za-z0-9]+/).every(isPlainPart);
}

function isPlainPart(part: string): boolean {
  const isMixed = part.length >= MIN_MIXED && /[0-9]/.test(part) && /[a-z]/.test(part) && /[A-Z]/.test(part);
  const changes = part.match(/[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])/g)?.length ?? 0;
  return part.length <= MAX_PART && !isMixed && changes <= 2;
}

/** ` --org acme`, for a hint, where a name was given that is one and may be repeated; else nothing. */
export function givenOrg(org: string | undefined): string {
  return org !== undefined && isOrgSlug(org) && isShown(org) ? ` --org ${org}` : '';
}

/** A value in an error: quoted and escaped, or `what was given` where it may be a secret. */
export function shownValue(text: string): string {
  return isShown(text) ? quoteText(text) : 'what was given';
}

const MAX_NAMED = 4;
const WORD = /^[A-Za-z0-9._/-]{1,80}$/;

/** `a, b, c, d and 3 more`, or `nothing`: a token may name more than anybody wants to read. */
export function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMED).map((name) => (WORD.test(name) ? name : quoteText(name)));
  const more = names.length - shown.length;
  return names.length === 0 ? 'nothing' : `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
