import { Decrypter, Encrypter, Stanza } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';

import type { ErrorCode } from '../../../src/errors.ts';
import { parseVaultHeader } from '../../../src/vault/header.ts';
import { deriveSealingKey, scryptRecipient } from '../../../src/vault/scrypt.ts';
import { VaultCodec } from '../../../src/vault/vault-codec.ts';

const PASSPHRASE = 'correct horse battery staple';
const DOCUMENT = 'version = 1\n';

function codec(passphrase = PASSPHRASE, workFactor = 10): VaultCodec {
  return new VaultCodec({ passphrase, path: 'vault', workFactor });
}

function seal(text: string, passphrase?: string, workFactor?: number): Promise<Uint8Array> {
  return codec(passphrase, workFactor).prepareEncode(undefined, false)(text);
}

describe('the vault', () => {
  // The payload is cut into chunks of 64 KiB.
  it.each([0, 1, 65_535, 65_536, 65_537, 200_000])('gives back a document of %s bytes', async (length) => {
    const text = 'x'.repeat(length);
    expect(await codec().decode(await seal(text))).toBe(text);
  });

  it('gives back text of every script', async () => {
    const text = 'key = "\u00e9 \u65e5 \ud83d\ude00 \u0000 \u202e"\r\n';
    expect(await codec().decode(await seal(text))).toBe(text);
  });

  it.each([
    'x',
    ' ',
    'correct horse battery staple ',
    '\u00e9\u65e5\ud83d\ude00',
    'p'.repeat(10_000),
    'a\u0000b',
  ])('opens with exactly the passphrase that closed it (%#)', async (passphrase) => {
    const file = await seal(DOCUMENT, passphrase);
    expect(await codec(passphrase).decode(file)).toBe(DOCUMENT);
    await expect(codec(`${passphrase}x`).decode(file)).rejects.toMatchObject({
      code: 'WRONG_PASSPHRASE',
      exitStatus: 6,
      message: 'incorrect passphrase for the vault vault',
    });
  });

  it.each([
    ['composed', 'caf\u00e9'],
    ['decomposed', 'cafe\u0301'],
    ['with LF behind it', 'caf\u00e9\n'],
    ['decomposed, with CRLF behind it', 'cafe\u0301\r\n'],
  ])(
    'is sealed with one form of a passphrase that came %s, and opens with each of them',
    async (_, given) => {
      const file = await seal(DOCUMENT, given);
      for (const form of ['caf\u00e9', 'cafe\u0301', 'cafe\u0301\n']) {
        expect(await codec(form).decode(file)).toBe(DOCUMENT);
      }
      await expect(codec('cafe').decode(file)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
      await expect(codec('caf\u00e9\n\n').decode(file)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
    },
  );

  it.each(['cafe\u0301', 'caf\u00e9\n', 'secret\r\n', 'caf\u00e9 cafe\u0301'])(
    'opens what was sealed with exactly the bytes that are given (%#), and seals anew with the one form',
    async (passphrase) => {
      const encrypter = new Encrypter();
      encrypter.setPassphrase(passphrase);
      encrypter.setScryptWorkFactor(10);
      const file = await encrypter.encrypt(DOCUMENT);
      expect(await codec(passphrase).decode(file)).toBe(DOCUMENT);
      const decrypter = new Decrypter();
      decrypter.addPassphrase(passphrase.trim().normalize('NFC'));
      expect(await decrypter.decrypt(await seal(DOCUMENT, passphrase), 'text')).toBe(DOCUMENT);
    },
  );

  it('gives no text when what is inside is no text', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(scryptRecipient(await deriveSealingKey(PASSPHRASE, 10), Stanza));
    const file = await encrypter.encrypt(new Uint8Array([0x61, 0xff, 0xfe]));
    await expect(codec().decode(file)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  });

  it('refuses to write over what it could not have opened', async () => {
    expect(() => codec().prepareEncode(Buffer.from('garbage'), true)).toThrow(
      expect.objectContaining({ code: 'STORE_FOREIGN' }),
    );
  });
});

describe('every write', () => {
  it('has a fresh salt and a fresh file key', async () => {
    const present = await seal(DOCUMENT);
    const files = [present];
    for (let index = 0; index < 4; index += 1) {
      files.push(await codec().prepareEncode(present, true)(DOCUMENT));
    }
    const parts = files.map((file) => {
      const text = Buffer.from(file).toString('latin1');
      const [, salt = '', body = '', mac = ''] = /scrypt (\S+) 10\n(\S+)\n--- (\S+)\n/.exec(text) ?? [];
      return [salt, body, mac, text.slice(text.indexOf(mac) + mac.length)];
    });
    expect(new Set(parts.flat()).size).toBe(4 * files.length);
  });

  it.each([
    ['keeps a higher work factor', 12, 10, 12],
    ['raises a lower one', 8, 10, 10],
    ['keeps the same', 10, 10, 10],
  ])('%s', async (_, present, configured, expected) => {
    const file = await seal(DOCUMENT, PASSPHRASE, present);
    const rewritten = await codec(PASSPHRASE, configured).prepareEncode(file, true)(DOCUMENT);
    expect(parseVaultHeader(rewritten, 'vault').workFactor).toBe(expected);
    expect(await codec().decode(rewritten)).toBe(DOCUMENT);
  });

  it('derives a key of its own: one key never wraps twice', async () => {
    const recipient = scryptRecipient(await deriveSealingKey(PASSPHRASE, 10), Stanza);
    expect(recipient.wrapFileKey(new Uint8Array(16))).toHaveLength(1);
    expect(() => recipient.wrapFileKey(new Uint8Array(16))).toThrow(TypeError);
  });
});

/** The code with which each of the files is refused; `opened` where one is not. */
function codesOf(files: readonly Uint8Array[]): Promise<readonly (ErrorCode | 'opened')[]> {
  return Promise.all(
    files.map((file) =>
      codec()
        .decode(file)
        .then(
          () => 'opened' as const,
          (error: unknown) => (error as { code: ErrorCode }).code,
        ),
    ),
  );
}

function flipBit(file: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(file);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

// Every single bit and every length: test/faults/damaged-vault.test.ts.
describe('a vault with a fault', () => {
  let vault: Uint8Array;
  /** Where the wrapped key, the MAC and the payload begin. */
  let parts: { body: number; mac: number; payload: number };

  beforeAll(async () => {
    vault = await codec().prepareEncode(undefined, false)(DOCUMENT);
    const text = Buffer.from(vault).toString('latin1');
    const body = text.indexOf('\n', text.indexOf('scrypt ')) + 1;
    const mac = text.indexOf('\n--- ') + '\n--- '.length;
    parts = { body, mac, payload: text.indexOf('\n', mac) + 1 };
  });

  it('of bytes behind its end, or of another vault behind it, is refused', async () => {
    const longer = [Buffer.concat([vault, Buffer.from([0])]), Buffer.concat([vault, vault])];
    expect(await codesOf(longer)).toEqual(['STORE_DAMAGED', 'STORE_DAMAGED']);
  });

  it('put together from two vaults of the same passphrase is refused', async () => {
    const other = await codec().prepareEncode(undefined, false)(DOCUMENT);
    const mixed = [parts.body, parts.mac, parts.payload, parts.payload + 16].map((at) =>
      Buffer.concat([vault.subarray(0, at), other.subarray(at)]),
    );
    expect(await codesOf(mixed)).toEqual([
      'WRONG_PASSPHRASE',
      'STORE_DAMAGED',
      'STORE_DAMAGED',
      'STORE_DAMAGED',
    ]);
  });

  it('opens once the fault is mended', async () => {
    expect(await codec().decode(flipBit(flipBit(vault, 700), 700))).toBe(DOCUMENT);
  });
});
