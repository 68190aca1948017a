import type { StoreKey } from '../../core/key-scope.ts';
import { describeCounts } from '../../session/outcomes.ts';
import type { ScopeDifference } from '../../stores/compare-documents.ts';
import type { StoreDocument } from '../../stores/document.ts';
import { sameTable } from '../../toml/table.ts';

/** What a command will do with one scope. */
export interface PlannedChange extends Pick<ScopeDifference, 'present' | 'incoming'> {
  readonly name: StoreKey;
  readonly change: 'add' | 'replace' | 'update' | 'same' | 'keep' | 'remove' | 'conflict';
}

const CHANGE_TEXT: Readonly<Record<PlannedChange['change'], string>> = {
  add: 'add',
  replace: 'replace',
  update: 'same key, other details',
  same: 'same',
  keep: 'keep',
  remove: 'remove',
  conflict: 'conflict',
};

/** Rows for a table under SCOPE, the present key, the incoming one, CHANGE. */
export function planRows(plan: readonly PlannedChange[]): readonly (readonly string[])[] {
  return plan.map(({ name, present, incoming, change }) => [
    name,
    present?.token.masked() ?? '-',
    incoming?.token.masked() ?? '-',
    CHANGE_TEXT[change],
  ]);
}

export function planJson(plan: readonly PlannedChange[]): readonly Record<string, unknown>[] {
  return plan.map(({ name, present, incoming, change }) => ({
    scope: name,
    masked_present_key: present?.token.masked() ?? null,
    masked_incoming_key: incoming?.token.masked() ?? null,
    change,
  }));
}

/** `added 2 keys, replaced 1`, or `changed no key`. */
export function describePlan(plan: readonly PlannedChange[]): string {
  const text = describeCounts(
    plan.map(({ change }) => change),
    { add: 'added', replace: 'replaced', update: 'updated', remove: 'removed' },
  );
  return text === '' ? 'changed no key' : text;
}

/** Whether a change touches what no table shows: fields of the document, and entries that are no scopes. */
export function changesUnknown(before: StoreDocument, after: StoreDocument): boolean {
  return (
    !sameTable(before.unknownFields, after.unknownFields) ||
    !sameTable(before.unknownEntries, after.unknownEntries) ||
    !sameTable(before.unknownPrevious, after.unknownPrevious)
  );
}
