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
import {
  applyChanges,
  EMPTY_DOCUMENT,
  formatDocument,
  listEntries,
  parseDocument,
  unknownEntryNames,
} from './document.ts';
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

  constructor(options: DocumentStoreOptions) {
    this.backend = options.backend;
    this.location = options.file.path;
    this.#options = options;
  }

  async read(): Promise<KeyEntries> {
    const { file, codec, warn } = this.#options;
    const bytes = file.read();
    if (bytes === undefined) {
      return new Map();
    }
    const document = await parseDocument(await codec.decode(bytes), file.path);
    for (const name of unknownEntryNames(document)) {
      warn(`${file.path} has an entry ${name}, which is no scope; it is kept but not used`);
    }
    return listEntries(document);
  }

  async apply(changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    const { file, codec, now } = this.#options;
    if (isNoChange(changes, file.read() !== undefined)) {
      return changes.map(() => 'absent');
    }
    let outcomes: readonly ChangeOutcome[] = [];
    await file.update(async (bytes) => {
      const encode = codec.prepareEncode(bytes);
      const current =
        bytes === undefined ? EMPTY_DOCUMENT : await parseDocument(await codec.decode(bytes), file.path);
      const applied = applyChanges(current, changes, now());
      outcomes = applied.outcomes;
      const changed = applied.document !== current || (bytes === undefined && changes.length === 0);
      return changed ? encode(await formatDocument(applied.document)) : undefined;
    });
    return outcomes;
  }
}
