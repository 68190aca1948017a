import { createHmac } from 'node:crypto';

import { deriveSigningSecret, signAccessToken } from 'mesa-auth/access-token';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { endSuite } from './support/authority.ts';
import { type InProcess, startInProcess } from './support/in-process.ts';
import { newKey, newRepo, type TestKey, tokenOf } from './support/keys.ts';
import { rest } from './support/rest.ts';

/** Contract section 8: real tokens of `@mesadev/sdk` 0.38.0, of a key that was made up. */
const GOLDEN_KEY = { id: 'key_01TEST', key: 'mesa_test_key_0123456789abcdef' };
const GOLDEN_TIME = new Date(1_767_225_600_123);
const HEADER = 'eyJhbGciOiJIUzI1NiIsInR5cCI6Im1lc2EtYXQrand0Iiwia2lkIjoia2V5XzAxVEVTVC52MSJ9';
const PAYLOAD_A =
  'eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsicmVhZCIsIndyaXRlIl0sInJlcG9zIjpbImFjbWUvd2ViIl0sImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ';
const VECTOR_A = `${HEADER}.${PAYLOAD_A}.RxHOJkMdPuQVYOE8YLL72zx5Zv7KMthQcUF7mMQBqhk`;
const VECTOR_B = `${HEADER}.eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsicmVhZCJdLCJyZXBvcyI6bnVsbCwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDAsImp0aSI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMiJ9.9VnKOcXk4wrRXKpTDXnn3paDew1wEIFOGFI1_TukS7c`;
const VECTOR_C = `${HEADER}.eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsiYWRtaW4iXSwicmVwb3MiOltdLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzMxMjAwMCwianRpIjoiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAzIn0.advh-_oD57_HHRdnZzchWGAqDvSNYGl4O38e5-FQha0`;
/** Signed with the raw key, the 32 bytes of the digest, and its hexadecimal text. */
const WRONG_A = [
  'LbbLYYBDjbHGxWqafHm8fVuBNQNoHNW6MFMyFWyQTvE',
  '2oK9j7RaIO7oxrW-00CVv8eAxls6rgL5qLoljH_kU7U',
  'ZIKpFr9GWjQgh4Y4BcqORW8gh91Ew1xre0wq3KUAquE',
].map((signature) => `${HEADER}.${PAYLOAD_A}.${signature}`);

const REFUSED = { error: { code: 'UNAUTHORIZED', message: 'Invalid API key or access token' } };

