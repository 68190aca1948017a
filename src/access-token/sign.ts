import { randomUUID } from 'node:crypto';

import { isPrintableName } from '../core/printable-name.ts';
import { describeTokenProblem } from '../core/token.ts';
import { parsePermission, type Permission } from './permissions.ts';
import {
  ALGORITHM,
  AUDIENCE,
  DEFAULT_TTL_SECONDS,
  DERIVATION,
  deriveSigningSecret,
  isSigningSecret,
  MAX_TOKEN_LENGTH,
  MAX_TTL_SECONDS,
  signatureOf,
  TYPE,
} from './protocol.ts';

/** What signs: the API key itself, or the secret that `deriveSigningSecret` makes of it. Exactly one of the two. */
export type SigningKey =
  | { readonly apiKey: string; readonly signingSecret?: undefined }
  | { readonly signingSecret: string; readonly apiKey?: undefined };

export type SignAccessTokenOptions = SigningKey & {
  /** The id of the API key (`key_...`), as `GET /whoami` tells it; not the key. */
  readonly apiKeyId: string;
  /** What the token may do, at most: the server grants nothing that the key itself may not do. */
  readonly permissions: readonly Permission[];
  /** The repositories, as `org/repo`, that the token is limited to. An empty list is none; null is no limit. */
  readonly repos: readonly string[] | null;
  /** How long the token works, in seconds: an integer from 1 to 86,400. An hour when absent. */
  readonly ttlSeconds?: number | undefined;
  /** The moment of signing; the present when absent. Fractions of a second are cut off. */
  readonly now?: Date | undefined;
  /** The token's own id; a random UUID when absent. */
  readonly jti?: string | undefined;
};

export interface SignedAccessToken {
  /** The token: a secret until it expires. */
  readonly token: string;
  /** The end, in ISO 8601 with milliseconds. */
  readonly expiresAt: string;
  readonly permissions: readonly Permission[];
  readonly repos: readonly string[] | null;
  readonly jti: string;
}

/** Name, code and, for the lifetime, text are those of Mesa's SDK. The message never contains a value. */
export class InvalidOptionsError extends Error {
  override readonly name = 'InvalidOptionsError';
  readonly code = 'INVALID_OPTIONS';
}

/**
 * Signs a short-lived access token, as Mesa's SDK does and as the server verifies it. Nothing is asked or sent: whether
 * the key is still valid, and allows what the token claims, is for the server to say.
 * @throws InvalidOptionsError for options that no server would accept, before anything is signed
 */
export function signAccessToken(options: SignAccessTokenOptions): SignedAccessToken {
  const { apiKeyId, permissions, repos, now = new Date(), jti = randomUUID() } = options;
  const ttlSeconds = options.ttlSeconds ?? DEFAULT_TTL_SECONDS;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
    throw new InvalidOptionsError(`Token TTL must be an integer between 1 and ${MAX_TTL_SECONDS} seconds`);
  }
  const problem = describeProblem(options, now, jti);
  if (problem !== undefined) {
    throw new InvalidOptionsError(problem);
  }
  const secret = signingSecretOf(options);
  const iat = Math.floor(now.getTime() / 1_000);
  const exp = iat + ttlSeconds;
  const header = { alg: ALGORITHM, typ: TYPE, kid: `${apiKeyId}.${DERIVATION}` };
  const claims = { iss: apiKeyId, aud: AUDIENCE, scopes: permissions, repos, iat, exp, jti };
  const signedText = `${encodePart(header)}.${encodePart(claims)}`;
  const token = `${signedText}.${signatureOf(signedText, secret)}`;
  if (token.length > MAX_TOKEN_LENGTH) {
    throw new InvalidOptionsError(`Token must not be longer than ${MAX_TOKEN_LENGTH} characters`);
  }
  return { token, expiresAt: new Date(exp * 1_000).toISOString(), permissions, repos, jti };
}

function describeProblem(options: SignAccessTokenOptions, now: Date, jti: string): string | undefined {
  const { apiKeyId, permissions, repos } = options;
  if (!isPrintableName(apiKeyId)) {
    return 'API key id must be 1 to 256 characters of ASCII without spaces';
  }
  if (!isPrintableName(jti)) {
    return 'Token id must be 1 to 256 characters of ASCII without spaces';
  }
  if (!Array.isArray(permissions) || permissions.some((word) => parsePermission(word) === undefined)) {
    return 'Token permissions must be a list of "read", "write" and "admin"';
  }
  if (repos !== null && !(Array.isArray(repos) && repos.every(isRepository))) {
    return 'Token repos must be null or a list of "org/repo" names';
  }
  if (!(now.getTime() >= 0)) {
    return 'Token must be signed at a moment after 1970';
  }
  return undefined;
}

function isRepository(name: unknown): boolean {
  return isPrintableName(name) && /^[^/]+\/[^/]+$/.test(name);
}

function signingSecretOf({ apiKey, signingSecret }: SigningKey): string {
  if ((apiKey === undefined) === (signingSecret === undefined)) {
    throw new InvalidOptionsError('Token needs an API key or a signing secret, and not both');
  }
  if (apiKey === undefined) {
    if (!isSigningSecret(signingSecret)) {
      throw new InvalidOptionsError('Signing secret must be 43 characters of base64url');
    }
    return signingSecret;
  }
  const problem = describeTokenProblem(apiKey);
  if (problem !== undefined) {
    throw new InvalidOptionsError(`API key ${problem}`);
  }
  return deriveSigningSecret(apiKey);
}

function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}
