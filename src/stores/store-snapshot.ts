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
