import { existsSync } from 'node:fs';

import { MesaAuthError } from '../errors.ts';
import type { StoreSnapshot, WholeStore } from './document-store.ts';
import type { StoreDocument } from './document.ts';
import { verifiedText } from './format-document.ts';
import { parseDocument } from './read-document.ts';

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

/**
 * The store as it is now: for the holder of the lock, who would otherwise have to begin again beside busy writers.
 * @returns the same snapshot when nothing was written since it was taken
 * @throws STORE_BUSY when the file was made or removed since then; WRONG_PASSPHRASE when it has another one now
 */
export async function latest(store: StoreSnapshot): Promise<StoreSnapshot> {
  const bytes = store.file.read();
  if (bytes === undefined || store.bytes === undefined) {
    assertSame(store, bytes);
    return store;
  }
  return bytes.equals(store.bytes)
    ? store
    : { ...store, bytes, document: await parseDocument(await store.codec.decode(bytes), store.file.path) };
}

/** Makes the file what it was when the snapshot was taken: byte for byte, or none. For the holder of the lock. @throws IO */
export async function putBack({ file, bytes }: StoreSnapshot): Promise<void> {
  if (bytes === undefined) {
    await (existsSync(file.path) ? file.remove() : undefined);
  } else if (file.read()?.equals(bytes) !== true) {
    await file.rewrite(() => Promise.resolve(bytes));
  }
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
