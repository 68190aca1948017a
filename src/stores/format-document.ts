import { DOCUMENT_VERSION, sortedEntries, type StoreDocument } from './document.ts';

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
  for (const [name, { token, added, api, fields }] of sortedEntries(document)) {
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
