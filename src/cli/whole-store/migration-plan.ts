import type { Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { compareDocuments, mergeDocuments, type KeepReplaced } from '../../stores/compare-documents.ts';
import type { StoreDocument } from '../../stores/document.ts';
import type { PlannedChange } from './document-plan.ts';

export interface MigrationInput {
  readonly target: StoreDocument;
  readonly source: StoreDocument;
  readonly to: Backend;
  /** Whether the target is the store in force already, so that the source holds leftovers. */
  readonly targetInForce: boolean;
  readonly merge: boolean;
  /** Whose key counts where the two differ. */
  readonly prefer: 'source' | 'target' | undefined;
  /** For the one that does not count. */
  readonly keeping: KeepReplaced;
}

export interface MigrationPlan {
  readonly changes: readonly PlannedChange[];
  /** What the target is to hold. */
  readonly document: StoreDocument;
  /** Why it may not be done: it would change which keys are in force, and nobody said that it shall. */
  readonly refusal: MesaAuthError | undefined;
}

/**
 * Decides what a migration makes of two stores. Without `--merge` no scope may get a key that it does not have in the
 * store in force; what an interrupted migration left behind is no obstacle.
 */
export function planMigration(input: MigrationInput): MigrationPlan {
  const { target, source, targetInForce, prefer } = input;
  const winner =
    prefer === undefined
      ? targetInForce
        ? 'present'
        : 'incoming'
      : prefer === 'source'
        ? 'incoming'
        : 'present';
  const changes = compareDocuments(target, source).map((row): PlannedChange => {
    switch (row.kind) {
      case 'added':
        return { ...row, change: 'add' };
      case 'missing':
        return { ...row, change: 'keep' };
      case 'same':
        return { ...row, change: 'same' };
      case 'details':
        return { ...row, change: winner === 'incoming' ? 'update' : 'keep' };
      case 'conflict':
        return {
          ...row,
          change: prefer === undefined ? 'conflict' : winner === 'incoming' ? 'replace' : 'keep',
        };
    }
  });
  return {
    changes,
    document: mergeDocuments(target, source, winner, input.keeping),
    refusal: findRefusal(input, changes),
  };
}

function findRefusal(
  { to, targetInForce, merge }: MigrationInput,
  changes: readonly PlannedChange[],
): MesaAuthError | undefined {
  const conflicts = changes.filter(({ change }) => change === 'conflict').length;
  const commandLine = `mesa auth migrate --to ${to} --merge`;
  if (merge) {
    return conflicts === 0
      ? undefined
      : new MesaAuthError(
          'USAGE',
          `${conflicts === 1 ? 'one scope has' : `${conflicts} scopes have`} different keys in the two stores`,
          { hint: `say which counts, source or target: ${commandLine} --prefer source` },
        );
  }
  const isNewInForce = ({ present, incoming, change }: PlannedChange): boolean =>
    change === 'conflict' || (targetInForce ? present === undefined : incoming === undefined);
  return changes.some(isNewInForce)
    ? new MesaAuthError(
        'USAGE',
        targetInForce
          ? `keys are kept in ${to} already, and the other store holds keys that it does not have`
          : `${to} holds keys already`,
        { hint: `to bring both together: ${commandLine}` },
      )
    : undefined;
}
