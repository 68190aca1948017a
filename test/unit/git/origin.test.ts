import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { repositoryFromRemote, repositoryOfCheckout, type RepositoryName } from '../../../src/git/origin.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const API_URL = 'https://api.mesa.dev';
const ACME_WEB = { org: 'acme', repo: 'web' };

describe('a remote URL', () => {
  it.each([
    'https://api.mesa.dev/acme/web',
    'https://api.mesa.dev/acme/web.git',
    'https://api.mesa.dev/acme/web/',
    'https://api.mesa.dev/acme/web.git/',
    'https://t:mesa_secret@api.mesa.dev/acme/web.git',
    'https://API.Mesa.dev/acme/web',
    'HTTPS://api.mesa.dev:443/acme/web',
  ])('%s names the repository', (url) => {
    expect(repositoryFromRemote(url, API_URL)).toEqual(ACME_WEB);
  });

  it.each([
    '',
    'acme/web',
    '/srv/acme/web.git',
    'file:///acme/web',
    'http://api.mesa.dev/acme/web',
    'ssh://git@api.mesa.dev/acme/web.git',
    'git@api.mesa.dev:acme/web.git',
    'git://api.mesa.dev/acme/web',
    'https://mesa.dev/acme/web',
    'https://api.mesa.dev.evil.example/acme/web',
    'https://xapi.mesa.dev/acme/web',
    'https://api.mesa.dev./acme/web',
    'https://api.mesa.dev:8443/acme/web',
    'https://evil.example/acme/web?x=api.mesa.dev',
    'https://evil.example/https://api.mesa.dev/acme/web',
    'https://api.mesa.dev@evil.example/acme/web',
    'https://api.mesa.dev:x@evil.example/acme/web',
    'https://api.mesa.dev\\@evil.example/acme/web',
    'https://evil.example\\@api.mesa.dev/acme/web',
    'https://evil.example#@api.mesa.dev/acme/web',
    'https://api.mesa.dev',
    'https://api.mesa.dev/',
    'https://api.mesa.dev/acme',
    'https://api.mesa.dev//web',
    'https://api.mesa.dev/acme//web',
    'https://api.mesa.dev/acme/web/more',
    'https://api.mesa.dev/acme/.git',
    'https://api.mesa.dev/acme/web.git.git',
    'https://api.mesa.dev/ac%6De/web',
    'https://api.mesa.dev/acme/w%2e%2eb%2f',
    'https://api.mesa.dev/acme/-web',
    'https://api.mesa.dev/__proto__/web',
    `https://api.mesa.dev/${'a'.repeat(65)}/web`,
  ])('%j names none', (url) => {
    expect(repositoryFromRemote(url, API_URL)).toBeUndefined();
  });

  it('is compared with the configured host, port included', () => {
    const url = 'https://api.mesa.example:8443/acme/web';
    expect(repositoryFromRemote(url, 'https://api.mesa.example:8443')).toEqual(ACME_WEB);
    expect(repositoryFromRemote(url, 'https://api.mesa.example')).toBeUndefined();
    expect(repositoryFromRemote('https://api.mesa.dev/acme/web', 'https://api.mesa.example:8443')).toBe(
      undefined,
    );
  });

  it('may be http where the API is', () => {
    const url = 'http://t@127.0.0.1:4477/acme/web.git';
    expect(repositoryFromRemote(url, 'http://127.0.0.1:4477')).toEqual(ACME_WEB);
    expect(repositoryFromRemote(url, 'https://127.0.0.1:4477')).toBeUndefined();
    expect(repositoryFromRemote(url, 'http://127.0.0.1:4478')).toBeUndefined();
  });
});

/** The environment of git, without the configuration of whoever runs the tests. */
function gitEnv(home: TempHome): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: home.path, GIT_CONFIG_NOSYSTEM: '1' };
}

function git(home: TempHome, cwd: string, ...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd,
    env: gitEnv(home),
    stdio: 'ignore',
  });
}

function checkout(home: TempHome, origin: string | undefined): string {
  const dir = join(home.path, 'checkout');
  mkdirSync(dir);
  git(home, dir, 'init');
  if (origin !== undefined) {
    git(home, dir, 'remote', 'add', 'origin', origin);
  }
  return dir;
}

