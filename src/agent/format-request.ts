import { formatStoreKey } from '../core/key-scope.ts';
import type { Change } from '../core/secret-store.ts';
import { MAX_LINE_BYTES, MAX_REQUEST_BYTES, type Request } from './protocol.ts';
import type { Moment } from './two-clocks.ts';
import { formatLine, splitBySize } from './wire.ts';

export function formatRequest(request: Request): string {
  return formatLine(requestFields(request));
}

function requestFields(request: Request): object {
  switch (request.type) {
    case 'read':
      return { ...request, scopes: request.scopes.map(formatStoreKey) };
    case 'apply':
      return { ...request, changes: request.changes.map(changeFields) };
    case 'status':
    case 'lock':
    case 'extend':
    case 'list':
      return request;
  }
}

function changeFields(change: Change): readonly unknown[] {
  const scope = formatStoreKey(change.scope);
  switch (change.kind) {
    case 'set':
      return [change.kind, scope, change.token.reveal(), change.api ?? null, change.keep ?? null];
    case 'undo':
      return [change.kind, scope, change.present?.reveal() ?? null, change.keep ?? null];
    case 'learn':
      return [change.kind, scope, change.token.reveal(), change.facts];
    case 'replace': {
      const { kind, token, facts, old, api } = change;
      return [kind, scope, token.reveal(), facts, old.reveal(), api ?? null];
    }
    case 'remove':
    case 'forget':
      return [change.kind, scope];
  }
}

/** Splits what is written to a line's length. Undefined when it does not fit into one request. */
export function formatApply(
  vault: string,
  changes: readonly Change[],
  sent: Moment,
): readonly string[] | undefined {
  const line = (some: readonly Change[], last: boolean): string =>
    formatRequest({ type: 'apply', vault, sent, changes: some, last });
  const room = MAX_LINE_BYTES - Buffer.byteLength(line([], false));
  const parts = splitBySize(changes, room, (change) => JSON.stringify(changeFields(change)).length + 1);
  const lines = parts.map((part, index) => line(part, index === parts.length - 1));
  const bytes = lines.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return bytes > MAX_REQUEST_BYTES ? undefined : lines;
}
