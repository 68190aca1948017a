import {
  isNoChange,
  type Backend,
  type Change,
  type ChangeOutcome,
  type KeyEntries,
} from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Warn } from '../platform/private-file.ts';
import type { DocumentCodec } from './document-codec.ts';
import { EMPTY_DOCUMENT, sortedEntries, unknownEntryNames, type StoreDocument } from './document.ts';
import type { StoreSnapshot, WholeStore } from './store-snapshot.ts';
import { parseDocument } from './read-document.ts';
import type { StoreFile } from './store-file.ts';

export interface DocumentStoreOptions {
  readonly backend: Backend;
  readonly file: StoreFile;
  readonly codec: DocumentCodec;
  readonly now: () => Date;
  readonly warn: Warn;
  /** Shared by stores that follow one another over the same file; one of its own by default. */
  readonly cache?: DocumentCache;
}

/** The last document that was read or written, so that the same bytes are not decoded twice. */
export interface DocumentCache {
  last?: {
    readonly bytes: Uint8Array;
    readonly document: StoreDocument;
    readonly entries: KeyEntries;
  };
}

type Cached = NonNullable<DocumentCache['last']>;

/** A SecretStore over one file that holds one document: both backends, told apart by their codec. */
export class DocumentStore implements WholeStore {
  readonly backend: Backend;
  readonly location: string;
  readonly #options: DocumentStoreOptions;
  readonly #cache: DocumentCache;

  constructor(options: DocumentStoreOptions) {
    this.backend = options.backend;
    this.location = options.file.path;
    this.#options = options;
    this.#cache = options.cache ?? {};
  }

  async read(): Promise<KeyEntries> {
    const { file, warn } = this.#options;
    const bytes = file.read();
    if (bytes === undefined) {
      return new Map();
    }
    const { document, entries } = await this.#decode(bytes);
    for (const name of unknownEntryNames(document)) {
      warn(`${file.path} has an entry ${name}, which is no scope; it is kept but not used`);
    }
    return entries;
  }

  async apply(changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    const { file, codec, now } = this.#options;
    const existed = file.read() !== undefined;
    if (isNoChange(changes, existed)) {
      return changes.map(() => 'absent');
    }
    // Loaded here because a look-up needs neither.
    const [{ applyChanges }, { verifiedText }] = await Promise.all([
      import('./apply-changes.ts'),
      import('./verified-text.ts'),
    ]);
    let outcomes: readonly ChangeOutcome[] = [];
    await file.update(async (bytes) => {
      // Another process may have moved the keys to the other backend: a new store here would be one that nobody uses.
      if (existed && bytes === undefined) {
        throw storeVanished(file.path);
      }
      const known = bytes === undefined || this.#known(bytes) !== undefined;
      const encode = codec.prepareEncode(bytes, !known);
      const current = bytes === undefined ? EMPTY_DOCUMENT : (await this.#decode(bytes)).document;
      const applied = applyChanges(current, changes, now());
      outcomes = applied.outcomes;
      const changed = applied.document !== current || (bytes === undefined && changes.length === 0);
      if (!changed) {
        return undefined;
      }
      const next = await encode(await verifiedText(applied.document, file.path));
      this.#remember(next, applied.document);
      return next;
    });
    return outcomes;
  }

  async snapshot(): Promise<StoreSnapshot> {
    const { backend, file, codec } = this.#options;
    const bytes = file.read();
    const document = bytes === undefined ? EMPTY_DOCUMENT : (await this.#decode(bytes)).document;
    return { backend, file, codec, bytes, document };
  }

  readBytes(): Buffer | undefined {
    return this.#options.file.read();
  }

  /** Writes the document anew, as it is by then, with another codec. */
  async reseal(next: DocumentCodec): Promise<void> {
    const { verifiedText } = await import('./verified-text.ts');
    const { file } = this.#options;
    await file.update(async (bytes) => {
      const encode = next.prepareEncode(bytes, bytes !== undefined && this.#known(bytes) === undefined);
      const document = bytes === undefined ? EMPTY_DOCUMENT : (await this.#decode(bytes)).document;
      return encode(await verifiedText(document, file.path));
    });
  }

  async readText(): Promise<string | undefined> {
    const { file, codec } = this.#options;
    const bytes = file.read();
    return bytes === undefined ? undefined : codec.decode(bytes);
  }

  async mendText(mend: (text: string) => string): Promise<void> {
    const { verifiedText } = await import('./verified-text.ts');
    const { file, codec } = this.#options;
    await file.update(async (bytes) => {
      if (bytes === undefined) {
        throw storeVanished(file.path);
      }
      const encode = codec.prepareEncode(bytes, true);
      const document = await parseDocument(mend(await codec.decode(bytes)), file.path);
      return encode(await verifiedText(document, file.path));
    });
  }

  async #decode(bytes: Buffer): Promise<Cached> {
    const { file, codec } = this.#options;
    return (
      this.#known(bytes) ?? this.#remember(bytes, await parseDocument(await codec.decode(bytes), file.path))
    );
  }

  #known(bytes: Buffer): Cached | undefined {
    const { last } = this.#cache;
    return last !== undefined && bytes.equals(last.bytes) ? last : undefined;
  }

  #remember(bytes: Uint8Array, document: StoreDocument): Cached {
    const cached = { bytes, document, entries: sortedEntries(document) };
    this.#cache.last = cached;
    return cached;
  }
}

/** The error of a writer whose store was there when it looked, and is not any more. */
export function storeVanished(path: string): MesaAuthError {
  return new MesaAuthError('STORE_BUSY', `the store ${path} was removed while this command ran`, {
    hint: 'run the command again',
  });
}
