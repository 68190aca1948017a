import { beforeAll, describe, expect, it } from 'vitest';

import type { ErrorCode } from '../../../src/errors.ts';
import { VaultCodec } from '../../../src/vault/vault-codec.ts';

const PASSPHRASE = 'correct horse battery staple';
const DOCUMENT = 'version = 1\n';
const SIDE_BY_SIDE = 8;

function codec(): VaultCodec {
  return new VaultCodec({ passphrase: PASSPHRASE, path: 'vault', workFactor: 10 });
}

/** The code with which each of the files is refused; `opened` where one is not. */
async function codesOf(files: readonly Uint8Array[]): Promise<readonly (ErrorCode | 'opened')[]> {
  const codes: (ErrorCode | 'opened')[] = [];
  for (let index = 0; index < files.length; index += SIDE_BY_SIDE) {
    const batch = files.slice(index, index + SIDE_BY_SIDE).map((file) =>
      codec()
        .decode(file)
        .then(
          () => 'opened' as const,
          (error: unknown) => (error as { code: ErrorCode }).code,
        ),
    );
    codes.push(...(await Promise.all(batch)));
  }
  return codes;
}

function flipBit(file: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(file);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe('a vault with a fault', () => {
  let vault: Uint8Array;
  /** Where the salt, the work factor, the wrapped key, the MAC and the payload begin. */
  let parts: { salt: number; workFactor: number; body: number; mac: number; payload: number };

  beforeAll(async () => {
    vault = await codec().prepareEncode(undefined, false)(DOCUMENT);
    const text = Buffer.from(vault).toString('latin1');
    const salt = text.indexOf('scrypt ') + 'scrypt '.length;
    const body = text.indexOf('\n', salt) + 1;
    const mac = text.indexOf('\n--- ') + '\n--- '.length;
    parts = { salt, workFactor: salt + 23, body, mac, payload: text.indexOf('\n', mac) + 1 };
  });

  it('of one bit anywhere gives one of the documented errors, and never its text', async () => {
    const flipped = Array.from({ length: vault.length * 8 }, (_, bit) => flipBit(vault, bit));
    const codes = await codesOf(flipped);
    const seen = (from: number, to: number): readonly string[] =>
      [...new Set(codes.slice(from * 8, to * 8))].toSorted();
    expect(seen(0, parts.salt - 10)).toEqual(['STORE_FOREIGN']);
    // Another salt or wrapped key cannot be told from another passphrase.
    expect(seen(parts.salt, parts.workFactor - 1)).toEqual(['STORE_DAMAGED', 'WRONG_PASSPHRASE']);
    expect(seen(parts.workFactor, parts.body)).toEqual(['STORE_DAMAGED', 'WORK_FACTOR', 'WRONG_PASSPHRASE']);
    expect(seen(parts.body, parts.mac - 5)).toEqual(['STORE_DAMAGED', 'WRONG_PASSPHRASE']);
    expect(seen(parts.mac, vault.length)).toEqual(['STORE_DAMAGED']);
    expect(codes).not.toContain('opened');
    expect(codes).not.toContain(undefined);
  });

  it('cut off anywhere gives one of the documented errors, and never its text', async () => {
    const cut = Array.from({ length: vault.length }, (_, length) => vault.subarray(0, length));
    const codes = await codesOf(cut);
    const firstLine = 'age-encryption.org/v1\n'.length;
    expect(codes[0]).toBe('STORE_DAMAGED');
    expect([...new Set(codes.slice(1, firstLine))]).toEqual(['STORE_FOREIGN']);
    // `-> s` may still become anything.
    const stanza = codes.slice(firstLine, parts.salt);
    expect(stanza.every((code) => code === 'STORE_DAMAGED' || code === 'STORE_FOREIGN')).toBe(true);
    expect([...new Set(codes.slice(parts.salt))]).toEqual(['STORE_DAMAGED']);
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
