import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { availableParallelism } from 'node:os';

import type { Identity, Recipient, Stanza } from 'age-encryption';

import { MesaAuthError } from '../errors.ts';
import { quittingWithoutCore } from '../platform/exposed-memory.ts';
import type { VaultHeader } from './header.ts';

// C2SP age specification, "scrypt recipient stanza": r = 8, p = 1, label before the salt, ChaCha20-Poly1305 under
// an all-zero nonce. The nonce is safe because the salt, and so the key, is fresh for every file key.
const LABEL = Buffer.from('age-encryption.org/v1/scrypt');
const BLOCK_SIZE = 8;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const NONCE = Buffer.alloc(12);
const CIPHER = 'chacha20-poly1305';

/** Memory of one derivation in bytes: 128 * r * N, and scrypt's own small blocks. */
function derivationBytes(workFactor: number): number {
  return 128 * BLOCK_SIZE * (2 ** workFactor + 64);
}

/**
 * Derives the key that wraps a file key, on a thread of the pool: the event loop stays free, so Ctrl-C works.
 * @param workFactor base-2 logarithm of N
 * @throws IO when there is not enough memory
 */
export function deriveWrapKey(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const maxmem = derivationBytes(workFactor);
  const derivation = new Promise<Buffer>((resolve, reject) => {
    const options = { N: 2 ** workFactor, r: BLOCK_SIZE, p: 1, maxmem };
    scrypt(passphrase, Buffer.concat([LABEL, salt]), KEY_BYTES, options, (error, key) => {
      if (error === null) {
        resolve(key);
        return;
      }
      const mebibytes = Math.ceil(maxmem / 1024 / 1024);
      reject(
        new MesaAuthError('IO', `not enough memory for the vault's key derivation (${mebibytes} MiB)`, {
          cause: error,
        }),
      );
    });
  });
  return quittingWithoutCore(derivation);
}

/** Whether two derivations fit side by side: two cores, and memory for both with a third one's worth to spare. */
export function canDeriveSideBySide(workFactor: number): boolean {
  return availableParallelism() > 1 && process.availableMemory() > 3 * derivationBytes(workFactor);
}

/** Whether one derivation fits, with half of one to spare. */
export function canDerive(workFactor: number): boolean {
  return process.availableMemory() > 1.5 * derivationBytes(workFactor);
}

/** What a new file needs: a fresh salt, and the key derived from it. Good for one file key. */
export interface SealingKey {
  readonly salt: Uint8Array;
  readonly workFactor: number;
  readonly wrapKey: Buffer;
}

export async function deriveSealingKey(passphrase: string, workFactor: number): Promise<SealingKey> {
  const salt = randomBytes(SALT_BYTES);
  return { salt, workFactor, wrapKey: await deriveWrapKey(passphrase, salt, workFactor) };
}

/** The stanza of the library; passed in because the library is loaded only while a derivation runs. */
type NewStanza = new (args: string[], body: Uint8Array) => Stanza;

/**
 * An age recipient over a key that was derived ahead of time. It wraps once: a second file key under the same key
 * would reuse the nonce.
 */
export function scryptRecipient(key: SealingKey, newStanza: NewStanza): Recipient {
  let used = false;
  return {
    wrapFileKey(fileKey: Uint8Array): Stanza[] {
      if (used) {
        throw new TypeError('a sealing key wraps one file key only');
      }
      used = true;
      const cipher = createCipheriv(CIPHER, key.wrapKey, NONCE, { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      key.wrapKey.fill(0);
      const salt = Buffer.from(key.salt).toString('base64').replace(/=+$/, '');
      return [new newStanza(['scrypt', salt, String(key.workFactor)], body)];
    },
  };
}

export interface ScryptIdentity extends Identity {
  /** Whether the stanza was well-formed and the derived key did not open it: the passphrase is wrong. */
  readonly rejected: boolean;
}

/**
 * An age identity over the key derived from `header`, which was read from the same file.
 * @param wrapKey zeroed after use
 */
export function scryptIdentity(header: VaultHeader, wrapKey: Buffer): ScryptIdentity {
  let rejected = false;
  return {
    get rejected() {
      return rejected;
    },
    unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
      const [stanza, ...others] = stanzas;
      const [type, salt, factor, ...more] = stanza?.args ?? [];
      const sameHeader =
        type === 'scrypt' &&
        Buffer.from(salt ?? '', 'base64').equals(header.salt) &&
        factor === String(header.workFactor);
      if (
        stanza === undefined ||
        others.length > 0 ||
        more.length > 0 ||
        !sameHeader ||
        stanza.body.length !== 32
      ) {
        throw new Error('the scrypt stanza is malformed');
      }
      const decipher = createDecipheriv(CIPHER, wrapKey, NONCE, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(stanza.body.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(stanza.body.subarray(0, -TAG_BYTES)), decipher.final()]);
      } catch {
        rejected = true;
        return null;
      } finally {
        wrapKey.fill(0);
      }
    },
  };
}
