import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, KINDS, startAuthority } from './support/authority.ts';
import { newKey, newRepo } from './support/keys.ts';
import { rest } from './support/rest.ts';

const BAD_REQUEST = { status: 400, body: { error: { code: 'BAD_REQUEST' } } };
const CONFLICT = { status: 409, body: { error: { code: 'CONFLICT' } } };

describe.each(KINDS)('repositories on %s', (kind) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority(kind);
  });
  afterAll(endSuite);
  const call = (method: string, path: string, body?: unknown) =>
    rest(authority, method, `/acme${path}`, authority.adminKey, body);

  async function names(query = ''): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { status, body } = await call('GET', `/repos?${query}${after}`);
      expect(status).toBe(200);
      found.push(...body.repos.map(({ name }: { readonly name: string }) => name));
      cursor = body.next_cursor;
    }
    return found;
  }
  const directories = () => readdirSync(join(authority.directory, 'git')).toSorted();

  it('get a name when none is given', async () => {
    const { status, body } = await call('POST', '/repos', {});
    expect(status).toBe(201);
    expect(body.name).toBe(body.id.toLowerCase().replace('_', '-'));
    expect((await call('GET', `/${body.name}`)).body).toEqual(body);
    await call('DELETE', `/${body.name}`);
  });

  it('take their default bookmark', async () => {
    const { body } = await call('POST', '/repos', { name: 'bookmarked', default_bookmark: 'feature/x' });
    expect(body.default_bookmark).toBe('feature/x');
    expect((await call('PATCH', '/bookmarked', { default_bookmark: 'main' })).body).toEqual({
      ...body,
      default_bookmark: 'main',
    });
    await call('DELETE', '/bookmarked');
  });

  it('are refused with members that nobody knows, and upstreams that this server has not', async () => {
    const before = directories();
    for (const body of [{ nam: 'x' }, { upstream: { url: 'https://example.com/x.git' } }, [], 'x']) {
      expect(await call('POST', '/repos', body)).toMatchObject(BAD_REQUEST);
    }
    expect(directories()).toEqual(before);
    expect((await call('POST', '/repos', { name: 'no-upstream', upstream: null })).status).toBe(201);
    await call('DELETE', '/no-upstream');
  });

  it('of one name are made once, however many ask at a time', async () => {
    const before = directories();
    const replies = await Promise.all(
      Array.from({ length: 8 }, () => call('POST', '/repos', { name: 'wanted' })),
    );
    const made = replies.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    const others = replies.filter(({ status }) => status !== 201);
    others.forEach((reply) => expect(reply).toMatchObject(CONFLICT));
    expect(directories()).toEqual([...before, `${made[0]?.body.id}.git`].toSorted());
    await call('DELETE', '/wanted');
    expect(directories()).toEqual(before);
  });

  it('are not renamed to a name that is taken, and to a free one by one of many', async () => {
    const ids = [];
    for (const name of ['one', 'two', 'three']) {
      ids.push(await newRepo(authority, name, { tags: { env: name } }));
    }
    expect(await call('PATCH', '/one', { name: 'two', tags: { env: null } })).toMatchObject(CONFLICT);
    expect((await call('GET', '/one')).body).toMatchObject({ id: ids[0], tags: { env: 'one' } });
    expect((await call('PATCH', '/one', { name: 'one' })).status).toBe(200);
    const replies = await Promise.all(
      ['one', 'two', 'three'].map((name) => call('PATCH', `/${name}`, { name: 'free' })),
    );
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    expect((await call('GET', '/free')).status).toBe(200);
    for (const name of await names()) {
      await call('DELETE', `/${name}`);
    }
  });

  it('lose no tag when many are set at once', async () => {
    await newRepo(authority, 'tagged');
    const tags = Array.from({ length: 16 }, (_, i) => `tag${String(i).padStart(2, '0')}`);
    await Promise.all(tags.map((name) => call('PATCH', '/tagged', { tags: { [name]: 'x' } })));
    const { body } = await call('PATCH', '/tagged', {});
    expect(Object.keys(body.tags).toSorted()).toEqual(tags);
    await call('DELETE', '/tagged');
  });

  it('are listed in pages by name, byte by byte, and by tags', async () => {
    const all = [
      'B',
      'Z',
      '_x',
      'a',
      'a-b',
      'a.b',
      'a_b',
      'b',
      ...Array.from({ length: 22 }, (_, i) => `c${i + 10}`),
    ];
    await Promise.all(
      all.map((name, i) =>
        newRepo(authority, name, { tags: i % 2 === 0 ? { env: 'prod', n: String(i) } : { env: 'dev' } }),
      ),
    );
    expect(await names('limit=7')).toEqual(all);
    expect(await names()).toEqual(all);
    const prod = all.filter((_, i) => i % 2 === 0);
    expect(await names('limit=4&tags=env:prod')).toEqual(prod);
    expect(await names('tags=ENV:prod,n:2')).toEqual(['_x']);
    expect(await names('tags=env:Prod')).toEqual([]);
    expect(await names('tags=constructor:x')).toEqual([]);
    const restricted = await newKey(authority, {
      scopes: ['read'],
      repo_ids: [(await call('GET', '/b')).body.id, (await call('GET', '/a')).body.id],
    });
    const first = await rest(authority, 'GET', '/acme/repos?limit=1', restricted.key);
    expect(first.body).toMatchObject({ has_more: true, repos: [{ name: 'a' }] });
    const second = await rest(
      authority,
      'GET',
      `/acme/repos?limit=1&cursor=${first.body.next_cursor}`,
      restricted.key,
    );
    expect(second.body).toMatchObject({ has_more: false, next_cursor: null, repos: [{ name: 'b' }] });
  });

  it.each([
    'limit=0',
    'limit=101',
    'cursor=x',
    'cursor=',
    'tags=',
    'tags=env',
    'tags=:x',
    'tags=a:%00',
    'tag=a:b',
  ])('are not listed by %s', async (query) => {
    expect(await call('GET', `/repos?${query}`)).toMatchObject(BAD_REQUEST);
  });
});

