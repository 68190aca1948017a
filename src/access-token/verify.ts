import { randomBytes, timingSafeEqual } from 'node:crypto';

import { isPrintableName } from '../core/printable-name.ts';
import { type AccessTokenClaims, hasExactly, readClaims } from './claims.ts';
import { decodePart } from './decode-part.ts';
import {
  ALGORITHM,
  AUDIENCE,
  DERIVATION,
  isSigningSecret,
  MAX_TOKEN_LENGTH,
  MAX_TTL_SECONDS,
  signatureOf,
  TYPE,
} from './protocol.ts';

/** Why a token was refused, in the order in which it is looked at. For logs: the client hears `UNAUTHORIZED` alone. */
export type AccessTokenRefusal =
  /** Longer than 16,384 characters. */
  | 'TOO_LONG'
  /** No text, not three parts, or the header is longer than 1,024 characters or no JSON object in canonical base64url. */
  | 'MALFORMED'
  /** `alg` is not `HS256`, whatever it is: `none`, too. */
  | 'WRONG_ALGORITHM'
  /** `typ` is not `mesa-at+jwt`: another kind of JWT. */
  | 'WRONG_TYPE'
  /** `kid` is not the id of a key and `.v1`, or the header has more in it than the three. */
  | 'WRONG_KEY_ID'
  /** There is no signing secret for this key: unknown, revoked or expired. */
  | 'UNKNOWN_KEY'
  | 'WRONG_SIGNATURE'
  /** `iss` is another key than `kid`. */
  | 'WRONG_ISSUER'
  /** `aud` is not `mesa-api`. */
  | 'WRONG_AUDIENCE'
  /** A claim that is missing, twice there, of a wrong type or not known; or no claims at all. */
  | 'INVALID_CLAIMS'
  | 'EXPIRED'
  /** Made to work for less than a second or more than 86,400. */
  | 'INVALID_LIFETIME'
  /** Made more than five minutes from now: the signer's clock is wrong, or the token is to work for longer than a day. */
  | 'NOT_YET_ISSUED';

export type AccessTokenVerdict =
  | { readonly ok: true; readonly claims: AccessTokenClaims }
  | { readonly ok: false; readonly reason: AccessTokenRefusal };

export interface VerifyAccessTokenOptions {
  /**
   * Looks up the signing secret of an API key (see `deriveSigningSecret`); undefined when there is no such key, or it is
   * revoked or expired. The id comes from the token and is not verified yet: 1 to 256 characters of ASCII without spaces.
   * What it throws, `verifyAccessToken` throws.
   */
  readonly signingSecretOf: (keyId: string) => Promise<string | undefined>;
  /** The present when absent. */
  readonly now?: Date | undefined;
}

// The header is read before the signature is known to be right, so it is short: 256 characters of key id fit, escaped.
const PARTS = /^([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/;
const KID_END = `.${DERIVATION}`;
/** How far a signer's clock may be ahead of ours. */
const MAX_AHEAD_MS = 5 * 60 * 1_000;
// Of a key that is not there, so that its refusal takes as long as that of a wrong signature.
const NOBODYS_SECRET = randomBytes(32).toString('base64url');

/**
 * Verifies an access token: that it is genuine and lasts, not what it may do. Whoever calls this must still
 * - refuse revoked and expired keys, in `signingSecretOf`, with each request;
 * - hold permissions and repositories against those that the key has now: both must allow an operation;
 * - take the organization from the key, since a token names none;
 * - refuse to make or manage credentials, even for `admin`.
 * @param token anything: what is no text is refused
 * @returns the claims, or the reason of the refusal. Neither contains the token or a part of its signature
 * @throws TypeError for a signing secret that is none; besides only what `signingSecretOf` throws. Never for a token
 */
export async function verifyAccessToken(
  token: unknown,
  { signingSecretOf, now }: VerifyAccessTokenOptions,
): Promise<AccessTokenVerdict> {
  const text = typeof token === 'string' ? token : '';
  if (text.length > MAX_TOKEN_LENGTH) {
    return refuse('TOO_LONG');
  }
  const [, headerPart = '', payloadPart = '', signature = ''] = PARTS.exec(text) ?? [];
  const header = decodePart(headerPart);
  if (header === undefined) {
    return refuse('MALFORMED');
  }
  if (header.get('alg') !== ALGORITHM) {
    return refuse('WRONG_ALGORITHM');
  }
  if (header.get('typ') !== TYPE) {
    return refuse('WRONG_TYPE');
  }
  const keyId = keyIdOf(header);
  if (keyId === undefined) {
    return refuse('WRONG_KEY_ID');
  }
  const secret = await signingSecretOf(keyId);
  if (secret !== undefined && !isSigningSecret(secret)) {
    throw new TypeError('a signing secret is 43 characters of base64url');
  }
  const expected = signatureOf(`${headerPart}.${payloadPart}`, secret ?? NOBODYS_SECRET);
  const isGenuine = equalInConstantTime(signature, expected);
  if (secret === undefined) {
    return refuse('UNKNOWN_KEY');
  }
  return isGenuine
    ? judgeClaims(decodePart(payloadPart), keyId, now ?? new Date())
    : refuse('WRONG_SIGNATURE');
}

/** The header has nothing but the three members: of others (`crit`, say) we would not know what they ask for. */
function keyIdOf(header: ReadonlyMap<string, unknown>): string | undefined {
  const kid = header.get('kid');
  if (!hasExactly(header, ['alg', 'typ', 'kid']) || typeof kid !== 'string' || !kid.endsWith(KID_END)) {
    return undefined;
  }
  const keyId = kid.slice(0, -KID_END.length);
  return isPrintableName(keyId) ? keyId : undefined;
}

function judgeClaims(
  members: ReadonlyMap<string, unknown> | undefined,
  keyId: string,
  now: Date,
): AccessTokenVerdict {
  if (members === undefined) {
    return refuse('INVALID_CLAIMS');
  }
  if (members.get('iss') !== keyId) {
    return refuse('WRONG_ISSUER');
  }
  if (members.get('aud') !== AUDIENCE) {
    return refuse('WRONG_AUDIENCE');
  }
  const claims = readClaims(members);
  if (claims === undefined) {
    return refuse('INVALID_CLAIMS');
  }
  const [issued, expires] = [claims.issuedAt.getTime(), claims.expiresAt.getTime()];
  // Negated, so that a `now` that is no moment refuses as well.
  if (!(expires > now.getTime())) {
    return refuse('EXPIRED');
  }
  if (expires - issued < 1_000 || expires - issued > MAX_TTL_SECONDS * 1_000) {
    return refuse('INVALID_LIFETIME');
  }
  // Else a token could be made today that works for a day next year. Clocks differ, so not to the second.
  if (issued - now.getTime() > MAX_AHEAD_MS) {
    return refuse('NOT_YET_ISSUED');
  }
  return { ok: true, claims };
}

function refuse(reason: AccessTokenRefusal): AccessTokenVerdict {
  return { ok: false, reason };
}

/** The texts are compared, so another spelling of the same bytes is another signature. */
function equalInConstantTime(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}
