import { beforeAll, describe, expect, it } from 'vitest';

import type { ErrorCode } from '../../../src/errors.ts';
import { VaultCodec } from '../../../src/vault/vault-codec.ts';

const PASSPHRASE = 'correct horse battery staple';
const DOCUMENT = 'version = 1\n';

function codec(): VaultCodec {
  return new VaultCodec({ passphrase: PASSPHRASE, path: 'vault', workFactor: 10 });
}

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
