import { formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import { isPrintableName } from '../core/printable-name.ts';
import type { Change, KeyFacts } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { MAX_UNLOCK_MS } from '../core/unlock-time.ts';
import type { Request } from './protocol.ts';
import {
  asFields,
  parseAll,
  parseApi,
  parseDate,
  parseFields,
  parseScope,
  parseToken,
  type Fields,
} from './wire.ts';

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

/** How many parts a change has, by its kind, which is the first. */
const CHANGE_LENGTHS: ReadonlyMap<unknown, number> = new Map<Change['kind'], number>([
  ['set', 5],
  ['undo', 4],
  ['learn', 4],
  ['replace', 6],
  ['remove', 2],
  ['forget', 2],
]);

function parseChange(value: unknown): Change | undefined {
  if (!Array.isArray(value) || value.length !== CHANGE_LENGTHS.get(value[0])) {
    return undefined;
  }
  const [kind, ...parts] = value as readonly unknown[];
  const scope = parseScope(parts[0]);
  if (scope === undefined) {
    return undefined;
  }
  if (kind === 'remove' || kind === 'forget') {
    return { kind, scope };
  }
  if (kind === 'undo') {
    const present = parts[1] === null ? null : parseToken(parts[1]);
    const keep = parseKeep(parts[2]);
    return present === undefined || keep === undefined
      ? undefined
      : { kind, scope, present: present ?? undefined, keep: keep ?? undefined };
  }
  const token = parseToken(parts[1]);
  return token === undefined ? undefined : parseWrite(kind, parts, scope, token);
}

/** A change that comes with a key. @param parts what follows the kind */
function parseWrite(
  kind: unknown,
  parts: readonly unknown[],
  scope: KeyScope,
  token: Token,
): Change | undefined {
  if (kind === 'set') {
    const api = parseApi(parts[2]);
    const keep = parseKeep(parts[3]);
    return api === undefined || keep === undefined
      ? undefined
      : { kind, scope, token, api: api ?? undefined, keep: keep ?? undefined };
  }
  const facts = parseFacts(parts[2]);
  if (facts === undefined) {
    return undefined;
  }
  if (kind === 'learn') {
    return { kind, scope, token, facts };
  }
  const old = parseToken(parts[3]);
  const api = parseApi(parts[4]);
  return kind !== 'replace' || old === undefined || api === undefined
    ? undefined
    : { kind, scope, old, token, facts, api: api ?? undefined };
}

/** Milliseconds; null where nothing was said, undefined for what is neither. */
function parseKeep(value: unknown): number | null | undefined {
  return value === null || (typeof value === 'number' && value >= 0) ? value : undefined;
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
