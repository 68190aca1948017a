import { createApiKey, listApiKeys, updateApiKey, whoami } from '@mesadev/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, KINDS, runProgram, startAuthority } from './support/authority.ts';
import { olderClient, refusalOf, restOptions, sdk } from './support/clients.ts';
import { rest } from './support/rest.ts';

const UNAUTHORIZED = { status: 401, code: 'UNAUTHORIZED' };
const FORBIDDEN = { status: 403, code: 'FORBIDDEN' };

describe.each(KINDS)("Mesa's own clients on %s", (kind) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority(kind);
  });
  afterAll(endSuite);
  const admin = () => sdk(authority, authority.adminKey, 'acme');

  it('learn who they are, and their organization from that', async () => {
    const mesa = sdk(authority, authority.adminKey);
    const identity = await mesa.whoami();
    expect(identity).toMatchObject({ org: { slug: 'acme' }, key_name: 'First admin key', scopes: ['admin'] });
    expect(await mesa.org.get()).toEqual({ created_at: expect.any(String), num_repos: expect.any(Number) });
    const { data } = await whoami(restOptions(authority, authority.adminKey));
    expect(data).toEqual(identity);
  });

  it('create, list and revoke API keys; the secret is shown once', async () => {
    const key = await admin().apiKeys.create({
      name: 'Analytics',
      scopes: ['read'],
      expires_in_seconds: 100,
      tags: { Env: 'production' },
    });
    expect(key).toEqual({
      id: expect.stringMatching(/^key_/),
      key: expect.stringMatching(/^mesa_[0-9A-Za-z]{36}$/),
      name: 'Analytics',
      scopes: ['read'],
      repo_ids: null,
      tags: { env: 'production' },
      created_at: expect.any(String),
    });
    const page = await admin().apiKeys.list();
    const listed = page.api_keys.find(({ id }) => id === key.id);
    expect(listed).toMatchObject({ name: 'Analytics', revoked_at: null, last_used_at: null, metadata: null });
    expect(Date.parse(listed?.expires_at ?? '')).toBe(Date.parse(key.created_at) + 100_000);
    expect(JSON.stringify(page)).not.toContain(key.key);

    const mesa = sdk(authority, key.key, 'acme');
    expect(await mesa.repos.list()).toMatchObject({ has_more: false, next_cursor: null });
    expect(await admin().apiKeys.revoke({ id: key.id })).toEqual({ success: true });
    expect(await refusalOf(mesa.repos.list())).toEqual(UNAUTHORIZED);
    // Again changes nothing.
    expect(await admin().apiKeys.revoke({ id: key.id })).toEqual({ success: true });
  });

  it('change tags, and find keys by the filters of the REST package', async () => {
    const options = restOptions(authority, authority.adminKey);
    const created = await createApiKey({
      ...options,
      path: { org: 'acme' },
      body: { name: 'Tagged', scopes: ['read'], tags: { env: 'dev', team: 'platform' } },
    });
    const id = created.data?.id ?? '';
    const changed = await updateApiKey({
      ...options,
      path: { org: 'acme', id },
      body: { tags: { ENV: 'prod', team: null, Note: 'é' } },
    });
    expect(changed.data).toEqual({ tags: { env: 'prod', note: 'é' } });
    const { data } = await listApiKeys({
      ...options,
      path: { org: 'acme' },
      query: { query: 'agge', status: 'active', scope: 'read', limit: 1 },
    });
    expect(data).toMatchObject({ has_more: false, api_keys: [{ id, tags: { env: 'prod', note: 'é' } }] });
  });

  it('manage repositories', async () => {
    const mesa = admin();
    const created = await mesa.repos.create({ name: 'site', tags: { env: 'prod' } });
    expect(created).toEqual({
      id: expect.stringMatching(/^repo_/),
      org: 'acme',
      name: 'site',
      default_bookmark: 'main',
      head_change_id: 'z'.repeat(32),
      upstream: null,
      created_at: expect.any(String),
      tags: { env: 'prod' },
    });
    expect(await mesa.repos.get({ repo: 'site' })).toEqual(created);
    expect(await mesa.repos.list({ tags: 'env:prod', limit: 5 })).toEqual({
      next_cursor: null,
      has_more: false,
      repos: [created],
    });
    const changes = { name: 'website', default_bookmark: 'trunk', tags: { env: null, team: 'web' } };
    const updated = await mesa.repos.update({ repo: 'site', ...changes });
    expect(updated).toEqual({
      ...created,
      name: 'website',
      default_bookmark: 'trunk',
      tags: { team: 'web' },
    });
    expect(await refusalOf(mesa.repos.get({ repo: 'site' }))).toEqual({ status: 404, code: 'NOT_FOUND' });
    expect(await mesa.repos.delete({ repo: 'website' })).toEqual({ success: true });
    expect(await mesa.repos.list()).toMatchObject({ repos: [] });
  });

  it('sign tokens that the server accepts, within the bounds of the key and the token', async () => {
    const mesa = admin();
    await mesa.repos.create({ name: 'agent-workspace' });
    await mesa.repos.create({ name: 'other' });
    const { token } = await mesa.tokens.create({ scopes: ['read'], repos: ['acme/agent-workspace'] });
    const sandbox = sdk(authority, token, 'acme');
    expect(await sandbox.repos.get({ repo: 'agent-workspace' })).toMatchObject({ name: 'agent-workspace' });
    expect(await sandbox.repos.list()).toMatchObject({ repos: [{ name: 'agent-workspace' }] });
    expect(await sandbox.org.get()).toMatchObject({ num_repos: 1 });
    expect(await refusalOf(sandbox.repos.get({ repo: 'other' }))).toEqual(FORBIDDEN);
    expect(await refusalOf(sandbox.repos.update({ repo: 'agent-workspace', tags: {} }))).toEqual(FORBIDDEN);
    expect(await refusalOf(sandbox.apiKeys.create({}))).toEqual(FORBIDDEN);
    // A client with a token cannot sign others: it is told no id of a key.
    await expect(sandbox.tokens.create({})).rejects.toThrow('cannot sign access tokens');
    expect((await sandbox.whoami()).key_id).toBeNull();
    await mesa.repos.delete({ repo: 'agent-workspace' });
    await mesa.repos.delete({ repo: 'other' });
  });

  it('hear every failure of seed 001 as MesaApiError with its code', async () => {
    const mesa = admin();
    const reader = await mesa.apiKeys.create({ scopes: ['read'] });
    const { token } = await sdk(authority, reader.key, 'acme').tokens.create({ scopes: ['admin'] });
    await mesa.repos.create({ name: 'failures' });

    // UNAUTHORIZED: missing (a client cannot be made without), malformed, unknown, revoked, and the tokens of those.
    expect(await refusalOf(sdk(authority, 'not-a-key', 'acme').repos.list())).toEqual(UNAUTHORIZED);
    expect(await refusalOf(sdk(authority, `${token}x`, 'acme').repos.list())).toEqual(UNAUTHORIZED);
    expect((await rest(authority, 'GET', '/whoami', undefined)).body.error.code).toBe('UNAUTHORIZED');
    // FORBIDDEN: without the scope, the repository or the organization.
    expect(await refusalOf(sdk(authority, reader.key, 'acme').repos.create({ name: 'x' }))).toEqual(
      FORBIDDEN,
    );
    expect(await refusalOf(sdk(authority, token, 'acme').repos.delete({ repo: 'failures' }))).toEqual(
      FORBIDDEN,
    );
    expect(await refusalOf(sdk(authority, reader.key, 'org-b').repos.list())).toEqual(FORBIDDEN);
    await mesa.apiKeys.revoke({ id: reader.id });
    expect(await refusalOf(sdk(authority, reader.key, 'acme').repos.list())).toEqual(UNAUTHORIZED);
    expect(await refusalOf(sdk(authority, token, 'acme').repos.list())).toEqual(UNAUTHORIZED);
    // The same inside of the SDK's own wrapping.
    expect(await refusalOf(sdk(authority, reader.key).whoami())).toEqual(UNAUTHORIZED);
    expect(await mesa.repos.get({ repo: 'failures' })).toMatchObject({ name: 'failures' });
  });
});

