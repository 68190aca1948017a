import { shellWord } from '../core/escape-text.ts';
import { describeErrno, MesaAuthError } from '../errors.ts';
import type { StoreSnapshot } from './document-store.ts';
import { sameDocument, type StoreDocument } from './document.ts';
import { latest, putBack, readBack, rewriteDocument } from './store-snapshot.ts';

export interface Move {
  readonly source: StoreSnapshot;
  readonly target: StoreSnapshot;
  /**
   * What the target is to hold. Asked again, under the lock, where another process wrote one of the two meanwhile.
   * @throws what forbids it
   */
  readonly plan: (source: StoreDocument, target: StoreDocument) => StoreDocument;
  /** Makes the target the store in force, durably. Does nothing when it is already. */
  readonly switchOver: () => void;
  /** Whether the source is the store in force for sure, also after a switch-over that failed: then the target is put back. */
  readonly isSourceInForce: () => boolean;
  readonly keepSource: boolean;
}

/**
 * Moves a document from one store to the other. In this order, so that whatever cuts it off, the store in force has
 * every key: the target is written, read again from the disk and compared, becomes the one in force, and only then the
 * source is removed. All under one lock, so that no key comes in between; what came in before is taken along. When it fails
 * before the target is in force, the target is as it was: no key stays behind in plain text.
 * @returns the source as it was moved
 * @throws STORE_BUSY when another process removed one of the two since they were opened, or made the target; IO, and
 *   whatever `plan` and `switchOver` throw
 */
export async function moveDocument(move: Move): Promise<StoreSnapshot> {
  const { plan, switchOver, keepSource } = move;
  let { source } = move;
  await move.target.file.lock(async () => {
    source = await latest(move.source);
    const target = await latest(move.target);
    const document = plan(source.document, target.document);
    let isSwitching = false;
    try {
      if (target.bytes === undefined || !sameDocument(target.document, document)) {
        await rewriteDocument(target, document);
      }
      await verify(target, document);
      isSwitching = true;
      switchOver();
    } catch (error) {
      if (move.isSourceInForce()) {
        throw await undone(target, error);
      }
      throw isSwitching ? notSwitched(target, error) : error;
    }
    if (!keepSource && source.bytes !== undefined) {
      await removeSource(source, target);
    }
  });
  return source;
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

/** Puts the target back as it was. @returns the error to throw: also of what could not be put back */
async function undone(target: StoreSnapshot, error: unknown): Promise<unknown> {
  try {
    await putBack(target);
    return error;
  } catch (second) {
    if (!(error instanceof MesaAuthError) || !(second instanceof MesaAuthError)) {
      return error;
    }
    const { path } = target.file;
    return new MesaAuthError(error.code, `${error.message}; and what was written stays: ${second.message}`, {
      cause: error.cause,
      hint:
        target.bytes === undefined
          ? `the other store is in force; to remove this one: rm -f ${shellWord(path)}`
          : 'the other store is in force; check the disk, then run the command again',
    });
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
