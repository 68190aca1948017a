import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Identity, Recipient, Stanza } from 'age-encryption';

import { MesaAuthError } from '../errors.ts';
import { quittingWithoutCore } from '../platform/exposed-memory.ts';
import { freeMemory } from '../platform/free-memory.ts';
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

const MIB = 1024 * 1024;
/** What the program itself may still take meanwhile, in bytes. */
const SPARE = 16 * MIB;

/** The derivations of this process that have not ended, and what each may take, in bytes. */
const underWay = new Map<Promise<unknown>, number>();

/**
 * Derives the key that wraps a file key, on a thread of the pool: the event loop stays free, so Ctrl-C works. Where memory
 * is short it waits for the other derivations of this process: one after the other needs less.
 * @param workFactor base-2 logarithm of N
 * @throws IO when there is not enough memory, before the kernel would end the process for taking it
 */
export async function deriveWrapKey(
  passphrase: string,
  salt: Uint8Array,
  workFactor: number,
): Promise<Buffer> {
  const maxmem = derivationBytes(workFactor);
  for (;;) {
    const promised = [...underWay.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (promised === 0 || freeMemory().bytes - promised >= maxmem + SPARE) {
      break;
    }
    await Promise.race(underWay.keys());
  }
  assertMemory(workFactor);
  const derivation = new Promise<Buffer>((resolve, reject) => {
    const options = { N: 2 ** workFactor, r: BLOCK_SIZE, p: 1, maxmem };
    scrypt(passphrase, Buffer.concat([LABEL, salt]), KEY_BYTES, options, (error, key) => {
      if (error === null) {
        resolve(key);
        return;
      }
      // A limit of the process, as `ulimit -v`, is seen by nobody before.
      reject(
        new MesaAuthError('IO', `not enough memory for the vault's key derivation (${mebibytes(maxmem)})`, {
          cause: error,
        }),
      );
    });
  });
  const ended = derivation
    .catch(() => undefined)
    .finally(() => {
      underWay.delete(ended);
    });
  underWay.set(ended, maxmem);
  return quittingWithoutCore(derivation);
}

/**
 * Looks whether a derivation fits, so that nobody is asked for a passphrase in vain.
 * @throws IO, naming what is needed and what limits it
 */
export function assertMemory(workFactor: number): void {
  const free = freeMemory();
  const needed = derivationBytes(workFactor);
  if (free.bytes >= needed + SPARE) {
    return;
  }
  const { bytes, limit } = free;
  throw new MesaAuthError(
    'IO',
    `not enough memory for the vault's key derivation: it needs ${mebibytes(needed)}, and ${mebibytes(bytes)} ${
      limit === undefined ? 'are free' : `of the cgroup's limit of ${mebibytes(limit)} are left`
    }`,
    {
      hint:
        limit === undefined
          ? 'end other programs, then run the command again'
          : `raise the limit to ${Math.ceil((limit + needed + SPARE - bytes) / MIB)} MiB or more, then run the command again`,
    },
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

/** Whether two derivations fit side by side: two cores, and memory for both with a third one's worth to spare. */
export function canDeriveSideBySide(workFactor: number): boolean {
  return availableParallelism() > 1 && freeMemory().bytes > 3 * derivationBytes(workFactor);
}

/** Whether one derivation fits, with half of one to spare: it will have to fit tomorrow, too. */
export function canDerive(workFactor: number): boolean {
  return freeMemory().bytes > 1.5 * derivationBytes(workFactor);
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