describe('names of repositories', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
    await newRepo(authority, 'to-rename');
  });
  afterAll(endSuite);
  const call = (method: string, path: string, body?: unknown) =>
    rest(authority, method, `/acme${path}`, authority.adminKey, body);

  it.each([
    '',
    '.',
    '..',
    'repo',
    'repos',
    'api-key',
    'api-keys',
    'API-KEYS',
    'webhook-targets',
    'x.git',
    'x.GIT',
    '-x',
    'a b',
    'a/b',
    'a\\b',
    '../../etc',
    'é',
    'a\0b',
    'x'.repeat(101),
  ])('are not named %j', async (name) => {
    expect(await call('POST', '/repos', { name })).toMatchObject(BAD_REQUEST);
    expect(await call('PATCH', '/to-rename', { name })).toMatchObject(BAD_REQUEST);
    const { body } = await call('GET', '/repos');
    expect(body.repos).toMatchObject([{ name: 'to-rename' }]);
  });

  it.each(['a', 'A.b_c-9', '_', 'x'.repeat(100), 'whoami', 'gitignore'])('can be named %s', async (name) => {
    expect(await call('POST', '/repos', { name })).toMatchObject({ status: 201, body: { name } });
    expect((await call('GET', `/${name}`)).body.name).toBe(name);
    expect((await call('DELETE', `/${name}`)).body).toEqual({ success: true });
    expect((await call('GET', `/${name}`)).status).toBe(404);
    expect((await call('DELETE', `/${name}`)).status).toBe(404);
  });

  it.each([
    '',
    '-x',
    'a..b',
    'a b',
    'a~1',
    'refs/../x',
    'x.lock',
    'HEAD',
    '@',
    'a//b',
    '/a',
    'a/',
    'é',
    'a\0',
  ])('have no bookmark %j', async (bookmark) => {
    expect(await call('POST', '/repos', { default_bookmark: bookmark })).toMatchObject(BAD_REQUEST);
  });
});
