import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, KINDS, startAuthority, startServer } from './support/authority.ts';
import { newKey, newRepo, revoke } from './support/keys.ts';
import { rest } from './support/rest.ts';

const BAD_REQUEST = { status: 400, body: { error: { code: 'BAD_REQUEST' } } };

interface Listed {
  readonly id: string;
  readonly name: string | null;
}

describe.each(KINDS)('API keys on %s', (kind) => {
  let authority: Authority;
  let web = '';
  beforeAll(async () => {
    authority = await startAuthority(kind);
    web = await newRepo(authority, 'web');
  });
  afterAll(endSuite);
  const create = (body: unknown) => rest(authority, 'POST', '/acme/api-keys', authority.adminKey, body);
  const list = (query: string) => rest(authority, 'GET', `/acme/api-keys?${query}`, authority.adminKey);
  const setTags = (id: string, tags: unknown) =>
    rest(authority, 'PATCH', `/acme/api-keys/${id}`, authority.adminKey, { tags });

  /** All pages of a list. */
  async function listAll(query: string, credential = authority.adminKey): Promise<Listed[]> {
    const found: Listed[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { status, body } = await rest(authority, 'GET', `/acme/api-keys?${query}${after}`, credential);
      expect(status).toBe(200);
      expect(body.has_more).toBe(body.next_cursor !== null);
      found.push(...body.api_keys);
      cursor = body.next_cursor;
    }
    return found;
  }

  /** The names of keys that a search finds. */
  const found = async (query: string) =>
    (await listAll(`query=${encodeURIComponent(query)}`)).map(({ name }) => name);
  const lastUse = async () => (await list('query=last%20use')).body.api_keys[0].last_used_at;

  it('read and write by default, everything of the organization, for ever', async () => {
    const { status, body } = await create({});
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: null, scopes: ['read', 'write'], repo_ids: null, tags: {} });
    const listed = (await list('limit=1')).body.api_keys[0];
    expect(listed).toMatchObject({ id: body.id, expires_at: null, revoked_at: null, last_used_at: null });
  });

  it('keep scopes once each, from the least to the most', async () => {
    const { body } = await create({ scopes: ['write', 'admin', 'write', 'read'] });
    expect(body.scopes).toEqual(['read', 'write', 'admin']);
  });

  it.each([
    ['a misspelt member', { repo_id: [] }],
    ['a member in another case', { Repo_Ids: ['x'] }],
    ['an unknown scope', { scopes: ['root'] }],
    ['a scope in another case', { scopes: ['READ'] }],
    ['scopes that are no list', { scopes: 'read' }],
    ['no scopes', { scopes: [] }],
    ['no repositories', { repo_ids: [] }],
    ['null repositories', { repo_ids: null }],
    ['an empty repository id', { repo_ids: [''] }],
    ['an empty name', { name: '' }],
    ['a name of 256 characters', { name: 'x'.repeat(256) }],
    ['a name with NUL', { name: 'a\0b' }],
    ['a name with half a character', { name: 'a\ud800' }],
    ['a repository id with NUL', { repo_ids: ['a\0'] }],
    ['99 seconds', { expires_in_seconds: 99 }],
    ['a second more than a year', { expires_in_seconds: 31_536_001 }],
    ['half seconds', { expires_in_seconds: 100.5 }],
    ['seconds as text', { expires_in_seconds: '3600' }],
    ['null seconds', { expires_in_seconds: null }],
    ['a number as a tag', { tags: { a: 1 } }],
    ['null as a new tag', { tags: { a: null } }],
    ['an empty name of a tag', { tags: { '': 'x' } }],
    ['a tag of 65 characters', { tags: { ['k'.repeat(65)]: 'x' } }],
    ['a tag that is longer than 64 in lower case', { tags: { ['İ'.repeat(64)]: 'x' } }],
    ['a value of 257 characters', { tags: { a: 'v'.repeat(257) } }],
    ['two tags that are one in lower case', { tags: { Env: 'a', env: 'b' } }],
    ['65 tags', { tags: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`t${i}`, ''])) }],
    ['a list', []],
    ['a text', 'x'],
    ['null', null],
  ])('are refused with %s, and none is made', async (_title, body) => {
    const before = (await list('limit=1')).body.api_keys[0].id;
    expect(await create(body)).toMatchObject(BAD_REQUEST);
    expect((await list('limit=1')).body.api_keys[0].id).toBe(before);
  });

  it('take the bounds themselves', async () => {
    const tags = { ['K'.repeat(64)]: 'ä'.repeat(256), b: '' };
    const shortest = await create({ expires_in_seconds: 100, tags, name: '\u{1f511}'.repeat(255) });
    expect(shortest).toMatchObject({
      status: 201,
      body: { tags: { ['k'.repeat(64)]: 'ä'.repeat(256), b: '' } },
    });
    const longest = await create({ expires_in_seconds: 31_536_000 });
    expect(longest.status).toBe(201);
    const [{ created_at, expires_at }] = (await list('limit=1')).body.api_keys;
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(31_536_000_000);
  });

  it('change tags: set, overwrite, remove, and leave the others', async () => {
    const { id } = await newKey(authority, { tags: { env: 'dev', team: 'core', note: 'x' } });
    expect((await setTags(id, { ENV: 'prod', team: null, gone: null })).body).toEqual({
      tags: { env: 'prod', note: 'x' },
    });
    expect((await setTags(id, {})).body).toEqual({ tags: { env: 'prod', note: 'x' } });
    expect(await setTags(id, { Note: null, note: 'y' })).toMatchObject(BAD_REQUEST);
    expect(await setTags(id, { ['k'.repeat(65)]: null })).toMatchObject(BAD_REQUEST);
    expect(await setTags(id, undefined)).toMatchObject(BAD_REQUEST);
    expect((await list('limit=1')).body.api_keys[0].tags).toEqual({ env: 'prod', note: 'x' });
    const many = Object.fromEntries(Array.from({ length: 62 }, (_, i) => [`t${i}`, '']));
    expect((await setTags(id, many)).status).toBe(200);
    expect(await setTags(id, { more: '' })).toMatchObject(BAD_REQUEST);
    expect((await setTags(id, { more: '', env: null })).status).toBe(200);
  });

  it('lose no tag when many are set at once', async () => {
    const { id } = await newKey(authority);
    const names = Array.from({ length: 24 }, (_, i) => `tag${i}`);
    await Promise.all(names.map((name) => setTags(id, { [name]: name })));
    const { tags } = (await setTags(id, {})).body;
    expect(Object.keys(tags).toSorted()).toEqual(names.toSorted());
  });

  it('are NOT_FOUND when there is none of the id, and stay as they are when they are revoked again', async () => {
    for (const id of ['key_none', 'key%2F2%20x', 'mesa_abc123', 'k'.repeat(200)]) {
      const reply = await rest(authority, 'DELETE', `/acme/api-keys/${id}`, authority.adminKey);
      expect(reply).toMatchObject({ status: 404, body: { error: { code: 'NOT_FOUND' } } });
    }
    expect(await rest(authority, 'DELETE', '/acme/api-keys/a%00b', authority.adminKey)).toMatchObject(
      BAD_REQUEST,
    );
    const { id } = await newKey(authority);
    await revoke(authority, id);
    const [first] = (await list('limit=1')).body.api_keys;
    await revoke(authority, id);
    expect((await list('limit=1')).body.api_keys[0]).toEqual(first);
    expect(first.revoked_at).toMatch(/^\d{4}-/);
  });

  it('revoke themselves', async () => {
    const { id, key } = await newKey(authority, { scopes: ['admin'] });
    expect((await rest(authority, 'DELETE', `/acme/api-keys/${id}`, key)).status).toBe(200);
    expect((await rest(authority, 'GET', '/whoami', key)).status).toBe(401);
  });

  it('that are revoked while they make others leave none that was not acknowledged', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id, key } = await newKey(authority, { scopes: ['admin'] });
      const name = `race ${round}`;
      const make = () => rest(authority, 'POST', '/acme/api-keys', key, { name });
      const replies = await Promise.all([make(), make(), revoke(authority, id), make(), make()]);
      const late = await make();
      const statuses = replies.flatMap((reply) => (reply === undefined ? [] : [reply.status]));
      expect(statuses.every((status) => status === 201 || status === 401)).toBe(true);
      expect(late.status).toBe(401);
      const made = await listAll(`query=${encodeURIComponent(name)}`);
      expect(made).toHaveLength(statuses.filter((status) => status === 201).length);
    }
  });

  it('are listed in pages, the newest first, each once', async () => {
    const names = Array.from({ length: 230 }, (_, i) => `bulk ${String(i).padStart(3, '0')}`);
    for (let at = 0; at < names.length; at += 23) {
      await Promise.all(names.slice(at, at + 23).map((name) => newKey(authority, { name })));
    }
    for (const limit of ['', 'limit=1&query=bulk%2000', 'limit=100', 'limit=7&query=BULK']) {
      const all = await listAll(limit);
      const ids = all.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(ids.toSorted().toReversed());
    }
    expect((await list('')).body.api_keys).toHaveLength(50);
    const bulk = await listAll('limit=100&query=bulk');
    expect(bulk.map(({ name }) => name ?? '').toSorted()).toEqual(names);
    // What is made meanwhile does not move the pages.
    const { body } = await list('limit=2&query=bulk');
    await newKey(authority, { name: 'bulk meanwhile' });
    const next = await list(`limit=2&query=bulk&cursor=${body.next_cursor}`);
    expect(next.body.api_keys.map(({ id }: Listed) => id)).toEqual(bulk.slice(2, 4).map(({ id }) => id));
  });

  it('are found by a part of the name, in any case and with no wildcards', async () => {
    const names = ['100% sure', '100 percent', 'snake_case', 'snakeXcase', 'back\\slash', "it's", 'ÄPFEL'];
    for (const name of names) {
      await newKey(authority, { name });
    }
    expect(await found('0%')).toEqual(['100% sure']);
    expect(await found('E_C')).toEqual(['snake_case']);
    expect(await found('\\')).toEqual(['back\\slash']);
    expect(await found("'s")).toEqual(["it's"]);
    expect(await found('äpf')).toEqual(['ÄPFEL']);
    expect(await found('%')).toEqual(['100% sure']);
  });

  it('are found by status, scope and repository, the same on every database', async () => {
    const docs = await newRepo(authority, 'docs');
    const both = await newKey(authority, { name: 'filter both', repo_ids: [web, docs], scopes: ['read'] });
    const one = await newKey(authority, { name: 'filter one', repo_ids: [docs], scopes: ['admin'] });
    const revoked = await newKey(authority, { name: 'filter revoked', repo_ids: [docs] });
    await revoke(authority, revoked.id);
    const ids = async (query: string) => (await listAll(`query=filter&${query}`)).map(({ id }) => id);
    expect(await ids('status=all')).toEqual([revoked.id, one.id, both.id]);
    expect(await ids('status=active')).toEqual([one.id, both.id]);
    expect(await ids('status=revoked')).toEqual([revoked.id]);
    expect(await ids('status=expired')).toEqual([]);
    // Membership, as the contract says: an admin key was not created with read.
    expect(await ids('scope=read')).toEqual([revoked.id, both.id]);
    expect(await ids('scope=admin')).toEqual([one.id]);
    expect(await ids(`repo_id=${web}`)).toEqual([both.id]);
    expect(await ids(`repo_id=${docs}&status=active&scope=read`)).toEqual([both.id]);
    expect(await ids(`repo_id=${docs.toLowerCase()}`)).toEqual([]);
    expect(await ids(`repo_id=${docs.slice(0, -1)}`)).toEqual([]);
    expect((await list('query=filter&repo_id=%25')).body.api_keys).toEqual([]);
    // A restricted admin's pages hold what is within its repositories, also where that is little of all.
    const within = await listAll('limit=1&query=filter', one.key);
    expect(within.map(({ id }) => id)).toEqual([revoked.id, one.id]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'query=',
    'query=%00',
    'status=gone',
    'scope=root',
    'repo_id=',
    'cursor=',
    'cursor=x',
    'cursor=a2V5_w==',
    'cursor=%00',
    'lmit=5',
    'Limit=5',
    '__proto__=1',
  ])('are not listed by %s', async (query) => {
    expect(await list(query)).toMatchObject(BAD_REQUEST);
  });

  it('note their last use without a write for each request, and lose none when a server stops', async () => {
    const { id, key } = await newKey(authority, { name: 'last use' });
    const server = await startServer(authority.storage);
    for (let n = 0; n < 5; n += 1) {
      expect((await rest(server, 'GET', '/acme/repos', key)).status).toBe(200);
    }
    expect(await lastUse()).toBeNull();
    expect(await server.stop()).toBe(0);
    const at = await lastUse();
    expect(at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    await revoke(authority, id);
    expect(await lastUse()).toBe(at);
  });
});
