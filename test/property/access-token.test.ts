import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { allows, PERMISSIONS } from '../../src/access-token/permissions.ts';
import { signAccessToken } from '../../src/access-token/sign.ts';
import { type AccessTokenVerdict, verifyAccessToken } from '../../src/access-token/verify.ts';
import {
  API_KEY,
  CLAIMS,
  GOLDEN_TOKENS,
  HEADER,
  KEY_ID,
  knownSecret,
  SIGNED_AT,
  signParts,
  signRaw,
} from '../support/access-tokens.ts';
import { findFault, expectShare, RUNS, textOf } from '../support/runs.ts';
import { MEMBER_NAMES, orgSlug, repoName } from './arbitraries.ts';

const OPTIONS = { numRuns: RUNS };
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
const [{ token: TOKEN }] = GOLDEN_TOKENS;

function verify(token: unknown): Promise<AccessTokenVerdict> {
  return verifyAccessToken(token, { signingSecretOf: knownSecret, now: SIGNED_AT });
}

const permissions = fc.uniqueArray(fc.constantFrom(...PERMISSIONS));
const repos = fc.option(
  fc.array(
    fc.tuple(orgSlug, repoName).map((names) => names.join('/')),
    { maxLength: 5 },
  ),
);

describe('an access token', () => {
  it('says after verification what was signed', async () => {
    const options = fc.record({
      permissions,
      repos,
      ttlSeconds: fc.integer({ min: 1, max: 86_400 }),
      jti: fc.stringMatching(/^[!-~]{1,40}$/),
    });
    await fc.assert(
      fc.asyncProperty(options, async (chosen) => {
        const signed = signAccessToken({ ...chosen, apiKeyId: KEY_ID, apiKey: API_KEY, now: SIGNED_AT });
        const verdict = await verify(signed.token);
        expect(verdict).toMatchObject({ ok: true, claims: { repos: chosen.repos, jti: chosen.jti } });
        const claimed = verdict.ok ? verdict.claims : undefined;
        expect(claimed?.expiresAt.toISOString()).toBe(signed.expiresAt);
        expect(claimed?.permissions).toEqual(PERMISSIONS.filter((one) => chosen.permissions.includes(one)));
      }),
      OPTIONS,
    );
  });

  it('is refused with each single character changed to each other one, left out or doubled', async () => {
    const accepted: string[] = [];
    for (const { token } of GOLDEN_TOKENS) {
      for (let at = 0; at < token.length; at += 1) {
        const [before, own, after] = [token.slice(0, at), token.charAt(at), token.slice(at + 1)];
        const others = ALPHABET.split('').filter((character) => character !== own);
        for (const put of [...others, '', own + own]) {
          const changed = before + put + after;
          if ((await verify(changed)).ok) {
            accepted.push(changed);
          }
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  it('is refused with any characters put in any place of it', async () => {
    const change = fc.record({
      at: fc.nat({ max: TOKEN.length }),
      length: fc.nat({ max: 3 }),
      put: fc.string({ unit: 'binary', maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, length, put }) => {
        const changed = TOKEN.slice(0, at) + put + TOKEN.slice(at + length);
        expect((await verify(changed)).ok).toBe(changed === TOKEN);
      }),
      OPTIONS,
    );
  });

  it('that is hostile is refused: nothing is thrown, and no prototype changes', async () => {
    const json = textOf(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"alg":"HS256"',
      '"typ":"mesa-at+jwt"',
      '1e999',
    );
    const part = fc.oneof(
      json.map((text) => Buffer.from(text).toString('base64url')),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
      fc.constantFrom(...TOKEN.split('.')),
    );
    const input = fc.oneof(
      fc.anything(),
      textOf('.', '=', ...TOKEN.split('.')),
      fc.tuple(part, part).map(([header, claims]) => signParts(header, claims)),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(input, async (token) => {
        const fault = await findFault(TOKEN, async () => {
          expect((await verify(token)).ok).toBe(token === TOKEN);
        });
        expect(fault).toBeUndefined();
      }),
      OPTIONS,
    );
  });

  it('signed by its key is refused unless it has exactly the claims, of the right types', async () => {
    const name = fc.constantFrom(...Object.keys(CLAIMS), ...MEMBER_NAMES, 'nbf');
    const change = fc.tuple(name, fc.oneof(fc.jsonValue(), fc.integer(), fc.constant(undefined)));
    let [accepted, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(change, async ([changed, value]) => {
        const claims = new Map<string, unknown>(Object.entries(CLAIMS)).set(changed, value);
        const verdict = await verify(signRaw(HEADER, Object.fromEntries(claims)));
        const isList =
          Array.isArray(value) && value.every((one) => /^"[!-~]{1,256}"$/.test(JSON.stringify(one)));
        const original = new Map<string, unknown>(Object.entries(CLAIMS)).get(changed);
        const mayPass =
          value === original ||
          (changed === 'scopes' && isList) ||
          (changed === 'repos' && (isList || value === null)) ||
          (changed === 'jti' && typeof value === 'string');
        accepted += verdict.ok ? 1 : 0;
        refused += verdict.ok ? 0 : 1;
        expect(!verdict.ok || mayPass).toBe(true);
      }),
      OPTIONS,
    );
    expectShare(accepted, 0.08);
    expectShare(refused, 0.4);
  });
});

describe('permissions', () => {
  it('allow less or as much when one is taken away, and only what one of them allows', () => {
    fc.assert(
      fc.property(permissions, fc.constantFrom(...PERMISSIONS), (granted, needed) => {
        expect(allows(granted, needed)).toBe(granted.some((one) => allows([one], needed)));
        expect(!allows(granted.slice(1), needed) || allows(granted, needed)).toBe(true);
      }),
      OPTIONS,
    );
  });
});
