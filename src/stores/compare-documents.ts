import { compareScopes, type StoreKey } from '../core/key-scope.ts';
import { inListingOrder, sameEntry, type DocumentEntry, type StoreDocument } from './document.ts';

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

/**
 * Everything of both documents.
 * @param winner whose value counts where both have one that differs
 */
export function mergeDocuments(
  present: StoreDocument,
  incoming: StoreDocument,
  winner: 'present' | 'incoming',
): StoreDocument {
  const [first, last] = winner === 'incoming' ? [present, incoming] : [incoming, present];
  return {
    entries: inListingOrder(new Map([...first.entries, ...last.entries])),
    unknownFields: new Map([...first.unknownFields, ...last.unknownFields]),
    unknownEntries: new Map([...first.unknownEntries, ...last.unknownEntries]),
    commentTexts: [...(last.commentTexts ?? []), ...(first.commentTexts ?? [])],
  };
}
