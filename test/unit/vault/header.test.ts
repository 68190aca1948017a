import { describe, expect, it } from 'vitest';

import { parseVaultHeader } from '../../../src/vault/header.ts';

const PATH = '/home/a/it is/secrets.vault.age';
const SALT = Buffer.from('0123456789abcdef').toString('base64').slice(0, 22);
const BODY = 'B'.repeat(43);
const MAC = 'M'.repeat(43);

/** A header whose scrypt stanza has these arguments. */
function header(stanza: string): string {
  return `age-encryption.org/v1\n-> ${stanza}\n${BODY}\n--- ${MAC}\nrest of the file`;
}

describe('the header of a vault', () => {
  it.each([1, 2, 9, 10, 18, 20])('tells salt and work factor %s', (workFactor) => {
    const parsed = parseVaultHeader(Buffer.from(header(`scrypt ${SALT} ${workFactor}`)), PATH);
    expect(parsed.workFactor).toBe(workFactor);
    expect(Buffer.from(parsed.salt).toString()).toBe('0123456789abcdef');
  });
});

// This is all synchronous, so no key can have been derived before the refusal.
describe('a file that is no vault is refused at sight:', () => {
  it.each([
    ['work factor 21', header(`scrypt ${SALT} 21`), 'WORK_FACTOR', 'asks for a work factor above 20'],
    ['work factor 62', header(`scrypt ${SALT} 62`), 'WORK_FACTOR', 'asks for a work factor above 20'],
    ['three digits', header(`scrypt ${SALT} 100`), 'WORK_FACTOR', 'asks for a work factor above 20'],
    [
      '400 digits',
      header(`scrypt ${SALT} ${'9'.repeat(400)}`),
      'WORK_FACTOR',
      'asks for a work factor above 20',
    ],
    ['work factor 0', header(`scrypt ${SALT} 0`), 'STORE_DAMAGED', 'is damaged'],
    ['a leading zero', header(`scrypt ${SALT} 018`), 'STORE_DAMAGED', 'is damaged'],
    ['a sign', header(`scrypt ${SALT} +18`), 'STORE_DAMAGED', 'is damaged'],
    ['a hexadecimal', header(`scrypt ${SALT} 0x12`), 'STORE_DAMAGED', 'is damaged'],
    ['no work factor', header(`scrypt ${SALT}`), 'STORE_DAMAGED', 'is damaged'],
    ['one argument more', header(`scrypt ${SALT} 18 18`), 'STORE_DAMAGED', 'is damaged'],
    ['a short salt', header(`scrypt ${SALT.slice(1)} 18`), 'STORE_DAMAGED', 'is damaged'],
    ['a salt with loose bits', header(`scrypt ${SALT.slice(0, -1)}B 18`), 'STORE_DAMAGED', 'is damaged'],
    ['a padded salt', header(`scrypt ${SALT}== 18`), 'STORE_DAMAGED', 'is damaged'],
    ['a second stanza', header(`scrypt ${SALT} 18\n${BODY}\n-> x y`), 'STORE_DAMAGED', 'is damaged'],
    ['CRLF', header(`scrypt ${SALT} 18`).replaceAll('\n', '\r\n'), 'STORE_FOREIGN', 'an unknown version'],
    ['20,000 stanzas', header(`scrypt ${'-> a b\n\n'.repeat(20_000)}`), 'STORE_DAMAGED', 'is damaged'],
    [
      'an endless line',
      `age-encryption.org/v1\n-> scrypt ${'A'.repeat(8 * 1024 * 1024)}`,
      'STORE_DAMAGED',
      'is damaged',
    ],
    ['its first line alone', 'age-encryption.org/v1\n', 'STORE_DAMAGED', 'is damaged'],
    ['no MAC', header(`scrypt ${SALT} 18`).slice(0, 100), 'STORE_DAMAGED', 'is damaged'],
    ['an X25519 recipient', header(`X25519 ${BODY}`), 'STORE_FOREIGN', 'is encrypted to an age recipient'],
    [
      'an SSH recipient',
      header(`ssh-ed25519 abcd ${BODY}`),
      'STORE_FOREIGN',
      'is encrypted to an age recipient',
    ],
    [
      'a later age',
      header(`scrypt ${SALT} 18`).replace('/v1', '/v2'),
      'STORE_FOREIGN',
      'an age file of an unknown version',
    ],
    ['armor', `-----BEGIN AGE ENCRYPTED FILE-----\n${BODY}\n`, 'STORE_FOREIGN', 'is an armored age file'],
    [
      'the plain document',
      'version = 1\n\n[keys.global]\nkey = "mesa_secret"\n',
      'STORE_FOREIGN',
      'is not an age file',
    ],
    ['zeros', '\u0000'.repeat(4096), 'STORE_FOREIGN', 'is not an age file'],
    ['nothing', '', 'STORE_DAMAGED', 'is empty'],
  ])('%s', (_, content, code, message) => {
    expect(() => parseVaultHeader(Buffer.from(content), PATH)).toThrow(
      expect.objectContaining({
        code,
        exitStatus: 8,
        message: expect.stringMatching(new RegExp(`${PATH}.*${message}`)),
        hint: expect.not.stringContaining('mesa_secret'),
      }),
    );
  });

  it('and what to type next is fit for a shell', () => {
    expect(() => parseVaultHeader(Buffer.alloc(0), PATH)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`rm '${PATH}'`) }),
    );
  });
});
