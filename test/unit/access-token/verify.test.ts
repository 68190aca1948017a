import { describe, expect, it, vi } from 'vitest';

import { signAccessToken } from '../../../src/access-token/sign.ts';
import { verifyAccessToken, type AccessTokenVerdict } from '../../../src/access-token/verify.ts';
import {
  CLAIMS,
  GOLDEN_TOKENS,
  HEADER,
  KEY_ID,
  knownSecret,
  SIGNED_AT,
  SIGNING_SECRET,
  signParts,
  signRaw,
} from '../../support/access-tokens.ts';
import { encodePart } from '../../support/jwt.ts';

const [{ token: TOKEN }] = GOLDEN_TOKENS;
const [HEADER_PART = '', CLAIMS_PART = '', SIGNATURE = ''] = TOKEN.split('.');
const JSON_CLAIMS = JSON.stringify(CLAIMS);

function verify(token: unknown, now = SIGNED_AT): Promise<AccessTokenVerdict> {
  return verifyAccessToken(token, { signingSecretOf: knownSecret, now });
}

describe('verifying an access token', () => {
  it.each(GOLDEN_TOKENS)(
    'accepts the golden token $name and says what it is for',
    async ({ token, permissions, repos, jti, expiresAt }) => {
      expect(await verify(token)).toEqual({
        ok: true,
        claims: {
          keyId: KEY_ID,
          permissions,
          repos,
          issuedAt: new Date('2026-01-01T00:00:00.000Z'),
          expiresAt: new Date(expiresAt),
          jti,
        },
      });
    },
  );

  it.each([
    ['the API key itself', 'LbbLYYBDjbHGxWqafHm8fVuBNQNoHNW6MFMyFWyQTvE'],
    ['the 32 bytes of the digest', '2oK9j7RaIO7oxrW-00CVv8eAxls6rgL5qLoljH_kU7U'],
    ['the digest in hex', 'ZIKpFr9GWjQgh4Y4BcqORW8gh91Ew1xre0wq3KUAquE'],
  ])('refuses a signature made with %s, as the contract warns', async (_, signature) => {
    expect(await verify(`${HEADER_PART}.${CLAIMS_PART}.${signature}`)).toEqual({
      ok: false,
      reason: 'WRONG_SIGNATURE',
    });
  });

  it('takes any order of names and any whitespace: what counts is the signature', async () => {
    const { typ, ...rest } = HEADER;
    const claims = JSON.stringify(Object.fromEntries(Object.entries(CLAIMS).toReversed()), undefined, 2);
    expect(await verify(signRaw({ ...rest, typ }, claims))).toEqual(await verify(TOKEN));
  });

  it('is not confused by colons and quotes within texts', async () => {
    const repos = ['a"b":{"c":/x', '\\":\\\\'];
    expect(await verify(signRaw(HEADER, { ...CLAIMS, repos }))).toMatchObject({
      ok: true,
      claims: { repos },
    });
  });

  it('takes the longest key id that can be signed with', async () => {
    const apiKeyId = '\\'.repeat(256);
    const options = { apiKeyId, signingSecret: SIGNING_SECRET, permissions: [], repos: null, now: SIGNED_AT };
    const { token } = signAccessToken(options);
    const signingSecretOf = vi.fn(knownSecret).mockResolvedValue(SIGNING_SECRET);
    expect(await verifyAccessToken(token, { signingSecretOf, now: SIGNED_AT })).toMatchObject({
      ok: true,
      claims: { keyId: apiKeyId, permissions: [], repos: null },
    });
  });

  it('grants nothing for words that are no permission', async () => {
    const verdict = await verify(
      signRaw(HEADER, { ...CLAIMS, scopes: ['owner', 'write', 'Admin', 'write'] }),
    );
    expect(verdict).toMatchObject({ ok: true, claims: { permissions: ['write'] } });
  });

  it.each<[string, string, unknown]>([
    ['TOO_LONG', 'more than 16 KiB', `${TOKEN}${'A'.repeat(16_384)}`],
    ['MALFORMED', 'nothing', undefined],
    ['MALFORMED', 'an object with a method of its own', { toString: () => TOKEN, length: 3 }],
    ['MALFORMED', 'an empty text', ''],
    ['MALFORMED', 'two parts', `${HEADER_PART}.${CLAIMS_PART}`],
    ['MALFORMED', 'four parts', `${TOKEN}.${SIGNATURE}`],
    ['MALFORMED', 'a space at the end', `${TOKEN} `],
    ['MALFORMED', 'a line break at the end', `${TOKEN}\n`],
    ['MALFORMED', 'a scheme before it', `Bearer ${TOKEN}`],
    ['MALFORMED', 'padding', `${HEADER_PART}=.${CLAIMS_PART}.${SIGNATURE}`],
    ['MALFORMED', 'the other base64', `${HEADER_PART}.${CLAIMS_PART}.${SIGNATURE.slice(1)}+`],
    [
      'MALFORMED',
      'unused bits in the header',
      signParts(setUnusedBits(encodePart(`${JSON.stringify(HEADER)} `)), CLAIMS_PART),
    ],
    ['MALFORMED', 'a header that is a list', signRaw([HEADER], CLAIMS)],
    ['MALFORMED', 'a long header', signRaw(`${' '.repeat(1_024)}${JSON.stringify(HEADER)}`, CLAIMS)],
    ['MALFORMED', 'a header that is an empty list', signRaw([], CLAIMS)],
    ['MALFORMED', 'a header that is null', signRaw('null', CLAIMS)],
    ['MALFORMED', 'a header that is cut', signRaw(JSON.stringify(HEADER).slice(0, -1), CLAIMS)],
    [
      'MALFORMED',
      'a header that is no UTF-8',
      signParts(Buffer.from('{"a":"\xff"}', 'latin1').toString('base64url'), CLAIMS_PART),
    ],
    ['MALFORMED', 'a header with a byte order mark', signRaw(`\ufeff${JSON.stringify(HEADER)}`, CLAIMS)],
    [
      'MALFORMED',
      'a name twice in the header',
      signRaw(`{"alg":"none",${JSON.stringify(HEADER).slice(1)}`, CLAIMS),
    ],
    [
      'MALFORMED',
      'a name twice, once escaped',
      signRaw(`{"\\u0061lg":"none",${JSON.stringify(HEADER).slice(1)}`, CLAIMS),
    ],
    ['MALFORMED', 'an object in the header', signRaw({ ...HEADER, jwk: { k: '' } }, CLAIMS)],
    ['WRONG_ALGORITHM', 'no algorithm', signRaw({ typ: HEADER.typ, kid: HEADER.kid }, CLAIMS)],
    ['WRONG_ALGORITHM', 'the algorithm none', `${encodePart({ ...HEADER, alg: 'none' })}.${CLAIMS_PART}.`],
    ['WRONG_ALGORITHM', 'another HMAC', signRaw({ ...HEADER, alg: 'HS512' }, CLAIMS)],
    ['WRONG_ALGORITHM', 'another spelling', signRaw({ ...HEADER, alg: 'hs256' }, CLAIMS)],
    ['WRONG_ALGORITHM', 'a list of algorithms', signRaw({ ...HEADER, alg: ['HS256'] }, CLAIMS)],
    ['WRONG_ALGORITHM', 'an inherited algorithm', signRaw('{"__proto__":"x","typ":"mesa-at+jwt"}', CLAIMS)],
    ['WRONG_TYPE', 'another kind of JWT', signRaw({ ...HEADER, typ: 'JWT' }, CLAIMS)],
    ['WRONG_TYPE', 'no type', signRaw({ alg: HEADER.alg, kid: HEADER.kid }, CLAIMS)],
    ['WRONG_KEY_ID', 'no key', signRaw({ alg: HEADER.alg, typ: HEADER.typ }, CLAIMS)],
    ['WRONG_KEY_ID', 'no derivation', signRaw({ ...HEADER, kid: KEY_ID }, CLAIMS)],
    ['WRONG_KEY_ID', 'another derivation', signRaw({ ...HEADER, kid: `${KEY_ID}.v2` }, CLAIMS)],
    ['WRONG_KEY_ID', 'a key without name', signRaw({ ...HEADER, kid: '.v1' }, CLAIMS)],
    ['WRONG_KEY_ID', 'a control character in it', signRaw({ ...HEADER, kid: 'key\u0000.v1' }, CLAIMS)],
    ['WRONG_KEY_ID', 'a number', signRaw({ ...HEADER, kid: 1 }, CLAIMS)],
    ['WRONG_KEY_ID', 'a demand in the header', signRaw({ ...HEADER, crit: ['exp'] }, CLAIMS)],
    ['UNKNOWN_KEY', 'another key', signRaw({ ...HEADER, kid: 'key_02TEST.v1' }, CLAIMS)],
    [
      'UNKNOWN_KEY',
      'a key with dots, cut at the last one',
      signRaw({ ...HEADER, kid: `${KEY_ID}.v1.v1` }, CLAIMS),
    ],
    ['WRONG_SIGNATURE', 'no signature', `${HEADER_PART}.${CLAIMS_PART}.`],
    ['WRONG_SIGNATURE', 'half a signature', TOKEN.slice(0, -20)],
    ['WRONG_SIGNATURE', 'a longer signature', `${TOKEN}A`],
    [
      'WRONG_SIGNATURE',
      'unused bits in the signature',
      `${HEADER_PART}.${CLAIMS_PART}.${setUnusedBits(SIGNATURE)}`,
    ],
    [
      'WRONG_SIGNATURE',
      'other claims',
      `${HEADER_PART}.${encodePart({ ...CLAIMS, scopes: ['admin'] })}.${SIGNATURE}`,
    ],
    ['WRONG_ISSUER', 'another issuer', signRaw(HEADER, { ...CLAIMS, iss: 'key_02TEST' })],
    ['WRONG_AUDIENCE', 'another audience', signRaw(HEADER, { ...CLAIMS, aud: 'mesa' })],
    ['WRONG_AUDIENCE', 'a list of audiences', signRaw(HEADER, { ...CLAIMS, aud: ['mesa-api'] })],
    ['INVALID_CLAIMS', 'no claims', signRaw(HEADER, 'true')],
    [
      'INVALID_CLAIMS',
      'unused bits in the claims',
      signParts(HEADER_PART, setUnusedBits(encodePart(`${JSON_CLAIMS} `))),
    ],
    ['INVALID_CLAIMS', 'a claim twice', signRaw(HEADER, `{"exp":1,${JSON_CLAIMS.slice(1)}`)],
    [
      'INVALID_CLAIMS',
      'a claim twice, once escaped',
      signRaw(HEADER, `{"\\u0065xp":1,${JSON_CLAIMS.slice(1)}`),
    ],
    ['INVALID_CLAIMS', '__proto__', signRaw(HEADER, `{"__proto__":{},${JSON_CLAIMS.slice(1)}`)],
    [
      'INVALID_CLAIMS',
      '__proto__ in place of a claim',
      signRaw(HEADER, JSON_CLAIMS.replace('"jti"', '"__proto__"')),
    ],
    ['INVALID_CLAIMS', 'a restriction that is not known', signRaw(HEADER, { ...CLAIMS, repo_ids: ['r1'] })],
    ['INVALID_CLAIMS', 'a start', signRaw(HEADER, { ...CLAIMS, nbf: CLAIMS.iat })],
    ['INVALID_CLAIMS', 'no repos', signRaw(HEADER, { ...CLAIMS, repos: undefined })],
    ['INVALID_CLAIMS', 'one repo', signRaw(HEADER, { ...CLAIMS, repos: 'acme/web' })],
    ['INVALID_CLAIMS', 'lists of repos', signRaw(HEADER, { ...CLAIMS, repos: [['acme/web']] })],
    ['INVALID_CLAIMS', 'an object in a list', signRaw(HEADER, { ...CLAIMS, repos: [{ name: 'acme/web' }] })],
    ['INVALID_CLAIMS', 'a NUL in a name', signRaw(HEADER, { ...CLAIMS, repos: ['acme/\u0000'] })],
    ['INVALID_CLAIMS', 'one scope', signRaw(HEADER, { ...CLAIMS, scopes: 'read' })],
    ['INVALID_CLAIMS', 'no scopes', signRaw(HEADER, { ...CLAIMS, scopes: null })],
    ['INVALID_CLAIMS', 'no id', signRaw(HEADER, { ...CLAIMS, jti: undefined })],
    ['INVALID_CLAIMS', 'an empty id', signRaw(HEADER, { ...CLAIMS, jti: '' })],
    ['INVALID_CLAIMS', 'a time in quotes', signRaw(HEADER, { ...CLAIMS, exp: String(CLAIMS.exp) })],
    ['INVALID_CLAIMS', 'half a second', signRaw(HEADER, { ...CLAIMS, exp: CLAIMS.exp + 0.5 })],
    ['INVALID_CLAIMS', 'no end', signRaw(HEADER, { ...CLAIMS, exp: undefined })],
    ['INVALID_CLAIMS', 'an infinite end', signRaw(HEADER, JSON_CLAIMS.replace(String(CLAIMS.exp), '1e999'))],
    ['INVALID_CLAIMS', 'an end in milliseconds', signRaw(HEADER, { ...CLAIMS, exp: CLAIMS.exp * 1_000 })],
    ['INVALID_CLAIMS', 'a start before 1970', signRaw(HEADER, { ...CLAIMS, iat: -1 })],
    ['EXPIRED', 'an end in the past', signRaw(HEADER, { ...CLAIMS, iat: 1, exp: 3_601 })],
    [
      'INVALID_LIFETIME',
      'a second more than a day',
      signRaw(HEADER, { ...CLAIMS, exp: CLAIMS.iat + 86_401 }),
    ],
    ['INVALID_LIFETIME', 'no time at all', signRaw(HEADER, { ...CLAIMS, iat: CLAIMS.exp })],
    ['INVALID_LIFETIME', 'an end before the start', signRaw(HEADER, { ...CLAIMS, iat: CLAIMS.exp + 1 })],
    [
      'NOT_YET_ISSUED',
      'a day next year',
      signRaw(HEADER, { ...CLAIMS, iat: CLAIMS.iat + 31_536_000, exp: CLAIMS.exp + 31_536_000 }),
    ],
  ])('refuses as %s: %s', async (reason, _, token) => {
    expect(await verify(token)).toEqual({ ok: false, reason });
  });

  it('ends with the last millisecond, without any grace', async () => {
    const end = CLAIMS.exp * 1_000;
    expect(await verify(TOKEN, new Date(end - 1))).toMatchObject({ ok: true });
    expect(await verify(TOKEN, new Date(end))).toEqual({ ok: false, reason: 'EXPIRED' });
    expect(await verify(TOKEN, new Date(Number.NaN))).toEqual({ ok: false, reason: 'EXPIRED' });
  });

  it('takes a token of a signer whose clock is five minutes ahead, and no more', async () => {
    const start = CLAIMS.iat * 1_000;
    expect(await verify(TOKEN, new Date(start - 300_000))).toMatchObject({ ok: true });
    expect(await verify(TOKEN, new Date(start - 300_001))).toEqual({ ok: false, reason: 'NOT_YET_ISSUED' });
  });

  it('looks at the present when no moment is given', async () => {
    expect(await verifyAccessToken(TOKEN, { signingSecretOf: knownSecret })).toEqual({
      ok: false,
      reason: 'EXPIRED',
    });
  });

  it('asks for no secret before algorithm, type and key id are right, and then for that key once', async () => {
    const signingSecretOf = vi.fn(knownSecret);
    for (const header of [
      { ...HEADER, alg: 'none' },
      { ...HEADER, typ: 'JWT' },
      { ...HEADER, kid: 'x' },
    ]) {
      await verifyAccessToken(signRaw(header, CLAIMS), { signingSecretOf, now: SIGNED_AT });
    }
    expect(signingSecretOf).not.toHaveBeenCalled();
    await verifyAccessToken(TOKEN, { signingSecretOf, now: SIGNED_AT });
    expect(signingSecretOf.mock.calls).toEqual([[KEY_ID]]);
  });

  it.each(['', 'x', `${SIGNING_SECRET}=`])(
    'does not verify with a secret that is none: %j',
    async (secret) => {
      await expect(
        verifyAccessToken(TOKEN, { signingSecretOf: () => Promise.resolve(secret), now: SIGNED_AT }),
      ).rejects.toThrow(new TypeError('a signing secret is 43 characters of base64url'));
    },
  );

  it('passes on that a secret could not be looked up: that is no refusal', async () => {
    const failure = new Error('the database is away');
    await expect(
      verifyAccessToken(TOKEN, { signingSecretOf: () => Promise.reject(failure), now: SIGNED_AT }),
    ).rejects.toBe(failure);
  });
});

/** The same bytes in a spelling that is not canonical. */
function setUnusedBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const changed = part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
  expect(Buffer.from(changed, 'base64url').equals(Buffer.from(part, 'base64url'))).toBe(true);
  expect(changed).not.toBe(part);
  return changed;
}
