import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { signAccessToken, type SignAccessTokenOptions } from 'mesa-auth/access-token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '../src/database/open-database.ts';
import { syntheticChangeIdOf } from '../src/git/change-id.ts';
import { type Authority, endSuite, KINDS, runProgram, startAuthority } from './support/authority.ts';
import {
  commit,
  filledRepository,
  git,
  gitOutput,
  localRepository,
  newKey,
  refsOf,
  remoteRepository,
} from './support/git.ts';
import { rest } from './support/rest.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const READ = { scopes: ['read'] };
const WRITE = { scopes: ['read', 'write'] };

const basic = (text: string): RequestInit => ({
  headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
});

describe.each(KINDS)('git on %s', (kind) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority(kind);
  });
  afterAll(endSuite);

  /** A token of the key, whose id a client learns from whoami. */
  async function tokenOf(
    apiKey: string,
    options: Partial<Pick<SignAccessTokenOptions, 'permissions' | 'repos' | 'now'>> = {},
  ): Promise<string> {
    const { body } = await rest(authority, 'GET', '/whoami', apiKey);
    const { token } = signAccessToken({
      apiKey,
      apiKeyId: body.key_id,
      permissions: ['read', 'write'],
      repos: null,
      ...options,
    });
    return token;
  }

  it('clones, pushes and fetches with an API key and with an access token', async () => {
    const { key } = await newKey(authority, WRITE);
    const remote = await remoteRepository(authority);
    const mine = await localRepository();
    expect(await git(mine, ['push', remote.as(key), 'main'])).toMatchObject({ status: 0 });

    const token = await tokenOf(key);
    const theirs = temporaryDirectory();
    expect(await git(theirs, ['clone', '--quiet', remote.as(token), '.'])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    const head = await commit(theirs, 'other', 'theirs\n');
    expect(await git(theirs, ['push', remote.as(token), 'HEAD:main'])).toMatchObject({ status: 0 });

    expect(await git(mine, ['fetch', remote.as(key), 'main'])).toMatchObject({ status: 0 });
    expect(await gitOutput(mine, 'rev-parse', 'FETCH_HEAD')).toBe(head);
    expect(await refsOf(remote)).toBe(`${head} refs/heads/main`);
  });

  it('lets a credential that may only read clone, and refuses its push before anything is sent', async () => {
    const remote = await filledRepository(authority);
    const reader = await newKey(authority, READ);
    const writer = await newKey(authority, WRITE);
    const credentials = [
      reader.key,
      await tokenOf(reader.key),
      await tokenOf(writer.key, { permissions: ['read'] }),
    ];
    for (const credential of credentials) {
      const local = temporaryDirectory();
      expect(await git(local, ['clone', '--quiet', remote.as(credential), '.'])).toMatchObject({ status: 0 });
      await commit(local, 'file', 'changed\n');
      const push = await git(local, ['push', remote.as(credential), 'HEAD:main', 'HEAD:other']);
      expect(push).toMatchObject({
        status: 128,
        stderr: expect.stringContaining("remote: This operation needs the scope 'write'"),
      });
      expect(push.stderr).toContain('error: 403');
      expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
    }
  });

  it('refuses other repositories to a credential for some', async () => {
    const allowed = await filledRepository(authority);
    const other = await filledRepository(authority);
    const { key } = await newKey(authority, { ...WRITE, repo_ids: [allowed.id] });
    const token = await tokenOf(authority.adminKey, { repos: [`acme/${allowed.name}`] });
    for (const credential of [key, token]) {
      expect(await git('/', ['ls-remote', allowed.as(credential)])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(allowed.head),
      });
      const nothing = other.as(credential).replace(other.name, 'nothing');
      for (const url of [other.as(credential), nothing]) {
        expect(await git('/', ['ls-remote', url])).toMatchObject({
          status: 128,
          stdout: '',
          stderr: expect.stringContaining('remote: The credential is not valid for this repository'),
        });
      }
      const local = await localRepository('more\n');
      expect(await git(local, ['push', other.as(credential), 'main:mine'])).toMatchObject({ status: 128 });
      expect(await refsOf(other)).toBe(`${other.head} refs/heads/main`);
    }
  });

  it('refuses another organization', async () => {
    const remote = await filledRepository(authority);
    const init = await runProgram(['init', '--org', `other-${remote.id.slice(-8)}`, ...authority.storage]);
    expect(await git('/', ['ls-remote', remote.as(init.stdout.trim())])).toMatchObject({
      status: 128,
      stdout: '',
      stderr: expect.stringContaining('remote: The credential is for another organization'),
    });
  });

  it('says that a repository is not there to who may use all', async () => {
    const remote = await remoteRepository(authority);
    const url = remote.as(authority.adminKey).replace(remote.name, 'nothing');
    const { status, stderr } = await git('/', ['ls-remote', url]);
    expect(status).toBe(128);
    expect(stderr).toContain('remote: There is no such repository');
    expect(stderr).toContain("/acme/nothing.git/' not found");
  });

  it('refuses a key and its tokens with the next request after it was revoked', async () => {
    const remote = await filledRepository(authority);
    const { id, key } = await newKey(authority, WRITE);
    const token = await tokenOf(key);
    const local = await localRepository('late\n');
    for (const credential of [key, token]) {
      expect(await git('/', ['ls-remote', remote.as(credential)])).toMatchObject({ status: 0 });
    }
    await rest(authority, 'DELETE', `/acme/api-keys/${id}`, authority.adminKey);
    for (const credential of [key, token]) {
      for (const args of [
        ['ls-remote', remote.as(credential)],
        ['push', remote.as(credential), 'main:late'],
      ]) {
        const ended = await git(local, args);
        expect(ended).toMatchObject({ status: 128, stdout: '' });
        expect(ended.stderr).toContain('Authentication failed');
        expect(ended.stderr).not.toContain(credential);
      }
    }
    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
  });

  it('refuses a key and a token that have expired', async () => {
    const remote = await filledRepository(authority);
    const { id, key } = await newKey(authority, WRITE);
    const token = await tokenOf(key, { now: new Date(Date.now() - 2 * 3_600_000) });
    expect(await git('/', ['ls-remote', remote.as(key)])).toMatchObject({ status: 0 });
    await expireKey(id);
    for (const credential of [key, token]) {
      expect(await git('/', ['ls-remote', remote.as(credential)])).toMatchObject({
        status: 128,
        stdout: '',
        stderr: expect.stringContaining('remote: Invalid API key or access token'),
      });
    }
  });

  /** The shortest life of a key is 100 seconds: too long for a test. */
  async function expireKey(id: string): Promise<void> {
    const { databaseUrl, directory } = authority;
    const db = await openDatabase(
      databaseUrl === undefined
        ? { kind: 'sqlite', path: join(directory, 'authority.db') }
        : { kind: 'postgres', url: databaseUrl },
    );
    await db.updateTable('api_keys').set({ expires_at: 1 }).where('id', '=', id).execute();
    await db.destroy();
  }

  it('asks for a password where there is none, and refuses a wrong one', async () => {
    const remote = await filledRepository(authority);
    const advertisement = `${remote.url}/info/refs?service=git-upload-pack`;
    const wrong = 'mesa_012345678901234567890123456789000000';
    for (const init of [{}, basic(`t:${wrong}`), basic(`${authority.adminKey}:`), basic('t')]) {
      const response = await fetch(advertisement, init);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Basic realm="mesa"');
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      expect(await response.text()).toMatch(/^[^\n]+\n$/);
    }
    expect(await git('/', ['ls-remote', remote.url])).toMatchObject({
      status: 128,
      stdout: '',
      stderr: expect.stringContaining('could not read Username'),
    });
    expect(await git('/', ['ls-remote', remote.as(wrong)])).toMatchObject({
      status: 128,
      stdout: '',
      stderr: expect.stringMatching(/^remote: Invalid API key or access token\nfatal: Authentication failed/),
    });
  });

  it('takes the credential of a helper, whatever the user name, and as a bearer', async () => {
    const remote = await filledRepository(authority);
    const expected = { status: 0, stdout: expect.stringContaining(`${remote.head}\trefs/heads/main`) };
    const helper = join(temporaryDirectory(), 'helper');
    writeFileSync(helper, '#!/bin/sh\necho username=anybody\necho "password=$TEST_KEY"\n', { mode: 0o755 });
    const withHelper = ['-c', `credential.helper=${helper}`, 'ls-remote', remote.url];
    expect(await git('/', withHelper, { TEST_KEY: authority.adminKey })).toMatchObject(expected);

    const asBearer = ['-c', `http.extraHeader=Authorization: Bearer ${authority.adminKey}`];
    expect(await git('/', [...asBearer, 'ls-remote', remote.url])).toMatchObject(expected);
  });

  it('names the new head change over REST after a push, with the id that the commit carries or that Jujutsu gives it', async () => {
    const remote = await remoteRepository(authority);
    const head = async (): Promise<string> =>
      (await rest(authority, 'GET', `/acme/${remote.name}`, authority.adminKey)).body.head_change_id;
    expect(await head()).toBe('z'.repeat(32));

    const local = await localRepository();
    await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main');
    expect(await head()).toBe(syntheticChangeIdOf(await gitOutput(local, 'rev-parse', 'HEAD')));

    const raw = join(local, 'raw-commit');
    const [tree, identity] = [
      await gitOutput(local, 'rev-parse', 'HEAD^{tree}'),
      'A <a@example.org> 1 +0000',
    ];
    const changeId = 'klmnopqrstuvwxyz'.repeat(2);
    writeFileSync(
      raw,
      `tree ${tree}\nauthor ${identity}\ncommitter ${identity}\nchange-id ${changeId}\n\nof Jujutsu\n`,
    );
    const carrying = await gitOutput(local, 'hash-object', '-t', 'commit', '-w', raw);
    await gitOutput(local, 'push', '--quiet', '--force', remote.as(authority.adminKey), `${carrying}:main`);
    expect(await head()).toBe(changeId);
    // After its refs and objects were packed, too.
    await gitOutput(remote.directory, 'gc', '--quiet');
    expect(await head()).toBe(changeId);
  });

  it('gives new clones the default bookmark as their branch', async () => {
    const remote = await filledRepository(authority);
    const local = temporaryDirectory();
    await gitOutput(local, 'clone', '--quiet', remote.as(authority.adminKey), 'first');
    expect(await gitOutput(join(local, 'first'), 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    await gitOutput(join(local, 'first'), 'push', '--quiet', 'origin', 'HEAD:next');
    const changed = await rest(authority, 'PATCH', `/acme/${remote.name}`, authority.adminKey, {
      default_bookmark: 'next',
    });
    expect(changed.status).toBe(200);
    await gitOutput(local, 'clone', '--quiet', remote.as(authority.adminKey), 'second');
    expect(await gitOutput(join(local, 'second'), 'symbolic-ref', 'HEAD')).toBe('refs/heads/next');
  });

  it('lets one of two pushes at once win, and tells the other', async () => {
    const remote = await filledRepository(authority);
    const clones = await Promise.all(
      ['one', 'two'].map(async (text) => {
        const local = temporaryDirectory();
        await gitOutput(local, 'clone', '--quiet', remote.as(authority.adminKey), '.');
        await commit(local, 'file', text);
        return local;
      }),
    );
    const pushes = await Promise.all(clones.map((local) => git(local, ['push', 'origin', 'main'])));
    expect(pushes.map(({ status }) => status).toSorted((a, b) => Number(a) - Number(b))).toEqual([0, 1]);
    const loser = pushes.find(({ status }) => status === 1);
    expect(loser?.stderr).toMatch(/rejected/);
    const winner = clones[pushes.findIndex(({ status }) => status === 0)] ?? '';
    expect(await refsOf(remote)).toBe(`${await gitOutput(winner, 'rev-parse', 'HEAD')} refs/heads/main`);
    expect(await git(remote.directory, ['fsck', '--strict'])).toMatchObject({ status: 0 });
  });
});
