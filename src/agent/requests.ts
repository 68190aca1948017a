import { formatStoreKey } from '../core/key-scope.ts';
import type { Change } from '../core/secret-store.ts';
import { MAX_UNLOCK_MS } from '../core/unlock-time.ts';
import type { Moment } from './moment.ts';
import { MAX_LINE_BYTES, MAX_REQUEST_BYTES, type Request } from './protocol.ts';
import {
  asFields,
  formatLine,
  parseAll,
  parseFields,
  parseScope,
  parseToken,
  splitBySize,
  type Fields,
} from './wire.ts';

const MAX_PATH_CHARACTERS = 4_096;
const MAX_READ_SCOPES = 16;

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

function changeFields(change: Change): readonly string[] {
  const scope = formatStoreKey(change.scope);
  return change.kind === 'set' ? [scope, change.token.reveal()] : [scope];
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

/** @returns 'version' for a line of another version, undefined for one that makes no sense */
export function parseRequest(line: string): Request | 'version' | undefined {
  const fields = parseFields(line);
  if (fields === undefined || fields === 'version') {
    return fields;
  }
  const { type } = fields;
  if (type === 'status' || type === 'lock') {
    return { type };
  }
  const vault = fields['vault'];
  if (typeof vault !== 'string' || vault.length > MAX_PATH_CHARACTERS) {
    return undefined;
  }
  switch (type) {
    case 'extend':
      return parseExtend(vault, fields['idleMs']);
    case 'read': {
      const scopes = parseAll(fields['scopes'], parseScope);
      return scopes === undefined || scopes.length > MAX_READ_SCOPES ? undefined : { type, vault, scopes };
    }
    case 'list': {
      const after = fields['after'] === undefined ? undefined : parseScope(fields['after']);
      return fields['after'] !== undefined && after === undefined
        ? undefined
        : { type, vault, after: after === undefined ? undefined : formatStoreKey(after) };
    }
    case 'apply':
      return parseApply(vault, fields);
    default:
      return undefined;
  }
}

function parseExtend(vault: string, idleMs: unknown): Request | undefined {
  const isTime = typeof idleMs === 'number' && idleMs > 0 && idleMs <= MAX_UNLOCK_MS;
  return isTime || idleMs === undefined ? { type: 'extend', vault, idleMs } : undefined;
}

function parseApply(vault: string, fields: Fields): Request | undefined {
  const { last, sent } = fields;
  const changes = parseAll(fields['changes'], parseChange);
  const { wall, monotonic } = asFields(sent) ?? {};
  return changes === undefined ||
    typeof last !== 'boolean' ||
    typeof wall !== 'number' ||
    typeof monotonic !== 'number'
    ? undefined
    : { type: 'apply', vault, sent: { wall, monotonic }, changes, last };
}

function parseChange(value: unknown): Change | undefined {
  if (!Array.isArray(value) || value.length > 2) {
    return undefined;
  }
  const scope = parseScope(value[0]);
  if (scope === undefined) {
    return undefined;
  }
  if (value.length === 1) {
    return { kind: 'remove', scope };
  }
  const token = parseToken(value[1]);
  return token === undefined ? undefined : { kind: 'set', scope, token };
}
