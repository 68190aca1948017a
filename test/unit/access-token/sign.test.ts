import { describe, expect, it } from 'vitest';

import { deriveSigningSecret } from '../../../src/access-token/protocol.ts';
import {
  InvalidOptionsError,
  signAccessToken,
  type SignAccessTokenOptions,
} from '../../../src/access-token/sign.ts';
import { API_KEY, GOLDEN_TOKENS, KEY_ID, SIGNED_AT, SIGNING_SECRET } from '../../support/access-tokens.ts';

const OPTIONS = {
  apiKeyId: KEY_ID,
  apiKey: API_KEY,
  permissions: ['read'],
  repos: ['acme/web'],
  now: SIGNED_AT,
} as const satisfies SignAccessTokenOptions;

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

describe('signing an access token', () => {
  it.each(GOLDEN_TOKENS)(
    'gives the golden token $name, byte for byte, from the key and from its signing secret',
    ({ permissions, repos, ttlSeconds, jti, expiresAt, token }) => {
      const options = { apiKeyId: KEY_ID, permissions, repos, ttlSeconds, jti, now: SIGNED_AT };
      const signed = { token, expiresAt, permissions, repos, jti };
      expect(signAccessToken({ ...options, apiKey: API_KEY })).toEqual(signed);
      expect(signAccessToken({ ...options, signingSecret: SIGNING_SECRET })).toEqual(signed);
    },
  );

  it('derives the signing secret as the server stores it', () => {
    expect(deriveSigningSecret(API_KEY)).toBe(SIGNING_SECRET);
  });

  it('takes the present and an id of its own when none is given', () => {
    const before = Math.floor(Date.now() / 1_000);
    const [first, second] = [1, 2].map(() => signAccessToken({ ...OPTIONS, now: undefined }));
    const claims = claimsOf(first?.token ?? '');
    expect(claims['iat']).toBeGreaterThanOrEqual(before);
    expect(claims['iat']).toBeLessThanOrEqual(Date.now() / 1_000);
    expect(claims['jti']).toBe(first?.jti);
    expect(first?.jti).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(second?.jti).not.toBe(first?.jti);
  });

  it.each([1, 3_600, 86_400])('accepts a lifetime of %d seconds', (ttlSeconds) => {
    const claims = claimsOf(signAccessToken({ ...OPTIONS, ttlSeconds }).token);
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(ttlSeconds);
  });

  it.each([0, -1, 1.5, 86_401, Number.NaN, Number.POSITIVE_INFINITY, '3600' as unknown as number])(
    'refuses a lifetime of %j with the words of the SDK',
    (ttlSeconds) => {
      const error = refusalOf({ ...OPTIONS, ttlSeconds });
      expect(error).toMatchObject({
        name: 'InvalidOptionsError',
        code: 'INVALID_OPTIONS',
        message: 'Token TTL must be an integer between 1 and 86400 seconds',
      });
    },
  );

  it.each<[string, Record<string, unknown>]>([
    ['API key id', { apiKeyId: '' }],
    ['API key id', { apiKeyId: 'key 1' }],
    ['API key id', { apiKeyId: 'k'.repeat(257) }],
    ['API key id', { apiKeyId: undefined }],
    ['Token id', { jti: 'a\nb' }],
    ['Token permissions', { permissions: ['owner'] }],
    ['Token permissions', { permissions: 'read' }],
    ['Token repos', { repos: undefined }],
    ['Token repos', { repos: 'acme/web' }],
    ['Token repos', { repos: ['web'] }],
    ['Token repos', { repos: ['acme/web/x'] }],
    ['Token repos', { repos: ['acme/we b'] }],
    ['Token must be signed', { now: new Date(Number.NaN) }],
    ['Token must be signed', { now: new Date(-1) }],
    ['Token must not be longer', { repos: Array.from({ length: 1_500 }, (_, n) => `acme/repo-${n}`) }],
    ['Token needs', { apiKey: undefined }],
    ['Token needs', { signingSecret: SIGNING_SECRET }],
    ['API key is empty', { apiKey: '' }],
    ['API key contains a line break', { apiKey: `${API_KEY}\n` }],
    ['Signing secret', { apiKey: undefined, signingSecret: '' }],
    ['Signing secret', { apiKey: undefined, signingSecret: API_KEY }],
    ['Signing secret', { apiKey: undefined, signingSecret: `${SIGNING_SECRET}=` }],
  ])('refuses what no server would accept, without repeating it: %s (%j)', (message, change) => {
    const error = refusalOf({ ...OPTIONS, ...change });
    expect(error.message).toMatch(new RegExp(`^${message}`));
    expect(error.message).not.toContain(API_KEY);
    expect(error.message).not.toContain(SIGNING_SECRET);
  });
});

function refusalOf(options: SignAccessTokenOptions): InvalidOptionsError {
  try {
    signAccessToken(options);
  } catch (error) {
    if (error instanceof InvalidOptionsError) {
      return error;
    }
    throw error;
  }
  throw new Error('it was signed');
}
