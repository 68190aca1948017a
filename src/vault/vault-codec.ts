import { MesaAuthError } from '../errors.ts';
import { decodeUtf8 } from '../platform/private-file.ts';
import { damagedVault, parseVaultHeader, type VaultHeader } from './header.ts';
import { openingForms, sealingForm } from './passphrase.ts';
import {
  canDeriveSideBySide,
  deriveSealingKey,
  deriveWrapKey,
  scryptIdentity,
  scryptRecipient,
  type SealingKey,
} from './scrypt.ts';

export const DEFAULT_WORK_FACTOR = 18;

export interface VaultCodecOptions {
  /** As somebody gave it; opened is with any of its forms, sealed with the first. */
  readonly passphrase: string;
  /** The vault's file name, for errors. */
  readonly path: string;
  /** Base-2 logarithm of scrypt's N for new files; default 18, at most 20. A vault that has more keeps it. */
  readonly workFactor?: number;
}

/**
 * Text to age file and back, with one passphrase. The only importer of age-encryption, which is loaded while a
 * derivation runs. Nothing of a file's text leaves before the file's end is verified.
 */
export class VaultCodec {
  readonly #options: VaultCodecOptions;
  /** Ends, without failing, when the derivation that `prepareEncode` started has ended. */
  #sealing: Promise<unknown> | undefined;

  constructor(options: VaultCodecOptions) {
    this.#options = options;
  }

  /** @throws STORE_FOREIGN, WORK_FACTOR, STORE_DAMAGED, WRONG_PASSPHRASE, or IO when memory is short */
  async decode(file: Uint8Array): Promise<string> {
    const { passphrase, path } = this.#options;
    const header = parseVaultHeader(file, path);
    for (const form of openingForms(passphrase)) {
      const text = await this.#tryForm(file, header, form);
      if (text !== undefined) {
        return text;
      }
    }
    throw wrongPassphrase(path);
  }

  /** Undefined when this form of the passphrase is wrong. */
  async #tryForm(file: Uint8Array, header: VaultHeader, form: string): Promise<string | undefined> {
    const { path } = this.#options;
    const [{ Decrypter }, wrapKey] = await Promise.all([
      import('age-encryption'),
      this.#deriveOpeningKey(form, header),
    ]);
    const identity = scryptIdentity(header, wrapKey);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    try {
      const plain = await collect(await decrypter.decrypt(streamOf(file)));
      const text = decodeUtf8(plain);
      plain.fill(0);
      if (text !== undefined) {
        return text;
      }
    } catch {
      if (identity.rejected) {
        return undefined;
      }
      // The library's own texts ("no identity matched", "invalid tag") are not for users, and it has no codes.
    }
    throw damagedVault(path);
  }

  /** Starts deriving the new file's key at once where there is room beside the derivation that decodes `current`. */
  prepareEncode(current: Uint8Array | undefined, decoding: boolean): (text: string) => Promise<Uint8Array> {
    const passphrase = sealingForm(this.#options.passphrase);
    const workFactor = sealingWorkFactor(current, this.#options);
    const derive = () => deriveSealingKey(passphrase, workFactor);
    const started = !decoding || canDeriveSideBySide(workFactor) ? derive() : undefined;
    // A failure matters only to whoever asks for the key; without this line it would end the process before that.
    this.#sealing = started?.catch(() => undefined);
    return async (text) => {
      // Two at once may need more memory than there is; then one after the other may still do. The library is loaded
      // meanwhile.
      const [key] = await Promise.all([started?.catch(derive) ?? derive(), import('age-encryption')]);
      return sealText(text, key);
    };
  }

  async #deriveOpeningKey(form: string, { salt, workFactor }: VaultHeader): Promise<Buffer> {
    const derive = () => deriveWrapKey(form, salt, workFactor);
    try {
      return await derive();
    } catch (error) {
      if (this.#sealing === undefined) {
        throw error;
      }
      // The other derivation was first to take the memory; it gives it back when it ends.
      await this.#sealing;
      return derive();
    }
  }
}

/** The work factor of the file that replaces `current`: the configured one, or the present one where that is more. */
export function sealingWorkFactor(
  current: Uint8Array | undefined,
  { path, workFactor = DEFAULT_WORK_FACTOR }: Pick<VaultCodecOptions, 'path' | 'workFactor'>,
): number {
  const present = current === undefined ? 0 : parseVaultHeader(current, path).workFactor;
  return Math.max(present, workFactor);
}

/** Text to age file. @param key used up by this */
export async function sealText(text: string, key: SealingKey): Promise<Uint8Array> {
  const { Encrypter, Stanza } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(scryptRecipient(key, Stanza));
  return collect(await encrypter.encrypt(streamOf(Buffer.from(text))));
}

function wrongPassphrase(path: string): MesaAuthError {
  return new MesaAuthError('WRONG_PASSPHRASE', `incorrect passphrase for the vault ${path}`, {
    hint: 'type it again, or check MESA_VAULT_PASSPHRASE',
  });
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

/** All of a stream. The library's own way goes through `Response`, which loads an HTTP client. */
async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  chunks.forEach((chunk) => chunk.fill(0));
  return all;
}
