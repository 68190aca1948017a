import { isForApi } from '../core/api-url.ts';
import type { Candidate, CandidateVerdict, UsedKey } from '../core/candidates.ts';
import {
  describeExpiry,
  EXPIRY_NOTICE_MS,
  expiresWithin,
  expiryState,
  keyExpiry,
} from '../core/key-expiry.ts';
import { formatStoreKey, parseStoreKey, scopeFlags } from '../core/key-scope.ts';
import { nameOfKey, replaceCommand } from '../core/key-source.ts';
import type { KeyEntry } from '../core/secret-store.ts';
import { describeToken, type TokenKind } from '../core/token-kind.ts';
import type { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';

/** What `--json` says of every stored key. */
export function entryJson({ scope, token, added, api }: KeyEntry): Record<string, unknown> {
  return {
    scope: formatStoreKey(scope),
    organization: scope.kind === 'global' ? null : scope.org,
    repository: scope.kind === 'repo' ? scope.repo : null,
    masked_key: token.masked(),
    added: added?.toISOString() ?? null,
    api_url: api ?? null,
  };
}

/** A key, and when it ends where the store says so. */
export interface StoredKey {
  readonly token: Token;
  readonly expires: Date | undefined;
  /** See KeyEntry. */
  readonly hasUnreadableEnd?: boolean | undefined;
}

/** What is said of a key that may have ended, since its entry does not tell in a way that can be read. */
export const UNREADABLE_END = 'ends at a time that cannot be read: "expires" in the store is not a date-time';

/** When a key ends, as far as that is known here. */
export function expiryOf({ token, expires }: StoredKey): Date | undefined {
  return keyExpiry(expires, describeToken(token));
}

/** What a key says of itself, for `--json`. Nothing of it was checked. */
export function factsJson(key: StoredKey, now: Date): Record<string, unknown> {
  const { kind, issued, permissions, repositories } = describeToken(key.token);
  const expires = expiryOf(key);
  return {
    kind: kind.replace('-', '_'),
    state: key.hasUnreadableEnd === true ? 'unreadable' : expiryState(expires, now),
    expires: expires?.toISOString() ?? null,
    expires_in_seconds:
      expires === undefined ? null : Math.floor((expires.getTime() - now.getTime()) / 1_000),
    issued: issued?.toISOString() ?? null,
    permissions: permissions ?? null,
    repositories: repositories ?? null,
  };
}

const KIND_NAMES: Readonly<Record<TokenKind, string>> = {
  'api-key': 'API key',
  jwt: 'JWT',
  other: 'other',
};

export function kindName(token: Token): string {
  return KIND_NAMES[describeToken(token).kind];
}

/** Candidates of a lookup, for `--json`. */
export function candidateJson({ source, token, verdict }: Candidate): Record<string, unknown> {
  return { source, masked_key: token?.masked() ?? null, result: verdict.replaceAll('-', '_') };
}

/**
 * Why a candidate won or lost, and of the winner whether it is about to end, or is for another API.
 * @param apiUrl the API that is configured
 */
export function explainCandidate(candidate: Candidate, now: Date, apiUrl: string): string {
  const { verdict, token } = candidate;
  if (verdict !== 'used' || token === undefined) {
    return explainVerdict(verdict);
  }
  const expires = expiryOf({ ...candidate, token });
  const ends = expires !== undefined && expiresWithin(expires, EXPIRY_NOTICE_MS, now);
  return [
    'used',
    ...(ends ? [`it ${describeExpiry(expires, now)}`] : []),
    ...(candidate.hasUnreadableEnd === true ? [`it ${UNREADABLE_END}`] : []),
    ...(isForApi(candidate, apiUrl) ? [] : [`it is for ${candidate.api}, and is sent nowhere else`]),
  ].join('; ');
}

function explainVerdict(verdict: CandidateVerdict): string {
  switch (verdict) {
    case 'used':
      return 'used';
    case 'shadowed':
      return 'not used: a key before it was found';
    case 'absent':
      return 'not used: no key here';
    case 'other-organization':
      return 'not used: MESA_ORG names another organization';
  }
}

type EndingKey = Pick<UsedKey, 'source' | 'token' | 'expires' | 'hasUnreadableEnd' | 'keyId'>;

/** What to type about a key that ends. The server replaces one that it knows in one step, as long as it accepts it. */
export function renewCommand(key: EndingKey, now: Date): string {
  const scope = parseStoreKey(key.source);
  const expires = expiryOf(key);
  const isAccepted = expires === undefined || !expiresWithin(expires, 0, now);
  return scope !== undefined && key.keyId !== undefined && isAccepted && !key.token.mayBeJwt
    ? `mesa auth api-keys rotate${scopeFlags(scope)}`
    : replaceCommand(key.source);
}

/** Mentions a key that ends within a day, or has ended, once per process. */
export function warnOfExpiry(context: Pick<Context, 'host' | 'output'>, key: EndingKey): void {
  const now = context.host.now();
  const expires = expiryOf(key);
  if (key.hasUnreadableEnd === true) {
    context.output.warn(`${nameOfKey(key.source)} ${UNREADABLE_END}`, `expiry of ${key.source}`);
  }
  if (expires !== undefined && expiresWithin(expires, EXPIRY_NOTICE_MS, now)) {
    context.output.warn(
      `${nameOfKey(key.source)} ${describeExpiry(expires, now)}; replace it: ${renewCommand(key, now)}`,
      `expiry of ${key.source}`,
    );
  }
}

/** @throws KEY_EXPIRES for a key that has ended: who gets it could only tell that it is refused */
export function refuseExpired(context: Pick<Context, 'host'>, key: EndingKey): void {
  const now = context.host.now();
  const expires = expiryOf(key);
  if (expires !== undefined && expiresWithin(expires, 0, now)) {
    throw new MesaAuthError('KEY_EXPIRES', `${nameOfKey(key.source)} ${describeExpiry(expires, now)}`, {
      hint: renewCommand(key, now),
    });
  }
}
