import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, startAuthority, type RunningServer } from './support/authority.ts';
import {
  commit,
  filledRepository,
  git,
  gitOutput,
  localRepository,
  type Remote,
  refsOf,
  remoteRepository,
  startGit,
} from './support/git.ts';
import { peakMemoryOf, processesIn } from './support/processes.ts';
import { startRelay } from './support/relay.ts';
import { rest } from './support/rest.ts';
import { waitUntil } from './support/wait-until.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const MIB = 1_024 * 1_024;

/** A repository of one commit with so much that cannot be compressed. */
async function largeRepository(mebibytes: number): Promise<string> {
  const local = await localRepository();
  await gitOutput(local, 'config', 'core.bigFileThreshold', '1m');
  await gitOutput(local, 'config', 'core.compression', '0');
  await commit(local, 'large', randomBytes(mebibytes * MIB));
  return local;
}

describe('transfers of git', () => {
  let authority: Authority;
  let server: RunningServer;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
    [server] = authority.servers as [RunningServer];
  });
  afterAll(endSuite);

  const through = (url: string, remote: Remote): string =>
    remote.as(authority.adminKey).replace(new URL(authority.url).host, new URL(url).host);

  it('takes a pack of 100 MB and gives it out again, in bounded memory', async () => {
    // What it needs for any push and clone.
    const small = await filledRepository(authority);
    await gitOutput(temporaryDirectory(), 'clone', '--quiet', small.as(authority.adminKey), '.');
    const before = peakMemoryOf(Number(server.process.pid));

    const remote = await remoteRepository(authority);
    const local = await largeRepository(100);
    await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main');
    const clone = temporaryDirectory();
    await gitOutput(clone, 'clone', '--quiet', remote.as(authority.adminKey), '.');

    const digests = [local, clone].map((directory) =>
      createHash('sha256')
        .update(readFileSync(join(directory, 'large')))
        .digest('hex'),
    );
    expect(digests[1]).toBe(digests[0]);
    expect(peakMemoryOf(Number(server.process.pid)) - before).toBeLessThan(64);
  }, 180_000);

  it('ends git when the client is killed in the middle of a push, and the repository is whole', async () => {
    const remote = await filledRepository(authority);
    const local = await largeRepository(8);
    const relay = await startRelay(authority.url, { from: 'client', after: 2 * MIB });
    const push = startGit(local, ['push', through(relay.url, remote), 'main:large']);
    await relay.stuck;
    await waitUntil('git reads the pack', () =>
      processesIn(remote.directory).some(({ command }) => /unpack-objects|index-pack/.test(command)),
    );

    process.kill(-Number(push.pid), 'SIGKILL');
    await waitUntil('git ends', () => processesIn(remote.directory).length === 0);

    expect(await refsOf(remote)).toBe(`${remote.head} refs/heads/main`);
    // What it had received is gone, too.
    expect(readdirSync(join(remote.directory, 'objects')).filter((name) => name.length > 4)).toEqual([]);
    expect(await git(remote.directory, ['fsck', '--strict'])).toMatchObject({ status: 0 });
    await waitUntil('the log line', () => server.output().includes('"cut_off":true'));
    await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main:large');
    expect(await refsOf(remote)).toContain('refs/heads/large');
  });

  it('ends git when the client is killed in the middle of a clone', async () => {
    const remote = await remoteRepository(authority);
    const local = await largeRepository(8);
    await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main');
    const relay = await startRelay(authority.url, { from: 'server', after: MIB / 4 });
    const clone = startGit(temporaryDirectory(), ['clone', through(relay.url, remote), '.']);
    await relay.stuck;
    expect(processesIn(remote.directory)).toContainEqual(
      expect.objectContaining({ command: expect.stringContaining('upload-pack') }),
    );

    process.kill(-Number(clone.pid), 'SIGKILL');
    await waitUntil('git ends', () => processesIn(remote.directory).length === 0);
    expect((await rest(authority, 'GET', '/whoami', authority.adminKey)).status).toBe(200);
  });

  it('deletes a repository at once, while it is cloned', async () => {
    const remote = await remoteRepository(authority);
    const local = await largeRepository(8);
    await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main');
    const relay = await startRelay(authority.url, { from: 'server', after: MIB / 4 });
    const clone = startGit(temporaryDirectory(), ['clone', through(relay.url, remote), '.']);
    const ended = once(clone, 'exit');
    await relay.stuck;

    const deleted = await rest(authority, 'DELETE', `/acme/${remote.name}`, authority.adminKey);
    expect(deleted.status).toBe(200);
    expect(existsSync(remote.directory)).toBe(false);
    expect(readdirSync(join(authority.directory, 'git')).join()).not.toContain(remote.id);
    relay.release();
    await ended;
    await waitUntil('git ends', () => processesIn(remote.directory).length === 0);
    expect(await git('/', ['ls-remote', remote.as(authority.adminKey)])).toMatchObject({
      status: 128,
      stdout: '',
      stderr: expect.stringContaining('remote: There is no such repository'),
    });
  });

  it('serves many clones at once', async () => {
    const remote = await filledRepository(authority);
    const clones = Array.from({ length: 8 }, () => temporaryDirectory());
    const ended = await Promise.all(
      clones.map((local) => git(local, ['clone', '--quiet', remote.as(authority.adminKey), '.'])),
    );
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 0));
    for (const local of clones) {
      expect(await gitOutput(local, 'rev-parse', 'HEAD')).toBe(remote.head);
    }
  });

  it('ends a push that is under way before it stops, and takes no other', async () => {
    const remote = await filledRepository(authority);
    const local = await largeRepository(8);
    const relay = await startRelay(authority.url, { from: 'client', after: 2 * MIB });
    const push = git(local, ['push', through(relay.url, remote), 'main:large']);
    await relay.stuck;

    const stopped = server.stop();
    await waitUntil(
      'no new connections',
      async () => (await git('/', ['ls-remote', remote.as(authority.adminKey)])).status === 128,
    );
    relay.release();
    expect(await push).toMatchObject({ status: 0 });
    expect(await stopped).toBe(0);
    expect(await refsOf(remote)).toContain(`${await gitOutput(local, 'rev-parse', 'HEAD')} refs/heads/large`);
  });
});
