import { decodeUtf8 } from '../platform/utf8.ts';
import type { DocumentCodec } from './document-codec.ts';

/**
 * The document itself, as UTF-8.
 * @param path the store's file name, for errors
 */
export function plaintextCodec(path: string): DocumentCodec {
  return {
    async decode(file) {
      const text = decodeUtf8(file);
      if (text === undefined) {
        const { damagedDocument } = await import('./damaged-document.ts');
        throw damagedDocument(path, '', 'it is not UTF-8 text');
      }
      return text;
    },
    prepareEncode: () => (text) => Promise.resolve(Buffer.from(text)),
  };
}
