import { MesaAuthError } from '../errors.ts';
import { sameDocument } from './compare-documents.ts';
import type { StoreDocument } from './document.ts';
import { formatDocument } from './format-document.ts';
import { parseDocument } from './read-document.ts';

/**
 * The document as text that is known to be read again as the same document: what a store writes. Whatever led to a value
 * that has no form in TOML, the file stays as it is.
 * @param path the store's file name, for errors
 * @throws STORE_DAMAGED when it would not be read again
 */
export async function verifiedText(document: StoreDocument, path: string): Promise<string> {
  const text = await formatDocument(document);
  if (!(await isReadAs(text, document, path))) {
    throw new MesaAuthError(
      'STORE_DAMAGED',
      `what was to be written to ${path} could not be read again; nothing was changed`,
      { hint: 'mesa auth doctor' },
    );
  }
  return text;
}

async function isReadAs(text: string, document: StoreDocument, path: string): Promise<boolean> {
  try {
    return sameDocument(await parseDocument(text, path), document);
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return false;
  }
}
