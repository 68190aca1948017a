// What signing and verifying must agree on: Mesa's access tokens are compact JWS (RFC 7515) with HMAC-SHA-256.
import { createHash, createHmac } from 'node:crypto';

export const ALGORITHM = 'HS256';
export const TYPE = 'mesa-at+jwt';
export const AUDIENCE = 'mesa-api';
/** How the signing secret comes from the API key; the end of `kid`. */
export const DERIVATION = 'v1';

export const DEFAULT_TTL_SECONDS = 3_600;
export const MAX_TTL_SECONDS = 86_400;
/** Of a whole token, in characters. */
export const MAX_TOKEN_LENGTH = 16_384;

const SIGNING_SECRET = /^[A-Za-z0-9_-]{43}$/;

/**
 * The secret that signs the access tokens of an API key: SHA-256 of the key in unpadded base64url, 43 characters. A
 * server that stores this digest can verify tokens without the key. Whoever reads the digest can sign tokens, so it
 * has to be kept as the key itself would be.
 */
export function deriveSigningSecret(apiKey: string): string {
  return createHash('sha256').update(apiKey, 'utf8').digest('base64url');
}

/** Whether `text` can be what `deriveSigningSecret` gives. */
export function isSigningSecret(text: string): boolean {
  return SIGNING_SECRET.test(text);
}

/** The third part of a token. The HMAC key is the text of the secret, not the 32 bytes that it spells. */
export function signatureOf(signedText: string, signingSecret: string): string {
  return createHmac('sha256', signingSecret).update(signedText, 'utf8').digest('base64url');
}
