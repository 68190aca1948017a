import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Before every sealed value, so that another method can follow. */
const VERSION = 1;

/** What the master key does. It is never itself used for a value: each purpose has a key of its own (HKDF, RFC 5869). */
export interface Sealer {
  /** AES-256-GCM. `context` is not stored, but opening needs the same: a value that was moved to another row stays shut. */
  seal(plaintext: string, context: string): Buffer;
  /** @throws Error when it was not sealed by this master key for this context, or was changed */
  open(sealed: Uint8Array, context: string): string;
  /** 32 bytes by which an API key is found; without the master key they say nothing about it. */
  digest(apiKey: string): Buffer;
  /** Tells whether a database was made with this master key. */
  readonly fingerprint: string;
}

/** @param masterKey 32 random bytes */
export function createSealer(masterKey: Uint8Array): Sealer {
  const derive = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', `mesa-authority ${purpose}`, 32)));
  const sealingKey = derive('seal v1');
  const digestKey = derive('digest v1');
  return {
    fingerprint: derive('fingerprint v1').export().toString('base64url'),
    digest: (apiKey) => createHmac('sha256', digestKey).update(apiKey, 'utf8').digest(),
    seal: (plaintext, context) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', sealingKey, iv).setAAD(Buffer.from(context, 'utf8'));
      const body = [cipher.update(plaintext, 'utf8'), cipher.final()];
      return Buffer.concat([Buffer.of(VERSION), iv, ...body, cipher.getAuthTag()]);
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < 1 + IV_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
        throw new Error('a sealed value is damaged');
      }
      const iv = bytes.subarray(1, 1 + IV_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', sealingKey, iv, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(context, 'utf8'))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      return (
        decipher.update(bytes.subarray(1 + IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    },
  };
}
