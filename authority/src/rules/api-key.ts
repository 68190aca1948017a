import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 30;
const CHECKSUM_LENGTH = 6;
const SHAPE = /^mesa_([0-9A-Za-z]{30})([0-9A-Za-z]{6})$/;

/** A new API key: `mesa_`, 30 random base62 characters (178 bits), and their CRC32 in 6, so that scanners can be sure. */
export function generateApiKey(): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `mesa_${random}${checksum(random)}`;
}

/** Whether `text` may be an API key: one with a wrong checksum was mistyped or made up, and needs no look-up. */
export function isApiKey(text: string): boolean {
  const [, random, sum] = SHAPE.exec(text) ?? [];
  return random !== undefined && checksum(random) === sum;
}

/** As GitHub's tokens have it: base62, most significant digit first, padded with zeros. */
function checksum(random: string): string {
  let rest = crc32(random);
  let digits = '';
  while (digits.length < CHECKSUM_LENGTH) {
    digits = (ALPHABET[rest % ALPHABET.length] ?? '') + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
