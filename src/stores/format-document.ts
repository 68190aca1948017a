import { MesaAuthError } from '../errors.ts';
import type { TomlTable } from '../toml/table.ts';
import {
  sameDocument,
  DOCUMENT_VERSION,
  type DocumentEntry,
  type PreviousEntry,
  type StoreDocument,
} from './document.ts';
import type { DocumentComments } from './document-comments.ts';
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

/** The document as TOML: what `parseDocument` reads, in listing order, unknown fields and comments included. */
export async function formatDocument(document: StoreDocument): Promise<string> {
  const hasUnknown =
    document.unknownFields.size > 0 ||
    document.unknownEntries.size > 0 ||
    document.unknownPrevious.size > 0 ||
    [...document.entries.values(), ...document.previous.values()].some((entry) => entry.fields.size > 0);
  const write = hasUnknown ? await import('../toml/full-toml.ts') : undefined;
  const comments = await commentsOf(document);
  const lines: string[] = [];
  const push = (line: string, ...path: readonly string[]): void => {
    const { above, behind } = comments?.of(...path) ?? { above: [], behind: undefined };
    lines.push(...above, behind === undefined ? line : `${line} ${behind}`);
  };
  push(`version = ${DOCUMENT_VERSION}`, 'version');
  // Scalars first: behind a table header they would belong to that table.
  for (const [name, value] of document.unknownFields) {
    push(write?.formatPair(name, value) ?? '', name);
  }
  const addEntries = (
    table: 'keys' | 'previous',
    entries: ReadonlyMap<string, DocumentEntry | PreviousEntry>,
    unknown: TomlTable,
  ): void => {
    if (unknown.size > 0) {
      lines.push('');
      push(`[${table}]`, table);
      for (const [name, value] of unknown) {
        push(write?.formatPair(name, value) ?? '', table, name);
      }
    }
    for (const [name, entry] of entries) {
      const { token, added, api, fields } = entry;
      lines.push('');
      push(`[${table}.${name === 'global' ? name : `"${name}"`}]`, table, name);
      push(`key = ${quoteToml(token.reveal())}`, table, name, 'key');
      if (added !== undefined && !fields.has('added')) {
        push(`added = ${added.toISOString()}`, table, name, 'added');
      }
      if (api !== undefined) {
        push(`api = ${quoteToml(api)}`, table, name, 'api');
      }
      if ('until' in entry) {
        push(`until = ${entry.until.toISOString()}`, table, name, 'until');
      }
      for (const [field, value] of fields) {
        push(write?.formatPair(field, value) ?? '', table, name, field);
      }
    }
  };
  addEntries('keys', document.entries, document.unknownEntries);
  addEntries('previous', document.previous, document.unknownPrevious);
  return `${[...lines, ...(comments?.of().above ?? [])].join('\n')}\n`;
}

/** Undefined for a document of which no text had any. */
async function commentsOf(document: StoreDocument): Promise<DocumentComments | undefined> {
  const { commentTexts = [], unknownEntries, entries } = document;
  if (commentTexts.length === 0) {
    return undefined;
  }
  const comments = new (await import('./document-comments.ts')).DocumentComments(commentTexts);
  if (unknownEntries.size === 0) {
    const [first] = entries.keys();
    comments.withoutKeysHeader(first);
  }
  return comments;
}

/** A basic string. A key is printable ASCII, so two characters need escaping (TOML 1.0, "String"). */
function quoteToml(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
