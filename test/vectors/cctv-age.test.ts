import { createHash } from 'node:crypto';

import { armor, Decrypter } from 'age-encryption';
import { describe, expect, it } from 'vitest';

import type { ErrorCode } from '../../src/errors.ts';
import { VaultCodec } from '../../src/vault/vault-codec.ts';
import { VECTORS, type Vector } from './cctv.ts';

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

async function decryptWithLibrary(vector: Vector): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  vector.identities.forEach((identity) => decrypter.addIdentity(identity));
  vector.passphrases.forEach((passphrase) => decrypter.addPassphrase(passphrase));
  const file = vector.isArmored ? armor.decode(Buffer.from(vector.file).toString('latin1')) : vector.file;
  return decrypter.decrypt(file);
}

describe('the age library, as the vault uses it', () => {
  it('is given the whole suite', () => {
    expect(VECTORS).toHaveLength(143);
  });

  it.each(VECTORS)('$name: $expect', async (vector) => {
    if (vector.expect === 'success') {
      expect(sha256(await decryptWithLibrary(vector))).toBe(vector.payload);
    } else {
      await expect(decryptWithLibrary(vector)).rejects.toThrow(Error);
    }
  });
});

/** What the vault says to each kind of failure of a binary file with a passphrase. */
const CODES: Readonly<Record<Exclude<Vector['expect'], 'success' | 'armor failure'>, readonly ErrorCode[]>> =
  {
    // Foreign where the stanza is not the passphrase's at all.
    'no match': ['WRONG_PASSPHRASE', 'STORE_FOREIGN'],
    'HMAC failure': ['STORE_DAMAGED'],
    'payload failure': ['STORE_DAMAGED'],
    'header failure': ['STORE_DAMAGED', 'STORE_FOREIGN', 'WORK_FACTOR'],
  };

function isVaultLike(vector: Vector): boolean {
  return vector.passphrases.length > 0 && vector.identities.length === 0 && !vector.isArmored;
}

describe('the vault', () => {
  it.each(VECTORS.filter(isVaultLike))('$name: $expect', async (vector) => {
    const work = new VaultCodec({ passphrase: vector.passphrases[0] ?? '', path: 'vault' }).decode(
      vector.file,
    );
    if (vector.expect === 'success') {
      expect(sha256(await work)).toBe(vector.payload);
    } else if (vector.expect !== 'armor failure') {
      const error: unknown = await work.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(CODES[vector.expect]).toContain((error as { code?: ErrorCode } | undefined)?.code);
    }
  });

  it.each(VECTORS.filter((vector) => !isVaultLike(vector)))(
    '$name is no vault, and no text comes out of it',
    async (vector) => {
      const codec = new VaultCodec({ passphrase: vector.passphrases[0] ?? 'password', path: 'vault' });
      await expect(codec.decode(vector.file)).rejects.toMatchObject({
        code: expect.stringMatching(/^STORE_(?:FOREIGN|DAMAGED)$/),
        exitStatus: 8,
      });
    },
  );
});
