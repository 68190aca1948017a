import { MesaAuthError } from '../errors.ts';
import { sameDocument, DOCUMENT_VERSION, type StoreDocument } from './document.ts';
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

/** The document as TOML: what `parseDocument` reads, in listing order, unknown fields included. */
export async function formatDocument(document: StoreDocument): Promise<string> {
  const hasUnknown =
    document.unknownFields.size > 0 ||
    document.unknownEntries.size > 0 ||
    [...document.entries.values()].some((entry) => entry.fields.size > 0);
  const write = hasUnknown ? await import('../toml/full-toml.ts') : undefined;
  const lines = [`version = ${DOCUMENT_VERSION}`];
  // Scalars first: behind a table header they would belong to that table.
  for (const [name, value] of document.unknownFields) {
    lines.push(write?.formatPair(name, value) ?? '');
  }
  if (document.unknownEntries.size > 0) {
    lines.push('', '[keys]');
    for (const [name, value] of document.unknownEntries) {
      lines.push(write?.formatPair(name, value) ?? '');
    }
  }
  for (const [name, { token, added, api, fields }] of document.entries) {
    lines.push('', `[keys.${name === 'global' ? name : `"${name}"`}]`, `key = ${quoteToml(token.reveal())}`);
    if (added !== undefined && !fields.has('added')) {
      lines.push(`added = ${added.toISOString()}`);
    }
    if (api !== undefined) {
      lines.push(`api = ${quoteToml(api)}`);
    }
    for (const [field, value] of fields) {
      lines.push(write?.formatPair(field, value) ?? '');
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A basic string. A key is printable ASCII, so two characters need escaping (TOML 1.0, "String"). */
function quoteToml(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
