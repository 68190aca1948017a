import { quoteText } from '../core/escape-text.ts';
import type {
  Backend,
  Change,
  ChangeOutcome,
  KeyEntries,
  OnReplaced,
  Replacement,
  SecretStore,
} from '../core/secret-store.ts';
import { errnoOf, MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import { checkPrivateDir, type PrivateDir } from '../platform/private-dir.ts';
import { MAX_PRIVATE_BYTES, readPrivateFile, type Looseness, type Warn } from '../platform/private-file.ts';
import type { DocumentCodec } from './document-codec.ts';
import { EMPTY_DOCUMENT, withoutExpired, type StoreDocument } from './document.ts';
import { parseDocument } from './read-document.ts';

export interface StoreFileOptions {
  readonly path: string;
  readonly paths: Paths;
  readonly warn: Warn;
  readonly onLockWait: (holder: number | undefined) => void;
  /** Milliseconds to wait for the lock; see FileLockOptions. */
  readonly giveUpAfterMs?: number;
  /** Called under the lock before anything is read. What it throws ends the update, with the file as it was. */
  readonly onLocked?: () => Promise<void>;
  /** For reading; default `tighten`. */
  readonly looseness?: Looseness;
}

export type EditBytes = (current: Buffer | undefined) => Promise<Uint8Array | undefined>;

/** The bytes of a store on disk: read without a lock, replaced under one. */
export class StoreFile {
  readonly path: string;
  readonly #options: StoreFileOptions;
  readonly #dir: PrivateDir;

  constructor(options: StoreFileOptions) {
    this.path = options.path;
    this.#options = options;
    this.#dir = { path: options.paths.dataDir, base: options.paths.dataBase };
  }

  /** Undefined when there is no file. @throws STORE_UNSAFE, IO */
  read(): Buffer | undefined {
    const { warn, looseness } = this.#options;
    return checkPrivateDir(this.#dir, warn, looseness)
      ? readPrivateFile(this.path, warn, looseness)
      : undefined;
  }

  /**
   * Reads, lets `edit` decide, and replaces the file, under the lock.
   * @param edit gets the present bytes; undefined from it leaves the file as it is
   * @throws STORE_UNSAFE, STORE_BUSY, IO, and whatever `edit` throws; then the file is as it was
   */
  update(edit: EditBytes): Promise<void> {
    return this.lock(() => this.rewrite(edit));
  }

  /**
   * Runs `work` while no other mesa writes: the lock is one for both stores and for config.toml.
   * @throws STORE_UNSAFE, STORE_BUSY, IO, and whatever `work` throws
   */
  async lock(work: () => Promise<void>): Promise<void> {
    const { paths, warn, onLockWait, giveUpAfterMs, onLocked } = this.#options;
    // Loaded here because a look-up, which only reads, would pay a third of its time for them; the last one for `work`,
    // so that the lock is not held while it is loaded.
    const [{ ensurePrivateDir }, { withFileLock }, { removeStrayTemps }] = await Promise.all([
      import('../platform/create-dirs.ts'),
      import('../platform/file-lock.ts'),
      import('../platform/replace-file.ts'),
    ]);
    ensurePrivateDir(this.#dir, warn);
    const lock = {
      path: paths.lockFile,
      onWait: onLockWait,
      ...(giveUpAfterMs === undefined ? {} : { giveUpAfterMs }),
    };
    await withFileLock(lock, async () => {
      await onLocked?.();
      // Of both stores: a writer of the other one may have been killed, and not be followed by another.
      removeStrayTemps(paths.encryptedStore);
      removeStrayTemps(paths.plaintextStore);
      await work();
    });
  }

  /** As `update`, for the holder of the lock. */
  async rewrite(edit: EditBytes): Promise<void> {
    const { replaceFile } = await import('../platform/replace-file.ts');
    const next = await edit(readPrivateFile(this.path, this.#options.warn));
    if (next !== undefined) {
      assertReadable(this.path, next);
      replaceFile(this.path, next);
    }
  }

  /** Removes the file, durably. For the holder of the lock. @throws IO */
  async remove(): Promise<void> {
    const { removeFile } = await import('../platform/replace-file.ts');
    removeFile(this.path);
  }
}

/** What is written must be read again, and reading has a limit. */
function assertReadable(path: string, content: Uint8Array): void {
  if (content.length > MAX_PRIVATE_BYTES) {
    throw new MesaAuthError(
      'IO',
      `cannot write ${path}: it would be larger than ${MAX_PRIVATE_BYTES / 1024 / 1024} MiB; nothing was changed`,
      { hint: 'remove keys that are no longer used: mesa auth list' },
    );
  }
}

/** A store at one moment, with what it takes to write it: for commands that move whole documents. */
export interface StoreSnapshot {
  readonly backend: Backend;
  readonly file: StoreFile;
  readonly codec: DocumentCodec;
  /** What the file held; undefined when there was none. */
  readonly bytes: Buffer | undefined;
  readonly document: StoreDocument;
}

export interface WholeStore extends SecretStore {
  /**
   * The store at this moment, for reading and writing it as a whole. Where a passphrase is needed it is asked for now, that of a
   * new vault, too, so that no question comes while the lock is held.
   * @throws as SecretStore
   */
  snapshot(): Promise<StoreSnapshot>;

  /** The file as it is, after the checks that need no passphrase; undefined when there is none. @throws as `snapshot` */
  readBytes(): Buffer | undefined;

  /** The document's text, also of one that cannot be read; undefined when there is no file. @throws as `snapshot` */
  readText(): Promise<string | undefined>;

  /**
   * Writes the document that `mend` makes of the text, in one transaction.
   * @throws as `snapshot`, STORE_DAMAGED when that is no document either
   */
  mendText(mend: (text: string) => string): Promise<void>;
}

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
    const { entries, unknownEntries } = (await this.#decode(bytes)).document;
    for (const name of unknownEntries.keys()) {
      warn(`${file.path} has an entry ${quoteText(name)}, which is no scope; it is kept but not used`);
    }
    return entries;
  }

  async apply(changes: readonly Change[], onReplaced?: OnReplaced): Promise<readonly ChangeOutcome[]> {
    const { file, codec, now } = this.#options;
    const existed = file.read() !== undefined;
    if (isNoChange(changes, existed)) {
      return changes.map(() => 'absent');
    }
    // Loaded here because a look-up needs neither.
    const [{ applyChanges }, { verifiedText }] = await Promise.all([
      import('./apply-changes.ts'),
      import('./format-document.ts'),
    ]);
    let outcomes: readonly ChangeOutcome[] = [];
    let replacements: readonly Replacement[] = [];
    const update = file.update(async (bytes) => {
      // Another process may have moved the keys to the other backend: a new store here would be one that nobody uses.
      if (existed && bytes === undefined) {
        throw storeVanished(file.path);
      }
      const known = bytes === undefined || this.#known(bytes) !== undefined;
      const encode = codec.prepareEncode(bytes, !known);
      const current = bytes === undefined ? EMPTY_DOCUMENT : (await this.#decode(bytes)).document;
      const applied = applyChanges(current, changes, now());
      ({ outcomes, replacements } = applied);
      const changed = applied.document !== current || (bytes === undefined && changes.length === 0);
      if (!changed) {
        return undefined;
      }
      const text = await verifiedText(applied.document, file.path);
      const next = await encode(text);
      // Without comments about keys that are gone.
      const commentTexts = applied.document.commentTexts === undefined ? undefined : [text];
      this.#remember(next, { ...applied.document, commentTexts });
      return next;
    });
    try {
      await update;
    } catch (error) {
      outcomes = (await this.#outcomesWithoutWriting(changes, error)) ?? raise(error);
    }
    replacements.forEach((replacement) => onReplaced?.(replacement));
    return outcomes;
  }

  /** Where nothing can be written, setting what is there already needs nothing to be. Undefined for any other change. */
  async #outcomesWithoutWriting(
    changes: readonly Change[],
    error: unknown,
  ): Promise<readonly ChangeOutcome[] | undefined> {
    const isReadOnly =
      error instanceof MesaAuthError && ['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error.cause) ?? '');
    const bytes = isReadOnly && changes.every(({ kind }) => kind === 'set') ? this.readBytes() : undefined;
    if (bytes === undefined) {
      return undefined;
    }
    const { applyChanges } = await import('./apply-changes.ts');
    const { outcomes } = applyChanges((await this.#decode(bytes)).document, changes, this.#options.now());
    return outcomes.every((outcome) => outcome === 'unchanged') ? outcomes : undefined;
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
    const { verifiedText } = await import('./format-document.ts');
    const { file, now } = this.#options;
    await file.update(async (bytes) => {
      const encode = next.prepareEncode(bytes, bytes !== undefined && this.#known(bytes) === undefined);
      const document = bytes === undefined ? EMPTY_DOCUMENT : (await this.#decode(bytes)).document;
      return encode(await verifiedText(withoutExpired(document, now()), file.path));
    });
  }

  async readText(): Promise<string | undefined> {
    const { file, codec } = this.#options;
    const bytes = file.read();
    return bytes === undefined ? undefined : codec.decode(bytes);
  }

  async mendText(mend: (text: string) => string): Promise<void> {
    const { verifiedText } = await import('./format-document.ts');
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
    this.#cache.last = { bytes, document };
    return this.#cache.last;
  }
}

function raise(error: unknown): never {
  throw error;
}

/** The error of a writer whose store was there when it looked, and is not any more. */
export function storeVanished(path: string): MesaAuthError {
  return new MesaAuthError('STORE_BUSY', `the store ${path} was removed while this command ran`, {
    hint: 'run the command again',
  });
}

/** Whether `changes` leave a store as it is, judging by its existence alone. */
export function isNoChange(changes: readonly Change[], exists: boolean): boolean {
  return changes.length === 0 ? exists : !exists && changes.every((change) => change.kind !== 'set');
}
