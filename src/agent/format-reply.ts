import { formatStoreKey } from '../core/key-scope.ts';
import type { KeyEntry } from '../core/secret-store.ts';
import { MAX_LINE_BYTES, type Reply } from './protocol.ts';
import { formatLine, splitBySize } from './wire.ts';

export function formatReply(reply: Reply): string {
  return formatLine(replyFields(reply));
}

function replyFields(reply: Reply): object {
  switch (reply.type) {
    case 'entries':
      return { ...reply, entries: reply.entries.map(entryFields) };
    case 'failed': {
      const { code, message, hint } = reply.error;
      return { type: reply.type, code, message, hint, warnings: reply.warnings };
    }
    case 'outcomes': {
      const replacements = reply.replacements.map((one) => [formatStoreKey(one.scope), one.old, one.new]);
      return { ...reply, replacements };
    }
    case 'status':
    case 'locked':
    case 'busy':
    case 'refused':
      return reply;
  }
}

/** In the place of a date that the store has in a form that is none. */
export const UNREADABLE = 'unreadable';

function entryFields({
  scope,
  token,
  added,
  expires,
  hasUnreadableEnd,
  keyId,
  api,
}: KeyEntry): readonly (string | null)[] {
  return [
    formatStoreKey(scope),
    token.reveal(),
    added?.toISOString() ?? null,
    expires?.toISOString() ?? (hasUnreadableEnd === true ? UNREADABLE : null),
    keyId ?? null,
    api ?? null,
  ];
}

/** How many of the entries fit into one reply, from the first on. At least one: a key is at most 16 KiB. */
export function countFitting(
  entries: readonly KeyEntry[],
  rest: Omit<Reply & { type: 'entries' }, 'entries'>,
): number {
  const room = MAX_LINE_BYTES - Buffer.byteLength(formatReply({ ...rest, entries: [] }));
  const [first = []] = splitBySize(entries, room, (entry) => JSON.stringify(entryFields(entry)).length + 1);
  return first.length;
}
