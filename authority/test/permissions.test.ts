import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, KINDS, startAuthority } from './support/authority.ts';
import { newKey, newRepo, revoke, type TestKey, tokenOf } from './support/keys.ts';
import { OPERATIONS, type Permission, PERMISSIONS } from './support/operations.ts';
import { rest } from './support/rest.ts';

const FORBIDDEN = { status: 403, body: { error: { code: 'FORBIDDEN' } } };

interface Credential {
  readonly value: string;
  readonly permission: Permission;
  readonly isToken: boolean;
  readonly isRestricted: boolean;
}

describe.each(KINDS)('permissions on %s', (kind) => {
  let authority: Authority;
  let web = '';
  let docs = '';
  let restrictedKey: TestKey;
  const credentials = new Map<string, Credential>();
  beforeAll(async () => {
    authority = await startAuthority(kind);
    [web, docs] = [await newRepo(authority, 'web'), await newRepo(authority, 'docs')];
    const admin = await newKey(authority, { scopes: ['admin'] });
    restrictedKey = await newKey(authority, { scopes: ['read'], repo_ids: [web] });
    for (const permission of PERMISSIONS) {
      const key = await newKey(authority, { scopes: [permission] });
      const restricted = await newKey(authority, { scopes: [permission], repo_ids: [web] });
      const base = { permission, isToken: false, isRestricted: false };
      credentials.set(`${permission} key`, { ...base, value: key.key });
      credentials.set(`restricted ${permission} key`, { ...base, value: restricted.key, isRestricted: true });
      const token = { ...base, isToken: true };
      credentials.set(`${permission} token`, { ...token, value: tokenOf(admin, [permission]) });
      credentials.set(`admin token of a ${permission} key`, { ...token, value: tokenOf(key, ['admin']) });
      credentials.set(`restricted ${permission} token`, {
        ...token,
        value: tokenOf(admin, [permission], ['acme/web']),
        isRestricted: true,
      });
      credentials.set(`token of a restricted ${permission} key`, {
        ...token,
        value: tokenOf(restricted, ['admin']),
        isRestricted: true,
      });
    }
  });
  afterAll(endSuite);

  it.each(OPERATIONS)('to $title are those of seed 002, for every kind of credential', async (operation) => {
    expect(credentials.size).toBe(18);
    const { needs, method, path, body, status, of } = operation;
    for (const [title, { value, permission, isToken, isRestricted }] of credentials) {
      const mayEver =
        PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf(needs) && !(of === 'keys' && isToken);
      // A restricted admin makes no key for all repositories, and manages those of its own.
      const isDone = mayEver && !(isRestricted && (of === 'all repositories' || operation.method === 'POST'));
      const reply = await rest(
        authority,
        method,
        path({ repo: 'web', keyId: restrictedKey.id }),
        value,
        body,
      );
      expect([title, reply.status]).toEqual([title, isDone ? status : 403]);
      if (!isDone) {
        expect(reply.body).toEqual({ error: { code: 'FORBIDDEN', message: expect.any(String) } });
      }
      if (of === 'repository') {
        const other = await rest(authority, method, path({ repo: 'docs', keyId: '' }), value, body);
        expect([title, other.status]).toEqual([title, mayEver && !isRestricted ? status : 403]);
      }
    }
    if (operation.title === 'revoke an API key') {
      restrictedKey = await newKey(authority, { scopes: ['read'], repo_ids: [web] });
    }
  });

  it('to delete a repository are those of seed 002, too', async () => {
    for (const [title, { value, permission, isRestricted }] of credentials) {
      await newRepo(authority, 'to-delete');
      const isDone = permission !== 'read' && !isRestricted;
      const reply = await rest(authority, 'DELETE', '/acme/to-delete', value);
      expect([title, reply.status]).toEqual([title, isDone ? 200 : 403]);
      const there = await rest(authority, 'GET', '/acme/to-delete', authority.adminKey);
      expect([title, there.status]).toEqual([title, isDone ? 404 : 200]);
      await rest(authority, 'DELETE', '/acme/to-delete', authority.adminKey);
    }
  });

  it('are those of one organization: another one is FORBIDDEN, whether or not it is there', async () => {
    for (const { path, method, body } of OPERATIONS) {
      for (const other of ['globex', 'ACME', 'acme%20']) {
        const there = path({ repo: 'web', keyId: 'x' }).replace('/acme', `/${other}`);
        expect(await rest(authority, method, there, authority.adminKey, body)).toMatchObject({
          status: 403,
          body: { error: { code: 'FORBIDDEN', message: 'The credential is for another organization' } },
        });
      }
    }
  });

  it('let a restricted credential see only its repositories, and not tell others from none', async () => {
    for (const title of [
      'restricted admin key',
      'restricted admin token',
      'token of a restricted admin key',
    ]) {
      const value = credentials.get(title)?.value;
      const list = await rest(authority, 'GET', '/acme/repos', value);
      expect(list.body.repos.map(({ name }: { name: string }) => name)).toEqual(['web']);
      expect((await rest(authority, 'GET', '/acme', value)).body.num_repos).toBe(1);
      const [other, none] = [
        await rest(authority, 'GET', '/acme/docs', value),
        await rest(authority, 'GET', '/acme/none', value),
      ];
      expect(other).toMatchObject(FORBIDDEN);
      expect(none.body).toEqual(other.body);
    }
  });

  it('of a token that names no repository are none, and foreign names match nothing', async () => {
    const key = await newKey(authority, { scopes: ['write'] });
    for (const repos of [[], ['other/web'], ['acme/none'], ['acme/WEB']]) {
      const token = tokenOf(key, ['write'], repos);
      expect((await rest(authority, 'GET', '/acme/repos', token)).body.repos).toEqual([]);
      expect(await rest(authority, 'GET', '/acme/web', token)).toMatchObject(FORBIDDEN);
    }
    const many = tokenOf(key, ['read'], ['acme/web', ...Array.from({ length: 1_100 }, (_, i) => `a/${i}`)]);
    expect((await rest(authority, 'GET', '/acme/repos', many)).body.repos).toHaveLength(1);
  });

  it('of a token are told by whoami as they are now', async () => {
    const writer = await newKey(authority, { scopes: ['read', 'write'] });
    const scopesOf = async (token: string) => (await rest(authority, 'GET', '/whoami', token)).body.scopes;
    expect(await scopesOf(tokenOf(writer, ['admin']))).toEqual(['read', 'write']);
    expect(await scopesOf(tokenOf(writer, ['read']))).toEqual(['read']);
    expect(await scopesOf(tokenOf(writer, []))).toEqual([]);
    expect(await rest(authority, 'GET', '/acme/repos', tokenOf(writer, []))).toMatchObject(FORBIDDEN);
  });

  it('are never managed by a token, not even an admin one of an admin key', async () => {
    const admin = await newKey(authority, { scopes: ['admin'] });
    const token = tokenOf(admin, ['read', 'write', 'admin']);
    const before = (await rest(authority, 'GET', '/acme/api-keys?limit=100', authority.adminKey)).body;
    for (const { method, path, body } of OPERATIONS.filter(({ of }) => of === 'keys')) {
      const reply = await rest(authority, method, path({ repo: 'web', keyId: admin.id }), token, body);
      expect(reply).toMatchObject(FORBIDDEN);
    }
    const after = (await rest(authority, 'GET', '/acme/api-keys?limit=100', authority.adminKey)).body;
    expect(after.api_keys.map(withoutUse)).toEqual(before.api_keys.map(withoutUse));
  });

  it('of a new key are never more than those of its maker', async () => {
    const admin = await newKey(authority, { scopes: ['admin'], repo_ids: [web] });
    const create = (body: object) => rest(authority, 'POST', '/acme/api-keys', admin.key, body);
    const outside: readonly object[] = [
      {},
      { scopes: ['admin'] },
      { repo_ids: [docs] },
      { repo_ids: [web, docs] },
      { repo_ids: ['none'] },
    ];
    for (const body of outside) {
      expect(await create(body)).toMatchObject(FORBIDDEN);
    }
    const made = await create({ scopes: ['admin'], repo_ids: [web, web] });
    expect(made).toMatchObject({ status: 201, body: { scopes: ['admin'], repo_ids: [web] } });
    const unrestricted = await rest(authority, 'POST', '/acme/api-keys', authority.adminKey, {
      repo_ids: [web, 'none'],
    });
    expect(unrestricted).toMatchObject({
      status: 400,
      body: { error: { code: 'BAD_REQUEST', details: { repo_ids: ['none'] } } },
    });
  });

  it('of a restricted admin reach the keys within its repositories; others are as none', async () => {
    const admin = await newKey(authority, { scopes: ['admin'], repo_ids: [web] });
    const within = await newKey(authority, { scopes: ['write'], repo_ids: [web] });
    const wider = await newKey(authority, { scopes: ['read'], repo_ids: [web, docs] });
    const all = await newKey(authority, { scopes: ['read'] });
    const list = await rest(authority, 'GET', '/acme/api-keys?limit=100', admin.key);
    const ids: readonly string[] = list.body.api_keys.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(expect.arrayContaining([admin.id, within.id]));
    expect(ids).not.toContain(wider.id);
    expect(ids).not.toContain(all.id);
    for (const [method, body] of [['DELETE'], ['PATCH', { tags: { a: 'b' } }]] as const) {
      const none = await rest(authority, method, '/acme/api-keys/key_none', admin.key, body);
      expect(none).toMatchObject(FORBIDDEN);
      for (const { id, key } of [wider, all]) {
        const refused = await rest(authority, method, `/acme/api-keys/${id}`, admin.key, body);
        expect([refused.status, refused.body]).toEqual([none.status, none.body]);
        expect(await rest(authority, 'GET', '/whoami', key)).toMatchObject({ status: 200 });
      }
    }
    expect(await rest(authority, 'DELETE', `/acme/api-keys/${within.id}`, admin.key)).toMatchObject({
      status: 200,
    });
    expect(await rest(authority, 'GET', '/whoami', within.key)).toMatchObject({ status: 401 });
  });

  it('end with the key: each of its tokens at once, on every server', async () => {
    const key = await newKey(authority, { scopes: ['write'] });
    const tokens = [tokenOf(key, ['read']), tokenOf(key, ['write'], ['acme/web'])];
    const everywhere = [authority.url, ...authority.servers.map(({ url }) => url)];
    for (const url of everywhere) {
      for (const credential of [key.key, ...tokens]) {
        expect(await rest({ url }, 'GET', '/acme/web', credential)).toMatchObject({ status: 200 });
      }
    }
    await revoke(authority, key.id);
    for (const url of everywhere) {
      for (const credential of [key.key, ...tokens]) {
        expect(await rest({ url }, 'GET', '/acme/web', credential)).toMatchObject({ status: 401 });
      }
    }
  });

  it('of a key stay within a repository that was deleted and made again under its name', async () => {
    const old = await newRepo(authority, 'again');
    const key = await newKey(authority, { scopes: ['write'], repo_ids: [old] });
    await rest(authority, 'DELETE', '/acme/again', authority.adminKey);
    await newRepo(authority, 'again');
    expect(await rest(authority, 'GET', '/acme/again', key.key)).toMatchObject(FORBIDDEN);
    expect((await rest(authority, 'GET', '/acme/repos', key.key)).body.repos).toEqual([]);
  });
});

function withoutUse(key: object): object {
  return { ...key, last_used_at: undefined };
}
