import { compareScopes, type StoreKey } from '../core/key-scope.ts';
import { momentAfter } from '../core/moment.ts';
import { KEEP_REPLACED_MS } from '../core/secret-store.ts';
import { tableWithout } from '../toml/table.ts';
import {
  inListingOrder,
  sameEntry,
  withoutExpired,
  type DocumentEntry,
  type PreviousEntry,
  type StoreDocument,
} from './document.ts';

/** How two documents differ in one scope. */
export interface ScopeDifference {
  readonly name: StoreKey;
  readonly present: DocumentEntry | undefined;
  readonly incoming: DocumentEntry | undefined;
  /**
   * `added`: only in the incoming document. `conflict`: another key. `details`: the same key, known otherwise (when it
   * was added, say). `missing`: only in the present document.
   */
  readonly kind: 'same' | 'added' | 'conflict' | 'details' | 'missing';
}

/** Every scope of either document, in listing order. */
export function compareDocuments(
  present: StoreDocument,
  incoming: StoreDocument,
): readonly ScopeDifference[] {
  const names = new Map([...present.entries, ...incoming.entries]);
  return [...names]
    .toSorted(([, a], [, b]) => compareScopes(a.scope, b.scope))
    .map(([name]) => {
      const pair = { present: present.entries.get(name), incoming: incoming.entries.get(name) };
      return { name, ...pair, kind: kindOf(pair.present, pair.incoming) };
    });
}

function kindOf(
  present: DocumentEntry | undefined,
  incoming: DocumentEntry | undefined,
): ScopeDifference['kind'] {
  if (present === undefined) {
    return 'added';
  }
  if (incoming === undefined) {
    return 'missing';
  }
  if (!present.token.equals(incoming.token)) {
    return 'conflict';
  }
  return sameEntry(present, incoming) ? 'same' : 'details';
}

/** How long a key that loses to another one is kept. */
export interface KeepReplaced {
  readonly now: Date;
  /** Milliseconds; see Change. */
  readonly keep?: number | undefined;
}

/**
 * Everything of both documents.
 * @param winner whose value counts where both have one that differs
 */
export function mergeDocuments(
  present: StoreDocument,
  incoming: StoreDocument,
  winner: 'present' | 'incoming',
  keeping: KeepReplaced,
): StoreDocument {
  const [first, last] = winner === 'incoming' ? [present, incoming] : [incoming, present];
  const merged = {
    entries: inListingOrder(new Map([...first.entries, ...last.entries])),
    unknownFields: new Map([...first.unknownFields, ...last.unknownFields]),
    unknownEntries: new Map([...first.unknownEntries, ...last.unknownEntries]),
    commentTexts: [...(last.commentTexts ?? []), ...(first.commentTexts ?? [])],
    previous: present.previous,
    unknownPrevious: new Map([...first.unknownPrevious, ...last.unknownPrevious]),
  };
  return withPrevious(merged, present, incoming, keeping);
}

/**
 * A document made of two others, with the previous keys that it shall have: of a scope in which the two have different keys,
 * the one that it does not take, so that it can be brought back; else what the present one, or else the incoming one, has
 * kept. What is merged twice gives the same as once.
 */
function withPrevious(
  merged: StoreDocument,
  present: StoreDocument,
  incoming: StoreDocument,
  { now, keep = KEEP_REPLACED_MS }: KeepReplaced,
): StoreDocument {
  const previous = new Map<StoreKey, PreviousEntry>();
  for (const [name, { token }] of keep === 0 ? [] : merged.entries) {
    const loser = [present, incoming]
      .map(({ entries }) => entries.get(name))
      .find((entry) => entry !== undefined && !entry.token.equals(token));
    const kept =
      loser === undefined
        ? (present.previous.get(name) ?? incoming.previous.get(name))
        : { ...loser, fields: tableWithout(loser.fields, UNTIL), until: momentAfter(now, keep) };
    if (kept !== undefined && !kept.token.equals(token)) {
      previous.set(name, kept);
    }
  }
  return withoutExpired({ ...merged, previous }, now);
}

const UNTIL = new Set(['until']);
