import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { openGitRoot } from '../../../src/git/git-root.ts';
import { createPackServices, type GitFailure, type PackRequest } from '../../../src/git/pack-service.ts';
import { gitOutput, localRepository } from '../../support/git.ts';
import { processesIn } from '../../support/processes.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const never = (): AbortSignal => new AbortController().signal;

async function emptyRepository(): Promise<string> {
  const root = await openGitRoot(temporaryDirectory());
  await root.create('r', 'main');
  return root.pathOf('r');
}

function services(options: { readonly processes?: number; readonly waitMs?: number } = {}) {
  const failures: GitFailure[] = [];
  const packServices = createPackServices({
    maxPushBytes: 1_000_000,
    processes: 2,
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  return { packServices, failures };
}

async function all(output: Readable | undefined): Promise<string | undefined> {
  return output && text(output);
}

const push = (repository: string, input: Readable, signal = never()): PackRequest => ({
  service: 'git-receive-pack',
  repository,
  protocol: undefined,
  input,
  signal,
});

describe('the programs of git', () => {
  it('announce the service as git-http-backend does, but not in version 2', async () => {
    const repository = await emptyRepository();
    const { packServices } = services();
    const advertise = async (protocol: string | undefined) => {
      const output = await packServices.run({
        service: 'git-upload-pack',
        repository,
        protocol,
        input: undefined,
        signal: never(),
      });
      return all(output);
    };
    expect(await advertise(undefined)).toMatch(/^001e# service=git-upload-pack\n0000/);
    expect(await advertise('version=1')).toMatch(/^001e# service=git-upload-pack\n0000000eversion 1\n/);
    expect(await advertise('version=2')).toMatch(/^000eversion 2\n/);
  });

  it('are not started while too many run, and nothing is left of the one that waited', async () => {
    const repository = await emptyRepository();
    const { packServices } = services({ processes: 1, waitMs: 1 });
    const open = new PassThrough();
    const first = packServices.run(push(repository, open));
    await waitUntil('git runs', () => processesIn(repository).length === 1);
    expect(await packServices.run(push(repository, new PassThrough()))).toBeUndefined();
    open.end('0000');
    expect(await all(await first)).toBe('');
    const output = await packServices.run(push(repository, new PassThrough().end('0000')));
    expect(await all(output)).toBe('');
  });

  it('end when nobody listens any more', async () => {
    const repository = await emptyRepository();
    const { packServices } = services();
    const gone = new AbortController();
    const running = packServices.run(push(repository, new PassThrough(), gone.signal));
    const refused = expect(running).rejects.toThrow();
    await waitUntil('git runs', () => processesIn(repository).length === 1);
    gone.abort();
    await refused;
    await waitUntil('git ends', () => processesIn(repository).length === 0);
  });

  it('fail with what they said, and with whose fault it was', async () => {
    const { packServices, failures } = services();
    const nowhere = packServices.run(
      push(join(temporaryDirectory(), 'nothing.git'), new PassThrough().end()),
    );
    await expect(nowhere).rejects.toMatchObject({
      name: 'GitFailure',
      message: expect.stringMatching(/^git-receive-pack ended with status 128: fatal: .*nothing\.git/),
      isClientFault: false,
    });
    const nonsense = packServices.run(push(await emptyRepository(), new PassThrough().end('nonsense')));
    await expect(nonsense).rejects.toMatchObject({ isClientFault: true });
    expect(failures).toEqual([]);
  });

  it('let a client read what they said before they failed', async () => {
    const repository = await emptyRepository();
    await gitOutput(await localRepository(), 'push', '--quiet', repository, 'main');
    const { packServices, failures } = services();
    const unknown = `0032want ${'1'.repeat(40)}\n00000009done\n`;
    const output = await packServices.run({
      service: 'git-upload-pack',
      repository,
      protocol: undefined,
      input: new PassThrough().end(unknown),
      signal: never(),
    });
    expect(await all(output)).toMatch(/^[0-9a-f]{4}ERR upload-pack: not our ref 1{40}/);
    expect(failures).toMatchObject([{ name: 'GitFailure', isClientFault: false }]);
  });

  it('do not hide that one was killed', async () => {
    const repository = await emptyRepository();
    const { packServices } = services();
    const running = packServices.run(push(repository, new PassThrough()));
    const refused = expect(running).rejects.toThrow('git-receive-pack ended with SIGKILL');
    await waitUntil('git runs', () => processesIn(repository).length === 1);
    process.kill(Number(processesIn(repository)[0]?.pid), 'SIGKILL');
    await refused;
  });

  it('pass on the failure of what they are sent', async () => {
    const repository = await emptyRepository();
    const { packServices } = services();
    const input = new PassThrough();
    const running = packServices.run(push(repository, input));
    const refused = expect(running).rejects.toThrow('a bad body');
    await waitUntil('git runs', () => processesIn(repository).length === 1);
    input.destroy(new Error('a bad body'));
    await refused;
    await waitUntil('git ends', () => processesIn(repository).length === 0);
  });

  it('say so when git is not installed, and leave the slot', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    const { packServices } = services({ processes: 1, waitMs: 1 });
    for (let time = 0; time < 2; time += 1) {
      const input = new PassThrough();
      await expect(packServices.run(push('/', input))).rejects.toThrow('git-receive-pack ended with ENOENT');
    }
  });
});
