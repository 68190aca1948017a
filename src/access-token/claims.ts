import { PERMISSIONS, type Permission } from './permissions.ts';
import { isPrintableName } from '../core/printable-name.ts';

/** What a verified access token says. Its key may be allowed less: see `verifyAccessToken`. */
export interface AccessTokenClaims {
  /** The id of the API key that signed it. */
  readonly keyId: string;
  /** In the order of `PERMISSIONS`, each once. Words that name no permission are left out: they grant nothing. */
  readonly permissions: readonly Permission[];
  /**
   * The names, as `org/repo`, that it is limited to: text to compare, not checked against any rule for names. An empty
   * list is none; null is no limit but the key's.
   */
  readonly repos: readonly string[] | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** The token's own id, for logs. */
  readonly jti: string;
}

// A claim that is not understood may be a restriction (`nbf`, and `repo_ids` in later SDKs), so it must not be ignored.
const NAMES = ['iss', 'aud', 'scopes', 'repos', 'iat', 'exp', 'jti'];
const LAST_SECOND = Date.parse('9999-12-31T23:59:59.000Z') / 1_000;

/**
 * Undefined unless there is each claim, of the right type, and no other one. Whether the values are right, `aud` and the
 * times, is not looked at.
 */
export function readClaims(members: ReadonlyMap<string, unknown>): AccessTokenClaims | undefined {
  const [keyId, scopes, repos, jti] = ['iss', 'scopes', 'repos', 'jti'].map((name) => members.get(name));
  const issuedAt = momentOf(members.get('iat'));
  const expiresAt = momentOf(members.get('exp'));
  if (
    !hasExactly(members, NAMES) ||
    !isPrintableName(keyId) ||
    !isPrintableName(jti) ||
    !isListOfNames(scopes) ||
    !(repos === null || isListOfNames(repos)) ||
    issuedAt === undefined ||
    expiresAt === undefined
  ) {
    return undefined;
  }
  const permissions = PERMISSIONS.filter((permission) => scopes.includes(permission));
  return { keyId, permissions, repos, issuedAt, expiresAt, jti };
}

export function hasExactly(members: ReadonlyMap<string, unknown>, names: readonly string[]): boolean {
  return members.size === names.length && names.every((name) => members.has(name));
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isPrintableName);
}

function momentOf(value: unknown): Date | undefined {
  const isMoment = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= LAST_SECOND;
  return isMoment ? new Date(value * 1_000) : undefined;
}
