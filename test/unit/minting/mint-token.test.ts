import { expect, it } from 'vitest';

import { verifyAccessToken } from '../../../src/access-token/verify.ts';
import { Token } from '../../../src/core/token.ts';
import { learnKeyId } from '../../../src/minting/learn-key-id.ts';
import { mintToken, type MintingKey } from '../../../src/minting/mint-token.ts';
import { API_KEY, KEY_ID, SIGNED_AT, SIGNING_SECRET } from '../../support/access-tokens.ts';
import { answerJson, IDENTITY, startApiServer } from '../../support/api-server.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const ACME = { kind: 'org', org: 'acme' } as const;
const ORDER = { permissions: ['read'], repos: ['acme/web'], ttlSeconds: 900 } as const;

function keyWith(fields: Partial<MintingKey>): MintingKey {
  return { token: Token.parse(API_KEY), source: 'orgs/acme', keyId: KEY_ID, ...fields };
}

function nobody(): Promise<string> {
  return Promise.reject(new Error('the server was asked'));
}

it('signs, without asking anybody, what the server verifies with the digest of the key', async () => {
  const minted = await mintToken(keyWith({}), ORDER, { now: SIGNED_AT, learnKeyId: nobody });
  const verdict = await verifyAccessToken(minted.token.reveal(), {
    signingSecretOf: (id) => Promise.resolve(id === KEY_ID ? SIGNING_SECRET : undefined),
    now: SIGNED_AT,
  });
  expect(verdict).toMatchObject({
    ok: true,
    claims: { keyId: KEY_ID, permissions: ['read'], repos: ['acme/web'] },
  });
  expect(minted).toMatchObject({ expires: new Date('2026-01-01T00:15:00.000Z'), keyId: KEY_ID });
});

it('refuses to sign with a short-lived token, whose signature no server would accept, and asks nobody', async () => {
  const { token } = await mintToken(keyWith({}), ORDER, { now: SIGNED_AT, learnKeyId: nobody });
  for (const keyId of [KEY_ID, undefined]) {
    await expect(
      mintToken(keyWith({ token, keyId }), ORDER, { now: SIGNED_AT, learnKeyId: nobody }),
    ).rejects.toMatchObject({
      code: 'INVALID_KEY',
      message: 'the key for orgs/acme is a short-lived token, which cannot sign others',
      hint: 'give an API key: mesa auth set-key --org acme',
    });
  }
});

it('says in our words what no server would accept', async () => {
  const order = { ...ORDER, ttlSeconds: 86_401 };
  await expect(mintToken(keyWith({}), order, { now: SIGNED_AT, learnKeyId: nobody })).rejects.toMatchObject({
    code: 'USAGE',
    message: 'token TTL must be an integer between 1 and 86400 seconds',
  });
});

function learn(apiUrl: string, store: MemoryStore | undefined, key: Partial<MintingKey> = {}) {
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  return {
    id: learnKeyId(keyWith({ keyId: undefined, ...key }), { store, apiUrl, env: {}, warn }),
    warnings,
  };
}

it('learns the id of a key once, and remembers it with that key', async () => {
  const { url, requests } = await startApiServer();
  const store = new MemoryStore(() => new Date());
  await store.apply([{ kind: 'set', scope: ACME, token: Token.parse(API_KEY) }]);
  const { id, warnings } = learn(url, store);
  expect(await id).toBe(KEY_ID);
  expect((await store.read()).get('orgs/acme')?.keyId).toBe(KEY_ID);
  expect([requests, warnings]).toEqual([['GET /v1/whoami'], []]);
});

it('gives another key that came meanwhile no id that is not its own', async () => {
  const store = new MemoryStore(() => new Date());
  await store.apply([{ kind: 'set', scope: ACME, token: Token.parse('mesa_another') }]);
  expect(await learn((await startApiServer()).url, store).id).toBe(KEY_ID);
  expect((await store.read()).get('orgs/acme')?.keyId).toBeUndefined();
});

it('stores nothing of a key from the environment', async () => {
  const { id } = learn((await startApiServer()).url, undefined, { source: 'MESA_API_KEY' });
  expect(await id).toBe(KEY_ID);
});

it('refuses a key to which the server gives no id', async () => {
  const { url } = await startApiServer((_, response) => {
    answerJson(response, 200, { ...IDENTITY, key_id: null });
  });
  await expect(learn(url, undefined).id).rejects.toMatchObject({ code: 'INVALID_KEY' });
});
