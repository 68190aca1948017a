import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, startAuthority } from './support/authority.ts';
import {
  commit,
  filledRepository,
  git,
  gitOutput,
  localRepository,
  refsOf,
  remoteRepository,
} from './support/git.ts';
import { rawConnection } from './support/raw-http.ts';
import { rest } from './support/rest.ts';
import { waitUntil } from './support/wait-until.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

/** How many programs of git the server has started that still run. */
function gitsOf({ servers: [server] }: Authority): number {
  const { status, stdout } = spawnSync('pgrep', ['-c', '-P', String(server?.process.pid), 'git'], {
    encoding: 'utf8',
  });
  return status === 0 ? Number(stdout) : 0;
}

describe('the limits of git', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority('sqlite', {
      args: ['--max-push', '200k', '--git-processes', '1', '--failed-attempts', '2'],
    });
  });
  afterAll(endSuite);

  it('refuses a push that is larger than allowed, saying so, and other bodies are no larger for it', async () => {
    const remote = await filledRepository(authority);
    const local = await localRepository();
    await commit(local, 'large', randomBytes(3_000_000));
    for (const settings of [[], ['-c', 'http.postBuffer=8000000']]) {
      const push = await git(local, [...settings, 'push', remote.as(authority.adminKey), 'main:large']);
      expect(push).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('remote: fatal: pack exceeds maximum allowed size'),
      });
    }
    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
    const tooLarge = await rest(authority, 'POST', '/acme/repos', authority.adminKey, {
      name: 'x'.repeat(100_000),
    });
    expect(tooLarge.status).toBe(413);
  });

  it('lets clones wait for each other when few may run at once', async () => {
    const remote = await filledRepository(authority);
    const clones = await Promise.all(
      Array.from({ length: 4 }, () =>
        git(temporaryDirectory(), ['clone', '--quiet', remote.as(authority.adminKey), '.']),
      ),
    );
    expect(clones.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  });

  it('goes on when a request fails or is left while it waits for its git', async () => {
    const remote = await filledRepository(authority);
    const basic = Buffer.from(`t:${authority.adminKey}`).toString('base64');
    const head = (length: number, more = ''): string =>
      `POST /acme/${remote.name}.git/git-upload-pack HTTP/1.1\r\nHost: test\r\nAuthorization: Basic ${basic}\r\n` +
      `Content-Type: application/x-git-upload-pack-request\r\nContent-Length: ${length}\r\n${more}\r\n`;
    // Has the only git, and says nothing more.
    const holding = rawConnection(authority.url);
    holding.socket.write(`${head(1_000)}0032`);
    await waitUntil('a git that holds its slot', () => gitsOf(authority) === 1);

    const damaged = 'this is no gzip at all';
    const waiting = rawConnection(authority.url);
    waiting.socket.write(`${head(damaged.length, 'Content-Encoding: gzip\r\n')}${damaged}`);
    const leaving = rawConnection(authority.url);
    leaving.socket.write(`${head(1_000)}0032`);
    await rest(authority, 'GET', '/whoami', authority.adminKey);
    leaving.socket.destroy();
    await leaving.ended;
    await rest(authority, 'GET', '/whoami', authority.adminKey);
    holding.socket.destroy();
    await waitUntil('an answer', () => waiting.text().includes('\r\n\r\n'));
    expect(waiting.text()).toMatch(/^HTTP\/1\.1 400 /);
    waiting.socket.destroy();
    expect(await gitOutput('/', 'ls-remote', remote.as(authority.adminKey))).toContain(remote.head);
  });

  it('takes no more commands of a push than fit into memory', async () => {
    const remote = await filledRepository(authority);
    const line = `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/${'x'.repeat(900)}\n`;
    const commands = `${(line.length + 4).toString(16).padStart(4, '0')}${line}`.repeat(70_000);
    const response = await fetch(`${remote.url}/git-receive-pack`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`t:${authority.adminKey}`).toString('base64')}`,
        'content-type': 'application/x-git-receive-pack-request',
        'content-encoding': 'gzip',
      },
      body: gzipSync(commands),
    });
    expect(response.status).toBe(413);
    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
  });

  it('answers no more credentials of an address after too many wrong ones', async () => {
    const remote = await remoteRepository(authority);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { status, stderr } = await git('/', ['ls-remote', remote.as('mesa_wrong')]);
      expect(status).toBe(128);
      expect(stderr).toContain('Authentication failed');
    }
    expect(await git('/', ['ls-remote', remote.as(authority.adminKey)])).toMatchObject({
      status: 128,
      stderr: expect.stringMatching(/^remote: Too many credentials[^\n]*\nfatal: .*error: 429/),
    });
  });
});
