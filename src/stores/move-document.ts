import { shellWord } from '../core/escape-text.ts';
import { describeErrno, MesaAuthError } from '../errors.ts';
import type { StoreSnapshot } from './document-store.ts';
import { sameDocument, type StoreDocument } from './document.ts';
import { assertUnchanged, readBack, rewriteDocument } from './store-snapshot.ts';

export interface Move {
  readonly source: StoreSnapshot;
  readonly target: StoreSnapshot;
  /** What the target is to hold. */
  readonly document: StoreDocument;
  /** Makes the target the store in force, durably. Does nothing when it is already. */
  readonly switchOver: () => void;
  readonly keepSource: boolean;
}

/**
 * Moves a document from one store to the other. In this order, so that whatever cuts it off, the store in force has
 * every key: the target is written, read again from the disk and compared, becomes the one in force, and only then the
 * source is removed. All under one lock, so that no key comes in between.
 * @throws STORE_BUSY when another process wrote one of the two since they were opened; IO, and whatever `switchOver`
 *   throws
 */
export function moveDocument({ source, target, document, switchOver, keepSource }: Move): Promise<void> {
  return target.file.lock(async () => {
    assertUnchanged(source);
    if (target.bytes !== undefined && sameDocument(target.document, document)) {
      assertUnchanged(target);
    } else {
      await rewriteDocument(target, document);
    }
    await verify(target, document);
    try {
      switchOver();
    } catch (error) {
      throw notSwitched(target, error);
    }
    if (!keepSource && source.bytes !== undefined) {
      await removeSource(source, target);
    }
  });
}

async function verify(target: StoreSnapshot, document: StoreDocument): Promise<void> {
  const found = await readBack(target);
  if (found === undefined || !sameDocument(found, document)) {
    throw new MesaAuthError(
      'IO',
      `what was written to ${target.file.path} does not come back as it was; the other store is still in force`,
      { hint: 'check the disk, then run the command again' },
    );
  }
}

function notSwitched({ file }: StoreSnapshot, error: unknown): unknown {
  return error instanceof MesaAuthError && error.code === 'IO'
    ? new MesaAuthError(
        'IO',
        `the keys were copied to ${file.path}, but the configuration was not changed durably: ${describeErrno(error.cause)}`,
        {
          cause: error.cause,
          hint: 'every key is in both stores; check the disk, then run the command again',
        },
      )
    : error;
}

async function removeSource(source: StoreSnapshot, target: StoreSnapshot): Promise<void> {
  try {
    await source.file.remove();
  } catch (error) {
    throw error instanceof MesaAuthError
      ? new MesaAuthError(error.code, `keys are kept in ${target.backend} now, but: ${error.message}`, {
          cause: error.cause,
          hint: `remove the old store: rm -f ${shellWord(source.file.path)}`,
        })
      : error;
  }
}
