import { isPrintableName } from '../core/printable-name.ts';
import {
  CHANGE_OUTCOMES,
  type ChangeOutcome,
  type KeyEntry,
  type Replacement,
} from '../core/secret-store.ts';
import { isErrorCode, MesaAuthError } from '../errors.ts';
import { UNREADABLE } from './format-reply.ts';
import { REFUSALS, type AgentStatus, type Reply } from './protocol.ts';
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

const OUTCOMES: readonly string[] = CHANGE_OUTCOMES;
/** A key's longest one. */
const MASKED = /^[!-~]{1,16}$/;

/** @returns 'version' for a line of another version, undefined for one that makes no sense */
export function parseReply(line: string): Reply | 'version' | undefined {
  const fields = parseFields(line);
  if (fields === undefined || fields === 'version') {
    return fields;
  }
  const { type } = fields;
  const warnings = parseAll(fields['warnings'] ?? [], parseText);
  switch (type) {
    case 'locked':
    case 'busy':
      return { type };
    case 'status': {
      const status = parseStatus(fields['status']);
      return status === undefined ? undefined : { type, status };
    }
    case 'refused': {
      const reason = REFUSALS.find((known) => known === fields['reason']);
      return reason === undefined ? undefined : { type, reason };
    }
    case 'entries': {
      const { revision, more } = fields;
      const entries = parseAll(fields['entries'], parseEntry);
      const isWhole = typeof revision === 'string' && typeof more === 'boolean';
      return entries === undefined || warnings === undefined || !isWhole
        ? undefined
        : { type, entries, revision, more, warnings };
    }
    case 'outcomes': {
      const outcomes = parseAll(fields['outcomes'], parseOutcome);
      const replacements = parseAll(fields['replacements'], parseReplacement);
      return outcomes === undefined || replacements === undefined || warnings === undefined
        ? undefined
        : { type, outcomes, replacements, warnings };
    }
    case 'failed': {
      const error = parseError(fields);
      return error === undefined || warnings === undefined ? undefined : { type, error, warnings };
    }
    default:
      return undefined;
  }
}

function parseStatus(value: unknown): AgentStatus | undefined {
  const fields = asFields(value) ?? {};
  const { pid, version, vault, idleMs } = fields;
  const [unlockedSince, idleUntil, lockedAt] = ['unlockedSince', 'idleUntil', 'lockedAt'].map((name) =>
    parseDate(fields[name]),
  );
  const { opening, sealing } = asFields(fields['derivations']) ?? {};
  if (
    typeof pid !== 'number' ||
    typeof version !== 'string' ||
    typeof vault !== 'string' ||
    typeof idleMs !== 'number' ||
    unlockedSince === undefined ||
    idleUntil === undefined ||
    lockedAt === undefined ||
    typeof opening !== 'number' ||
    typeof sealing !== 'number'
  ) {
    return undefined;
  }
  const derivations = { opening, sealing };
  return { pid, version, vault, unlockedSince, idleUntil, lockedAt, idleMs, derivations };
}

function parseEntry(value: unknown): KeyEntry | undefined {
  if (!Array.isArray(value)) {
    return undefined;
  }
  const scope = parseScope(value[0]);
  const token = parseToken(value[1]);
  const added = parseDate(value[2]);
  const expires = parseDate(value[3]);
  const keyId = isPrintableName(value[4]) ? value[4] : undefined;
  const api = parseApi(value[5]);
  const hasBadFact =
    api === undefined ||
    (added === undefined && value[2] !== null) ||
    (expires === undefined && value[3] !== null && value[3] !== UNREADABLE) ||
    (keyId === undefined && value[4] !== null);
  return scope === undefined || token === undefined || hasBadFact
    ? undefined
    : {
        scope,
        token,
        added,
        expires,
        ...(value[3] === UNREADABLE ? { hasUnreadableEnd: true } : {}),
        keyId,
        api: api ?? undefined,
      };
}

function parseError({ code, message, hint }: Fields): MesaAuthError | undefined {
  if (typeof code !== 'string' || !isErrorCode(code) || typeof message !== 'string') {
    return undefined;
  }
  return new MesaAuthError(code, message, typeof hint === 'string' ? { hint } : {});
}

function parseOutcome(value: unknown): ChangeOutcome | undefined {
  const text = parseText(value);
  return text !== undefined && OUTCOMES.includes(text) ? (text as ChangeOutcome) : undefined;
}

function parseReplacement(value: unknown): Replacement | undefined {
  const [scope, old, next] = Array.isArray(value) ? [parseScope(value[0]), ...value.slice(1, 3)] : [];
  return scope === undefined ||
    typeof old !== 'string' ||
    typeof next !== 'string' ||
    !MASKED.test(old) ||
    !MASKED.test(next)
    ? undefined
    : { scope, old, new: next };
}

function parseText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
