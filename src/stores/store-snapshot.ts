import type { Backend, SecretStore } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { DocumentCodec } from './document-codec.ts';
import type { StoreDocument } from './document.ts';
import { parseDocument } from './read-document.ts';
import type { StoreFile } from './document-store.ts';
import { verifiedText } from './format-document.ts';

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

/** Opens a store of which there was no file when the command looked. @throws as `snapshot`, STORE_BUSY */
export async function snapshotOfNew(store: WholeStore): Promise<StoreSnapshot> {
  const opened = await store.snapshot();
  assertSame({ ...opened, bytes: undefined }, opened.bytes);
  return opened;
}

/** Replaces the document, unless another process wrote the file since it was opened. @throws STORE_BUSY, IO */
export function replaceDocument(store: StoreSnapshot, document: StoreDocument): Promise<void> {
  return store.file.lock(() => rewriteDocument(store, document));
}

/** As replaceDocument, for the holder of the lock. */
export function rewriteDocument(store: StoreSnapshot, document: StoreDocument): Promise<void> {
  const { file, codec } = store;
  return file.rewrite(async (current) => {
    assertSame(store, current);
    const encode = codec.prepareEncode(current, false);
    return encode(await verifiedText(document, file.path));
  });
}

/** @throws STORE_BUSY when another process wrote the file since it was opened */
export function assertUnchanged(store: StoreSnapshot): void {
  assertSame(store, store.file.read());
}

function assertSame({ bytes, file }: StoreSnapshot, current: Buffer | undefined): void {
  const same = bytes === undefined || current === undefined ? bytes === current : bytes.equals(current);
  if (!same) {
    throw new MesaAuthError(
      'STORE_BUSY',
      `another process changed ${file.path} while this command ran; nothing was changed`,
      { hint: 'run the command again' },
    );
  }
}

/** What is on the disk now, decoded anew whatever is known of it; undefined when there is no file. */
export async function readBack({ file, codec }: StoreSnapshot): Promise<StoreDocument | undefined> {
  const bytes = file.read();
  return bytes === undefined ? undefined : parseDocument(await codec.decode(bytes), file.path);
}
