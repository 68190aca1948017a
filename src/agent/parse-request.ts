import { formatStoreKey } from '../core/key-scope.ts';
import { isPrintableName } from '../core/printable-name.ts';
import type { Change, KeyFacts } from '../core/secret-store.ts';
import { MAX_UNLOCK_MS } from '../core/unlock-time.ts';
import type { Request } from './protocol.ts';
import { asFields, parseAll, parseDate, parseFields, parseScope, parseToken, type Fields } from './wire.ts';

const MAX_PATH_CHARACTERS = 4_096;
const MAX_READ_SCOPES = 16;

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
  if (!Array.isArray(value) || value.length > 4) {
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
  if (token === undefined || value.length === 2) {
    return token === undefined ? undefined : { kind: 'set', scope, token };
  }
  const facts = parseFacts(value[2]);
  if (facts === undefined || value.length === 3) {
    return facts === undefined ? undefined : { kind: 'learn', scope, token, facts };
  }
  const old = parseToken(value[3]);
  return old === undefined ? undefined : { kind: 'replace', scope, old, token, facts };
}

function parseFacts(value: unknown): KeyFacts | undefined {
  const fields = asFields(value);
  if (fields === undefined) {
    return undefined;
  }
  const expires = parseDate(fields['expires']);
  const keyId = fields['keyId'];
  const isBad =
    (expires === undefined && fields['expires'] !== undefined) ||
    !(keyId === undefined || isPrintableName(keyId));
  return isBad ? undefined : { keyId, expires };
}
