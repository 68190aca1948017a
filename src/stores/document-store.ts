import {
  isNoChange,
  type Backend,
  type Change,
  type ChangeOutcome,
  type KeyEntries,
  type SecretStore,
} from '../core/secret-store.ts';
import type { Warn } from '../platform/private-file.ts';
import type { DocumentCodec } from './document-codec.ts';
import { EMPTY_DOCUMENT, sortedEntries, unknownEntryNames, type StoreDocument } from './document.ts';
import { parseDocument } from './parse-document.ts';
import type { StoreFile } from './store-file.ts';

export interface DocumentStoreOptions {
  readonly backend: Backend;
  readonly file: StoreFile;
  readonly codec: DocumentCodec;
  readonly now: () => Date;
  readonly warn: Warn;
}

/** A SecretStore over one file that holds one document: both backends, told apart by their codec. */
export class DocumentStore implements SecretStore {
  readonly backend: Backend;
  readonly location: string;
  readonly #options: DocumentStoreOptions;
  /** The last document that was read or written, so that no command decodes the same bytes twice. */
  #last: { readonly bytes: Uint8Array; readonly document: StoreDocument } | undefined;

  constructor(options: DocumentStoreOptions) {
    this.backend = options.backend;
    this.location = options.file.path;
    this.#options = options;
  }

  async read(): Promise<KeyEntries> {
    const { file, warn } = this.#options;
    const bytes = file.read();
    if (bytes === undefined) {
      return new Map();
    }
    const document = await this.#decode(bytes);
    for (const name of unknownEntryNames(document)) {
      warn(`${file.path} has an entry ${name}, which is no scope; it is kept but not used`);
    }
    return sortedEntries(document);
  }

  async apply(changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    const { file, codec, now } = this.#options;
    if (isNoChange(changes, file.read() !== undefined)) {
      return changes.map(() => 'absent');
    }
    // Loaded here because a look-up needs neither.
    const [{ applyChanges }, { formatDocument }] = await Promise.all([
      import('./apply-changes.ts'),
      import('./format-document.ts'),
    ]);
    let outcomes: readonly ChangeOutcome[] = [];
    await file.update(async (bytes) => {
      const known = bytes === undefined || this.#known(bytes) !== undefined;
      const encode = codec.prepareEncode(bytes, !known);
      const current = bytes === undefined ? EMPTY_DOCUMENT : await this.#decode(bytes);
      const applied = applyChanges(current, changes, now());
      outcomes = applied.outcomes;
      const changed = applied.document !== current || (bytes === undefined && changes.length === 0);
      if (!changed) {
        return undefined;
      }
      const next = await encode(await formatDocument(applied.document));
      this.#last = { bytes: next, document: applied.document };
      return next;
    });
    return outcomes;
  }

  async #decode(bytes: Buffer): Promise<StoreDocument> {
    const { file, codec } = this.#options;
    const document = this.#known(bytes) ?? (await parseDocument(await codec.decode(bytes), file.path));
    this.#last = { bytes, document };
    return document;
  }

  #known(bytes: Buffer): StoreDocument | undefined {
    return this.#last !== undefined && bytes.equals(this.#last.bytes) ? this.#last.document : undefined;
  }
}