describe('the examples of the seeds', () => {
  let authority: Authority;
  let adminKey: string;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
    const init = await runProgram(['init', '--org', 'my-org', ...authority.storage]);
    adminKey = init.stdout.trim();
    await sdk(authority, adminKey, 'my-org').repos.create({ name: 'agent-workspace' });
    await sdk(authority, adminKey, 'my-org').repos.create({ name: 'important-repo' });
  });
  afterAll(endSuite);

  it('of seed 001: minting tokens, creating and revoking keys', async () => {
    const mesa = sdk(authority, adminKey, 'my-org');
    const { token, expires_at } = await mesa.tokens.create({
      scopes: ['read', 'write'],
      repos: ['my-org/agent-workspace'],
      ttl_seconds: 60 * 60, // 1 hour; max 86400
    });
    expect(expires_at).toMatch(/^\d{4}-\d\d-\d\dT/);
    const key = await mesa.apiKeys.create({ org: 'my-org', name: 'Production backend', scopes: ['admin'] });
    expect(key.key).toMatch(/^mesa_/);
    await mesa.apiKeys.create({ org: 'my-org', name: 'Read-only analytics', scopes: ['read'] });
    await mesa.apiKeys.create({
      org: 'my-org',
      name: 'CI',
      scopes: ['read', 'write'],
      expires_in_seconds: 60 * 60 * 24 * 90,
    });
    const revoked = await mesa.apiKeys.revoke({ org: 'my-org', id: key.id });
    expect(revoked).toEqual({ success: true });

    // curl -H "Authorization: Bearer $MESA_API_KEY" https://api.mesa.dev/v1/my-org/repos, with a key and with a token.
    expect((await rest(authority, 'GET', '/my-org/repos', adminKey)).body.repos).toHaveLength(2);
    expect((await rest(authority, 'GET', '/my-org/repos', token)).body.repos).toHaveLength(1);
  });

  it('of seed 002: keys with tags, restrictions and an end, and what is refused', async () => {
    const mesa = olderClient(authority, adminKey);
    const key = await mesa.admin.createApiKey({
      org: 'my-org',
      body: {
        name: 'CI/CD Pipeline',
        scopes: ['read', 'write'],
        expires_in_seconds: 2592000, // 30 days (optional)
        tags: { env: 'production', team: 'platform' },
      },
    });
    expect(key.key).toMatch(/^mesa_/);
    await mesa.admin.updateApiKeyTags({
      org: 'my-org',
      id: key.id,
      body: { tags: { env: 'staging', team: null } },
    });
    const { apiKeys } = await mesa.admin.listApiKeys({ org: 'my-org' });
    expect(apiKeys.map(({ name, scopes, tags }) => [name, scopes.join(', '), tags])).toContainEqual([
      'CI/CD Pipeline',
      'read, write',
      { env: 'staging' },
    ]);
    expect(JSON.stringify(apiKeys)).not.toContain(key.key);

    const { repos } = await mesa.repos.list({ org: 'my-org' });
    const frontend = await mesa.admin.createApiKey({
      org: 'my-org',
      body: {
        name: 'Agent - frontend repo',
        scopes: ['read', 'write'],
        repo_ids: repos.filter(({ name }) => name === 'agent-workspace').map(({ id }) => id),
      },
    });
    const restricted = olderClient(authority, frontend.key);
    await expect(restricted.repos.delete({ org: 'my-org', repo: 'important-repo' })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    await expect(mesa.repos.list({ org: 'org-b' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await mesa.admin.revokeApiKey({ org: 'my-org', id: key.id });
    await expect(olderClient(authority, key.key).repos.list({ org: 'my-org' })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });
});