function find(
  home: TempHome,
  cwd: string,
  extra: Record<string, string> = {},
): Promise<RepositoryName | undefined> {
  return repositoryOfCheckout({
    cwd,
    apiUrl: API_URL,
    env: { ...gitEnv(home), ...extra },
    onUnreadable: () => undefined,
  });
}

describe('in a checkout', () => {
  it('the origin on the API host names the repository, from every directory and worktree of it', async () => {
    const home = createTempHome();
    const dir = checkout(home, 'https://api.mesa.dev/acme/web.git');
    const below = join(dir, 'a/b');
    mkdirSync(below, { recursive: true });
    git(home, dir, 'commit', '--allow-empty', '-m', 'first');
    const worktree = join(home.path, 'elsewhere');
    git(home, dir, 'worktree', 'add', worktree);
    for (const cwd of [dir, below, worktree]) {
      expect(await find(home, cwd)).toEqual(ACME_WEB);
    }
  });

  it('what git rewrites counts as git rewrites it', async () => {
    const home = createTempHome();
    home.write('.gitconfig', '[url "https://api.mesa.dev/"]\n\tinsteadOf = mesa:\n');
    const dir = checkout(home, 'mesa:acme/web.git');
    expect(await find(home, dir)).toEqual(ACME_WEB);
  });

  it.each([
    ['without a remote', undefined],
    ['of another host', 'https://github.com/acme/web.git'],
    ['of a directory', '/srv/git/web.git'],
  ])('%s there is no repository', async (_, origin) => {
    const home = createTempHome();
    expect(await find(home, checkout(home, origin))).toBeUndefined();
  });

  it('no secret of ours reaches git', async () => {
    const home = createTempHome();
    const dir = checkout(home, 'https://api.mesa.dev/acme/web.git');
    const seen = join(home.path, 'seen');
    home.write('bin/git', `#!/bin/sh\nenv >'${seen}'\necho https://api.mesa.dev/acme/web\n`);
    execFileSync('chmod', ['700', join(home.path, 'bin/git')]);
    const extra = { PATH: `${home.path}/bin:${process.env['PATH'] ?? ''}`, MESA_API_KEY: 'mesa_secret' };
    expect(await find(home, dir, extra)).toEqual(ACME_WEB);
    const env = execFileSync('cat', [seen], { encoding: 'utf8' });
    expect(env).toContain(`HOME=${home.path}`);
    expect(env).not.toMatch(/MESA_|mesa_secret/);
  });

  it.each([
    ['fails', 'exit 1'],
    ['is killed', 'kill -9 $$'],
    ['says nothing', 'exit 0'],
    ['says too much', 'yes https://api.mesa.dev/acme/web'],
  ])('a git that %s means no repository', async (_, script) => {
    const home = createTempHome();
    const dir = checkout(home, 'https://api.mesa.dev/acme/web.git');
    home.write('bin/git', `#!/bin/sh\n${script}\n`);
    execFileSync('chmod', ['700', join(home.path, 'bin/git')]);
    expect(await find(home, dir, { PATH: `${home.path}/bin:${process.env['PATH'] ?? ''}` })).toBeUndefined();
  });

  it('a missing git means no repository', async () => {
    const home = createTempHome();
    const dir = checkout(home, 'https://api.mesa.dev/acme/web.git');
    expect(await find(home, dir, { PATH: home.path })).toBeUndefined();
  });
});

it('outside a checkout git is not even started', async () => {
  const home = createTempHome();
  const started = join(home.path, 'started');
  home.write('bin/git', `#!/bin/sh\ntouch '${started}'\n`);
  execFileSync('chmod', ['700', join(home.path, 'bin/git')]);
  const found = await repositoryOfCheckout({
    cwd: home.path,
    apiUrl: API_URL,
    env: { PATH: join(home.path, 'bin') },
    onUnreadable: () => expect.unreachable(),
  });
  expect(found).toBeUndefined();
  expect(home.tree()).not.toContain('started');
});
