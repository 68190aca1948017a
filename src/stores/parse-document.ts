import { parseCanonicalDocument } from './canonical-document.ts';
import type { StoreDocument } from './document.ts';

/**
 * Reads a document, in the form that `formatDocument` writes or in any other.
 * @param path the store's file name, for errors
 * @throws STORE_DAMAGED with line and column, never with text of the document: it may be a secret; STORE_VERSION
 */
export async function parseDocument(text: string, path: string): Promise<StoreDocument> {
  const canonical = parseCanonicalDocument(text);
  if (canonical !== undefined) {
    return canonical;
  }
  const { parseEditedDocument } = await import('./edited-document.ts');
  return parseEditedDocument(text, path);
}
