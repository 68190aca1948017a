import { MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import { checkPrivateDir, type PrivateDir } from '../platform/private-dir.ts';
import { MAX_PRIVATE_BYTES, readPrivateFile, type Looseness, type Warn } from '../platform/private-file.ts';

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
