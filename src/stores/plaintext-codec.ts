import { MesaAuthError } from '../errors.ts';
import { decodeUtf8 } from '../platform/utf8.ts';
import type { DocumentCodec } from './document-codec.ts';

/**
 * The document itself, as UTF-8.
 * @param path the store's file name, for errors
 */
export function plaintextCodec(path: string): DocumentCodec {
  return {
    decode(file) {
      const text = decodeUtf8(file);
      if (text === undefined) {
        throw new MesaAuthError(
          'STORE_DAMAGED',
          `the secret store ${path} is damaged: it is not UTF-8 text`,
          {
            hint: 'mend it by hand or restore it from a backup; mesa has not changed it',
          },
        );
      }
      return Promise.resolve(text);
    },
    prepareEncode: () => (text) => Promise.resolve(Buffer.from(text)),
  };
}