describe.each(['sqlite', 'postgres'] as const)('time and tokens on %s', (kind) => {
  let server: InProcess;
  const start = new Date();
  beforeAll(async () => {
    server = await startInProcess(kind);
    await newRepo(server, 'web');
    await newRepo(server, 'docs');
    await server.db
      .insertInto('api_keys')
      .values({
        id: GOLDEN_KEY.id,
        organization_id: server.organizationId,
        name: 'golden',
        folded_name: 'golden',
        digest: server.sealer.digest(GOLDEN_KEY.key),
        sealed_secret: server.sealer.seal(deriveSigningSecret(GOLDEN_KEY.key), GOLDEN_KEY.id),
        scopes: '["write"]',
        repo_ids: null,
        tags: '{}',
        created_at: 0,
        expires_at: null,
      })
      .execute();
  });
  afterAll(endSuite);
  const at = async <T>(now: Date, work: () => Promise<T>): Promise<T> => {
    server.clock.now = now;
    try {
      return await work();
    } finally {
      server.clock.now = start;
    }
  };
  const later = (seconds: number) => new Date(start.getTime() + seconds * 1_000);
  const get = (path: string, credential: string) => rest(server, 'GET', path, credential);

  it('accept the golden vectors of the contract, clamped to their key', async () => {
    await at(GOLDEN_TIME, async () => {
      expect((await get('/whoami', VECTOR_A)).body).toMatchObject({
        scopes: ['read', 'write'],
        key_id: null,
      });
      expect((await get('/acme/repos', VECTOR_A)).body.repos).toMatchObject([{ name: 'web' }]);
      expect((await get('/acme/docs', VECTOR_A)).status).toBe(403);
      expect((await get('/whoami', VECTOR_B)).body.scopes).toEqual(['read']);
      expect((await get('/acme/docs', VECTOR_B)).status).toBe(200);
      expect((await rest(server, 'DELETE', '/acme/docs', VECTOR_B)).status).toBe(403);
      // It claims admin, and no repository; its key is allowed to write.
      expect((await get('/whoami', VECTOR_C)).body.scopes).toEqual(['read', 'write']);
      expect((await get('/acme/repos', VECTOR_C)).body.repos).toEqual([]);
      expect((await get('/acme/web', VECTOR_C)).status).toBe(403);
      expect((await get('/acme/api-keys', VECTOR_C)).status).toBe(403);
      for (const wrong of WRONG_A) {
        expect(await get('/whoami', wrong)).toMatchObject({ status: 401, body: REFUSED });
      }
    });
  });

  it('accept a token to its last second and not in the next', async () => {
    const expiry = 1_767_229_200_000;
    await at(new Date(expiry - 1), async () => {
      expect((await get('/whoami', VECTOR_A)).status).toBe(200);
    });
    for (const now of [
      new Date(expiry),
      new Date(expiry + 1),
      start,
      new Date(1_767_225_600_000 - 300_001),
    ]) {
      await at(now, async () => {
        expect((await get('/whoami', VECTOR_A)).body).toEqual(REFUSED);
      });
    }
  });

  it('let an API key work until it expires, and its tokens no longer', async () => {
    const key = await newKey(server, { name: 'expiring', scopes: ['read'], expires_in_seconds: 100 });
    const token = tokenOf(key, ['read']);
    await at(later(99), async () => {
      expect((await get('/acme/web', key.key)).status).toBe(200);
      expect((await get('/acme/web', token)).status).toBe(200);
    });
    for (const seconds of [100, 101, 3_000]) {
      await at(later(seconds), async () => {
        expect(await get('/acme/web', key.key)).toMatchObject({ status: 401, body: REFUSED });
        expect(await get('/acme/web', token)).toMatchObject({ status: 401, body: REFUSED });
        const list = async (status: string) =>
          (await get(`/acme/api-keys?query=expiring&status=${status}`, server.adminKey)).body.api_keys;
        expect(await list('active')).toEqual([]);
        expect(await list('expired')).toMatchObject([{ id: key.id, revoked_at: null }]);
        expect(await list('all')).toHaveLength(1);
        expect(await list('revoked')).toEqual([]);
      });
    }
    expect((await rest(server, 'DELETE', `/acme/api-keys/${key.id}`, server.adminKey)).status).toBe(200);
    await at(later(200), async () => {
      const { body } = await get('/acme/api-keys?query=expiring&status=expired', server.adminKey);
      expect(body.api_keys).toEqual([]);
    });
  });

  it('clamp a token to its key with each request, as the key is then', async () => {
    const key = await newKey(server, { scopes: ['write'] });
    const token = tokenOf(key, ['read', 'write']);
    const change = (values: { scopes?: string; repo_ids?: string }) =>
      server.db
        .updateTable('api_keys')
        .set(values as never)
        .where('id', '=', key.id)
        .execute();
    const tag = () => rest(server, 'PATCH', '/acme/web', token, { tags: { a: 'b' } });
    expect((await tag()).status).toBe(200);
    await change({ scopes: '["read"]' });
    expect((await tag()).status).toBe(403);
    expect((await get('/acme/web', token)).status).toBe(200);
    expect((await get('/whoami', token)).body.scopes).toEqual(['read']);
    await change({ scopes: '["admin"]', repo_ids: '["repo_other"]' });
    expect((await tag()).status).toBe(403);
    expect((await get('/acme/repos', token)).body.repos).toEqual([]);
  });

  it('refuse what is no right credential with the same bytes, whatever is wrong', async () => {
    const good = await newKey(server, { scopes: ['read'] });
    const gone = await newKey(server, { scopes: ['read'] });
    await rest(server, 'DELETE', `/acme/api-keys/${gone.id}`, server.adminKey);
    const last = good.key.at(-1) === 'a' ? 'b' : 'a';
    const [header = '', payload = ''] = tokenOf(good, ['read']).split('.');
    const forged = (secret: string) => {
      const signature = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
      return `${header}.${payload}.${signature}`;
    };
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'mesa-at+jwt', kid: `${good.id}.v1` }));
    const row = await server.db
      .selectFrom('api_keys')
      .select(['digest', 'sealed_secret'])
      .where('id', '=', good.id)
      .executeTakeFirstOrThrow();
    const bad: Record<string, string> = {
      'an unknown key': 'mesa_0123456789012345678901234567890abcde',
      'a revoked key': gone.key,
      'a key with a wrong letter': good.key.slice(0, -1) + last,
      'a key in upper case': good.key.toUpperCase(),
      'a short key': 'mesa_x',
      'the id of a key': good.id,
      'a token of a revoked key': tokenOf(gone, ['read']),
      'a token of an unknown key': tokenOf({ ...good, id: 'key_unknown' }, ['read']),
      'a token signed with another key': tokenOf({ ...good, key: gone.key }, ['read']),
      'a token of the id of another key': tokenOf({ ...good, id: gone.id }, ['read']),
      'a token without a signature': `${none.toString('base64url')}.${payload}.`,
      'a token signed with what the database has': forged(
        Buffer.from(row.sealed_secret).toString('base64url'),
      ),
      'a token signed with the digest of the database': forged(Buffer.from(row.digest).toString('base64url')),
      'a token of more than a day': tokenWithLifetime(good, 86_401),
      'a token made in the future': signAccessToken({
        apiKeyId: good.id,
        apiKey: good.key,
        permissions: ['read'],
        repos: null,
        now: later(400),
      }).token,
      'a long text': 'x'.repeat(20_000),
      'a word': 'x',
    };
    expect((await get('/whoami', tokenWithLifetime(good, 86_400))).status).toBe(200);
    for (const [title, credential] of Object.entries(bad)) {
      const { status, headers, body } = await get('/whoami', credential);
      expect([title, status, body]).toEqual([title, 401, REFUSED]);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="mesa"');
    }
    // Everything that is wrong is in the log, and no credential is.
    expect(server.log()).toContain('"refusal":"WRONG_SIGNATURE"');
    const secrets = Object.values(bad).filter((text) => text.length > 30);
    for (const secret of [good.key, gone.key, server.adminKey, ...secrets]) {
      expect(server.log().includes(secret)).toBe(false);
    }
  });

  it('look for a key before refusing a token, whether or not it is there', async () => {
    const good = await newKey(server, { scopes: ['read'] });
    const spy = vi.spyOn(server.sealer, 'open');
    await get('/whoami', tokenOf({ ...good, id: 'key_unknown' }, ['read']));
    await get('/whoami', tokenOf({ ...good, key: GOLDEN_KEY.key }, ['read']));
    // As much work for a key that is not there as for a wrong signature.
    expect(spy.mock.calls.map(([, context]) => context)).toEqual(['', good.id]);
  });

  it('write the last uses of keys when they are flushed: the latest, and never an earlier one', async () => {
    const key = await newKey(server, { name: 'used' });
    const lastUse = async () => {
      const { body } = await get('/acme/api-keys?query=used', server.adminKey);
      return body.api_keys[0].last_used_at;
    };
    await at(later(10), () => get('/acme/web', key.key));
    await at(later(20), () => get('/acme/web', tokenOf(key, ['read'])));
    expect(await lastUse()).toBeNull();
    await server.lastUses.flush();
    expect(await lastUse()).toBe(later(20).toISOString());
    await at(later(5), () => get('/acme/web', key.key));
    await server.lastUses.flush();
    expect(await lastUse()).toBe(later(20).toISOString());
  });
});

/** The library signs none of more than a day. */
function tokenWithLifetime(key: TestKey, seconds: number): string {
  const iat = Math.floor(Date.now() / 1_000) - 60;
  const header = { alg: 'HS256', typ: 'mesa-at+jwt', kid: `${key.id}.v1` };
  const claims = { iss: key.id, aud: 'mesa-api', scopes: [], repos: null, iat, exp: iat + seconds, jti: 'j' };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = createHmac('sha256', deriveSigningSecret(key.key)).update(text).digest('base64url');
  return `${text}.${signature}`;
}
