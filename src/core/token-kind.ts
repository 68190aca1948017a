import type { Token } from './token.ts';

export type TokenKind = 'api-key' | 'jwt' | 'other';

/**
 * What a token says about itself. Nothing of it was checked, the signature least of all, and its texts are of foreign
 * origin: escape them before they are shown.
 */
export interface TokenFacts {
  readonly kind: TokenKind;
  /** When it was made; undefined when it does not say, or says no moment up to the year 9999. */
  readonly issued: Date | undefined;
  /** When it stops working; undefined as for `issued`. */
  readonly expires: Date | undefined;
  /** The permissions that it asks for; the wire calls them scopes. Undefined when it names none. */
  readonly permissions: readonly string[] | undefined;
  /** The repositories that it is limited to, as `org/repo`; undefined when it is limited to none. */
  readonly repositories: readonly string[] | undefined;
}

const LAST_SECOND = Date.parse('9999-12-31T23:59:59.000Z') / 1_000;
// RFC 7515, section 3.1: three parts in base64url without padding. The first and the second are JSON objects.
const COMPACT_JWS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*$/;

/** Reads what a token says about itself. Decodes only, and never throws: what makes no sense is left out. */
export function describeToken(token: Token): TokenFacts {
  const nothing = { issued: undefined, expires: undefined, permissions: undefined, repositories: undefined };
  if (!token.mayBeJwt) {
    return { kind: token.isApiKey ? 'api-key' : 'other', ...nothing };
  }
  const [, header = '', payload = ''] = COMPACT_JWS.exec(token.reveal()) ?? [];
  const claims = decodeObject(payload);
  if (claims === undefined || decodeObject(header) === undefined) {
    return { kind: 'other', ...nothing };
  }
  return {
    kind: 'jwt',
    issued: momentOf(claims.get('iat')),
    expires: momentOf(claims.get('exp')),
    permissions: textsOf(claims.get('scopes')),
    repositories: textsOf(claims.get('repos')),
  };
}

/** A map: a claim may be called `__proto__`. */
function decodeObject(part: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7519, "NumericDate": seconds, which may have a fraction. One in milliseconds lies beyond the year 9999. */
function momentOf(claim: unknown): Date | undefined {
  const isMoment = typeof claim === 'number' && claim >= 0 && claim <= LAST_SECOND;
  return isMoment ? new Date(claim * 1_000) : undefined;
}

function textsOf(claim: unknown): readonly string[] | undefined {
  return Array.isArray(claim) && claim.every((text) => typeof text === 'string') ? claim : undefined;
}
