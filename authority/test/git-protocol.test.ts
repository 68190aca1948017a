import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { signAccessToken } from 'mesa-auth/access-token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, startAuthority } from './support/authority.ts';
import {
  commit,
  filledRepository,
  git,
  gitOutput,
  localRepository,
  refsOf,
  type Remote,
  remoteRepository,
} from './support/git.ts';
import { rest } from './support/rest.ts';
import { waitUntil } from './support/wait-until.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

describe('the protocol of git', () => {
  let authority: Authority;
  let authorization: string;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
    authorization = `Basic ${Buffer.from(`t:${authority.adminKey}`).toString('base64')}`;
  });
  afterAll(endSuite);

  /** What a client that is not git could send. */
  async function post(
    remote: Remote,
    service: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${remote.url}/${service}`, {
      method: 'POST',
      headers: { authorization, 'content-type': `application/x-${service}-request`, ...headers },
      body,
    });
    return { status: response.status, text: await response.text() };
  }

  it.each(['0', '1', '2'])('is spoken in version %s', async (version) => {
    const remote = await filledRepository(authority);
    const local = temporaryDirectory();
    const settings = ['-c', `protocol.version=${version}`];
    const trace = { GIT_TRACE_PACKET: '1' };
    const clone = await git(local, [...settings, 'clone', remote.as(authority.adminKey), '.'], trace);
    expect(clone.status).toBe(0);
    const [, spoken = '0'] = /(?:clone|git)< version (\d)/.exec(clone.stderr) ?? [];
    expect(spoken).toBe(version);
    const head = await commit(local, 'file', version);
    expect(await git(local, [...settings, 'push', 'origin', 'HEAD:main'])).toMatchObject({ status: 0 });
    expect(await refsOf(remote)).toBe(`${head} refs/heads/main`);
  });

  it('takes requests in gzip and in chunks, as git sends long ones', async () => {
    const remote = await remoteRepository(authority);
    const local = await localRepository();
    for (let index = 0; index < 40; index += 1) {
      await gitOutput(local, 'commit', '--quiet', '--allow-empty', '-m', `${index}`);
      await gitOutput(local, 'branch', `branch-${index}`);
    }
    await commit(local, 'noise', randomBytes(300_000));
    const trace = { GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };
    const settings = ['-c', 'http.postBuffer=65536'];
    const push = await git(local, [...settings, 'push', '--all', remote.as(authority.adminKey)], trace);
    expect(push).toMatchObject({ status: 0, stderr: expect.stringMatching(/transfer-encoding: chunked/i) });

    const fetched = temporaryDirectory();
    await gitOutput(fetched, 'init', '--quiet');
    const all = '+refs/heads/*:refs/remotes/origin/*';
    const fetching = await git(fetched, ['fetch', remote.as(authority.adminKey), all], trace);
    expect(fetching).toMatchObject({ status: 0, stderr: expect.stringMatching(/content-encoding: gzip/i) });
    expect((await gitOutput(fetched, 'branch', '--remotes')).split('\n')).toHaveLength(41);
  });

  it('clones a part of the history or of the files', async () => {
    const remote = await filledRepository(authority);
    const local = temporaryDirectory();
    await gitOutput(local, 'clone', '--quiet', '--depth=1', remote.as(authority.adminKey), 'shallow');
    expect(existsSync(join(local, 'shallow/.git/shallow'))).toBe(true);
    const filtered = [
      'clone',
      '--filter=blob:none',
      '--no-checkout',
      remote.as(authority.adminKey),
      'filtered',
    ];
    expect((await git(local, filtered)).stderr).not.toContain('filtering not recognized');
    const missing = await gitOutput(
      join(local, 'filtered'),
      'rev-list',
      '--objects',
      '--all',
      '--missing=print',
    );
    expect(missing).toMatch(/^\?[0-9a-f]{40}$/m);
    // What is missing is fetched when it is needed.
    await gitOutput(join(local, 'filtered'), 'checkout', '--quiet', 'main');
    expect(existsSync(join(local, 'filtered/file'))).toBe(true);
  });

  it('lets a client wait for 100 Continue', async () => {
    const remote = await filledRepository(authority);
    const sent = request(`${remote.url}/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/x-git-receive-pack-request',
        'content-length': '4',
        expect: '100-continue',
      },
    });
    sent.flushHeaders();
    await once(sent, 'continue');
    // A flush-pkt: git sends one to find out whether it may push.
    sent.end('0000');
    const [response] = await once(sent, 'response');
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  it.each([
    ['GET', '.git/info/refs', 403],
    ['GET', '.git/info/refs?service=git-upload-archive', 403],
    ['GET', '.git/info/refs?service=git-upload-pack&service=git-receive-pack', 403],
    ['GET', '/info/refs?service=git-upload-pack', 404],
    ['GET', '.GIT/info/refs?service=git-upload-pack', 404],
    ['GET', '.git/../x.git/info/refs?service=git-upload-pack', 404],
    ['GET', '.git/info/refs/?service=git-upload-pack', 404],
    ['GET', '.git/HEAD', 404],
    ['GET', '.git/objects/info/packs', 404],
    ['GET', '.git/git-upload-pack', 404],
    ['HEAD', '.git/info/refs?service=git-upload-pack', 404],
    ['POST', '.git/info/refs?service=git-upload-pack', 404],
    ['POST', '.git/git-upload-archive', 404],
    ['POST', '.git/git-upload-pack', 415],
  ])('has nothing but its own paths: %s %s is %i', async (method, path, expected) => {
    const remote = await remoteRepository(authority);
    const { host } = new URL(remote.url);
    const [hostname = '', port = ''] = host.split(':');
    // Not fetch, which would resolve dots.
    const sent = request({
      hostname,
      port,
      method,
      path: `/acme/${remote.name}${path}`,
      headers: { authorization },
    });
    sent.end();
    const [response] = await once(sent, 'response');
    response.resume();
    expect(response.statusCode).toBe(expected);
  });

  it('refuses a body that is not what it says, and goes on', async () => {
    const remote = await filledRepository(authority);
    const wrongType = { 'content-type': 'application/x-git-upload-pack-request' };
    expect(await post(remote, 'git-receive-pack', '0000', wrongType)).toMatchObject({ status: 415 });
    const json = { 'content-type': 'application/json' };
    expect(await post(remote, 'git-upload-pack', '{}', json)).toMatchObject({ status: 415 });
    const brotli = { 'content-encoding': 'br' };
    expect(await post(remote, 'git-receive-pack', '0000', brotli)).toMatchObject({ status: 415 });
    const gzip = { 'content-encoding': 'gzip' };
    const notGzip = { status: 400, text: 'The body is not the gzip that it says it is\n' };
    expect(await post(remote, 'git-receive-pack', '0000', gzip)).toEqual(notGzip);
    const cut = new Uint8Array(gzipSync('0000')).slice(0, 12);
    expect(await post(remote, 'git-receive-pack', cut, gzip)).toEqual(notGzip);
    expect(await post(remote, 'git-receive-pack', new Uint8Array(gzipSync('0000')), gzip)).toEqual({
      status: 200,
      text: '',
    });
    const noGit = { status: 400, text: 'The body is no request of git\n' };
    expect(await post(remote, 'git-receive-pack', 'hello, world')).toEqual(noGit);
    expect(await post(remote, 'git-upload-pack', 'hello, world')).toEqual(noGit);
    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
  });

  it('refuses a fetch that says too much, however small it was made', async () => {
    const remote = await filledRepository(authority);
    const prefix = `ref-prefix ${'x'.repeat(60_000)}\n`;
    const packet = `${(prefix.length + 4).toString(16)}${prefix}`;
    const body = new Uint8Array(gzipSync(`0014command=ls-refs\n0001${packet.repeat(1_200)}0000`));
    expect(body.length).toBeLessThan(1_000_000);
    const headers = { 'content-encoding': 'gzip', 'git-protocol': 'version=2' };
    expect(await post(remote, 'git-upload-pack', body, headers)).toMatchObject({
      status: 413,
      text: expect.stringContaining('larger than'),
    });
  });

  it('refuses objects that git finds unsafe', async () => {
    const remote = await filledRepository(authority);
    const local = await localRepository();
    const blob = await gitOutput(local, 'rev-parse', 'HEAD:file');
    const raw = join(local, 'raw-tree');
    writeFileSync(raw, Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]));
    const tree = await gitOutput(local, 'hash-object', '-t', 'tree', '-w', '--literally', raw);
    const unsafe = await gitOutput(local, 'commit-tree', '-m', 'unsafe', tree);
    const push = await git(local, ['push', remote.as(authority.adminKey), `${unsafe}:refs/heads/unsafe`]);
    expect(push).toMatchObject({ status: 1, stderr: expect.stringContaining("contains '.git'") });
    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
  });

  it('runs no hooks', async () => {
    const remote = await remoteRepository(authority);
    const hooks = join(remote.directory, 'hooks');
    const mark = join(temporaryDirectory(), 'mark');
    mkdirSync(hooks, { recursive: true });
    for (const hook of ['pre-receive', 'update', 'post-receive', 'post-update', 'reference-transaction']) {
      writeFileSync(join(hooks, hook), `#!/bin/sh\ntouch ${mark}\nexit 1\n`, { mode: 0o755 });
    }
    const local = await localRepository();
    expect(await git(local, ['push', remote.as(authority.adminKey), 'main'])).toMatchObject({ status: 0 });
    expect(existsSync(mark)).toBe(false);
  });

  it('deletes and overwrites branches, but not the default one', async () => {
    const remote = await filledRepository(authority);
    const local = await localRepository('another history\n');
    const push = (...args: readonly string[]) => git(local, ['push', remote.as(authority.adminKey), ...args]);
    expect(await push('main:topic', `HEAD:refs/tags/v1`)).toMatchObject({ status: 0 });
    expect(await push('--force', 'main')).toMatchObject({ status: 0 });
    expect(await push('--delete', 'topic')).toMatchObject({ status: 0 });
    expect(await push('--delete', 'main')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('deletion of the current branch prohibited'),
    });
    const head = await gitOutput(local, 'rev-parse', 'HEAD');
    expect(await refsOf(remote)).toBe(`${head} refs/heads/main\n${head} refs/tags/v1`);
  });

  it('logs a line for each request, with the route and without the path or the credential', async () => {
    const remote = await filledRepository(authority);
    const { body } = await rest(authority, 'GET', '/whoami', authority.adminKey);
    const { token } = signAccessToken({
      apiKey: authority.adminKey,
      apiKeyId: body.key_id,
      permissions: ['read'],
      repos: null,
    });
    await gitOutput('/', 'ls-remote', remote.as(token));
    const output = (): string => authority.servers[0]?.output() ?? '';
    const lineOfToken = (): string | undefined =>
      output()
        .split('\n')
        .find((line) => line.endsWith('}') && line.includes('"credential":"access-token"'));
    await waitUntil('the line of the request', () => lineOfToken() !== undefined);
    const log = output();
    expect(JSON.parse(lineOfToken() ?? '')).toMatchObject({
      method: 'GET',
      route: '/:org/:directory/info/refs',
      status: 200,
      org: 'acme',
      key_id: body.key_id,
    });
    for (const secret of [authority.adminKey, token, authorization.slice('Basic '.length), remote.name]) {
      expect(log).not.toContain(secret);
    }
  });
});
