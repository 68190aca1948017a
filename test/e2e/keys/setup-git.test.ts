import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { verifyAccessToken } from '../../../src/access-token/verify.ts';
import { API_KEY, KEY_ID, SIGNING_SECRET } from '../../support/access-tokens.ts';
import { startGitServer, type GitServer } from '../../support/git-server.ts';
import { builtMesa, childEnv, NODE, runMesa, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const URL_SECTION = '[credential "https://api.mesa.dev"]\n';
const QUIET = { GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };

function setUp(home: TempHome, ...flags: readonly string[]): Promise<RunResult> {
  return runMesa(['auth', 'setup-git', ...flags], { home, env: QUIET });
}

function gitConfig(home: TempHome): string {
  return readFileSync(join(home.path, '.gitconfig'), 'utf8');
}

function countHelpers(settings: string): number {
  return settings.split(' auth git-credential').length - 1;
}

function git(home: TempHome, args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main'];
  const options = { env: { ...childEnv({ home }), ...QUIET, ...env }, cwd: home.path };
  return new Promise((resolve) => {
    execFile('git', [...identity, ...args], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code);
      resolve({ status, signal: null, stdout, stderr, milliseconds: 0 });
    });
  });
}

describe('setup-git', () => {
  it.each<[string, string | undefined]>([
    ['no settings', undefined],
    ['an empty file', ''],
    ['other settings', '[user]\n\tname = ada\n[alias]\n\tx = y\n'],
    ['helpers for everything', '[credential]\n\thelper = store\n\thelper = cache # mine\n'],
    ['a helper for this host', `${URL_SECTION}\thelper = store # mine\n\tusername = ada\n[alias]\n\tx = y\n`],
    ['the path off', `${URL_SECTION}\tuseHttpPath = false\n`],
    ['the path on', `${URL_SECTION}\tuseHttpPath = true\n`],
    [
      'blank helpers and comments',
      `${URL_SECTION}    helper = # forget system helpers\n    helper = store # my own\n    # note about cache\n    helper = cache\n`,
    ],
    [
      'the path on, twice',
      `${URL_SECTION}\tuseHttpPath = true # mine\n\tuseHttpPath = true\n[a]\n\tx = \xe9\n`,
    ],
    [
      'another host with a mesa',
      `[credential "https://other"]\n\thelper = \n\thelper = !/bin/mesa auth git-credential\n\tuseHttpPath = true\n`,
    ],
    ['blank helpers', `${URL_SECTION}\thelper = \n\thelper = store\n\thelper = \n`],
  ])('beside %s is done once, and --remove takes back all of it and nothing else', async (_, content) => {
    const home = createTempHome();
    if (content !== undefined) {
      home.write('.gitconfig', content);
    }
    expect(await setUp(home)).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'git asks mesa about https://api.mesa.dev from now on, and gets its key\n',
    });
    const settings = gitConfig(home);
    const get = async (name: string) =>
      (await git(home, ['config', '--get-urlmatch', name, 'https://api.mesa.dev/acme/web.git'])).stdout;
    expect(await get('credential.useHttpPath')).toBe('true\n');
    expect(settings).toMatch(/\thelper = \n(?:\t.*\n)*?\thelper = !.* auth git-credential\n/);
    expect(await setUp(home)).toMatchObject({
      status: 0,
      stderr: 'git asks mesa about https://api.mesa.dev already, and gets its key\n',
    });
    expect(gitConfig(home)).toBe(settings);
    expect(await setUp(home, '--mint')).toMatchObject({
      stderr:
        'git asks mesa about https://api.mesa.dev from now on, and gets a short-lived token for the repository\n',
    });
    expect(countHelpers(gitConfig(home))).toBe(countHelpers(content ?? '') + 1);
    expect(gitConfig(home)).toContain(' auth git-credential --mint\n');
    expect(await setUp(home, '--remove')).toMatchObject({
      status: 0,
      stderr: 'git no longer asks mesa about https://api.mesa.dev\n',
    });
    expect(gitConfig(home)).toBe(content ?? '');
    expect(await setUp(home, '--remove')).toMatchObject({
      status: 0,
      stderr: 'git does not ask mesa about https://api.mesa.dev\n',
    });
    expect(gitConfig(home)).toBe(content ?? '');
  });

  it('writes the mesa of the PATH by its own name, which stays when what is behind it is replaced', async () => {
    const home = createTempHome();
    const bin = join(home.path, 'my bin');
    mkdirSync(bin);
    symlinkSync(builtMesa(), join(bin, 'mesa'));
    const env = { ...QUIET, PATH: `${bin}:${process.env['PATH']}` };
    expect(await runMesa(['auth', 'setup-git'], { home, env })).toMatchObject({ status: 0 });
    expect(gitConfig(home)).toContain(`helper = !'${bin}/mesa' auth git-credential\n`);
  });

  it('takes a launcher of the same version for mesa, and no other program of that name', async () => {
    const home = createTempHome();
    const bin = join(home.path, 'bin');
    mkdirSync(bin);
    const launcher = join(bin, 'mesa');
    const env = { ...QUIET, PATH: `${bin}:${process.env['PATH']}` };
    for (const [script, isOurs] of [
      [`exec '${NODE}' '${builtMesa()}' "$@"`, true],
      ['echo 24.0', false],
    ] as const) {
      writeFileSync(launcher, `#!/bin/sh\n${script}\n`);
      chmodSync(launcher, 0o755);
      expect(await runMesa(['auth', 'setup-git'], { home, env })).toMatchObject({ status: 0 });
      expect(gitConfig(home).includes(`!${launcher} auth`)).toBe(isOurs);
      expect(gitConfig(home).includes(`${builtMesa()} auth`)).toBe(!isOurs);
    }
  });

  it('leaves the settings alone while git holds their lock, and leaves the lock to git', async () => {
    const home = createTempHome();
    home.write('.gitconfig', '');
    home.write('.gitconfig.lock', '');
    const lock = join(home.path, '.gitconfig.lock');
    expect(await setUp(home)).toMatchObject({
      status: 1,
      stdout: '',
      stderr:
        `mesa: git's global settings are locked by ${lock}\n` +
        `hint: wait for git to end; when none runs: rm ${lock}\n`,
    });
    expect(gitConfig(home)).toBe('');
    expect(home.tree()).toEqual(['.gitconfig', '.gitconfig.lock']);
  });

  it('tells what git says of settings that it cannot read, and changes nothing', async () => {
    const home = createTempHome();
    home.write('.gitconfig', '[broken\n');
    const result = await setUp(home);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    const path = join(home.path, '.gitconfig');
    expect(result.stderr).toBe(
      `mesa: git config failed: 'fatal: bad config line 1 in file ${path}'\n` +
        `hint: mend ${path}, then run the command again\n`,
    );
    expect(gitConfig(home)).toBe('[broken\n');
  });

  it.each(['.gitconfig', 'link to it'])(
    'refuses to put a file in the place of a %s that is a pipe',
    async (name) => {
      const home = createTempHome();
      const pipe = join(home.path, '.gitconfig');
      execFileSync('mkfifo', [pipe]);
      symlinkSync('.gitconfig', join(home.path, 'link to it'));
      const env = { ...QUIET, GIT_CONFIG_GLOBAL: join(home.path, name) };
      const problem = `mesa: git's global settings are ${pipe}, which is no regular file\n`;
      expect(await runMesa(['auth', 'setup-git'], { home, env })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `${problem}hint: unset GIT_CONFIG_GLOBAL\n`,
      });
      expect(await setUp(home)).toMatchObject({ status: 3, stderr: problem });
      expect(await runMesa(['auth', 'setup-git', '--remove'], { home, env })).toMatchObject({
        status: 0,
        stderr: 'git does not ask mesa about https://api.mesa.dev\n',
      });
      expect(lstatSync(pipe).isFIFO()).toBe(true);
      expect(home.tree()).toEqual(['.gitconfig', 'link to it']);
    },
  );

  it('changes the file that git changes, keeps its mode, and a link to it stays a link', async () => {
    const home = createTempHome();
    const target = home.write('dotfiles/git', '[a]\n\tx = \xe9\n');
    chmodSync(target, 0o640);
    mkdirSync(join(home.path, '.config/git'), { recursive: true });
    const link = join(home.path, '.config/git/config');
    symlinkSync('../../dotfiles/git', link);
    expect(await setUp(home)).toMatchObject({ status: 0 });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readFileSync(target, 'utf8')).toContain(' auth git-credential\n');
    expect((await git(home, ['config', '--global', '--get-regexp', 'helper'])).stdout).toContain('mesa');
    expect(existsSync(join(home.path, '.gitconfig'))).toBe(false);
    expect(readdirSync(join(home.path, 'dotfiles'))).toEqual(['git']);
  });

  it('makes the file that a dangling link names', async () => {
    const home = createTempHome();
    symlinkSync('settings', join(home.path, '.gitconfig'));
    expect(await setUp(home)).toMatchObject({ status: 0 });
    expect(home.tree()).toEqual(['.gitconfig', 'settings']);
    expect(lstatSync(join(home.path, '.gitconfig')).isSymbolicLink()).toBe(true);
  });

  it('leaves the old settings or the new ones when it is killed at any call of git', async () => {
    const home = createTempHome();
    const mine = `${URL_SECTION}\thelper = \n\thelper = store # mine\n\tuseHttpPath = true\n`;
    home.write('.gitconfig', mine);
    expect(await setUp(home)).toMatchObject({ status: 0 });
    const done = gitConfig(home);
    const bin = join(home.path, 'bin');
    const temp = join(home.path, 'tmp');
    mkdirSync(bin);
    mkdirSync(temp);
    const calls = join(home.path, 'calls');
    const real = execFileSync('/bin/sh', ['-c', 'command -v git']).toString().trim();
    home.write(
      'bin/git',
      `#!/bin/sh\n'${real}' "$@"; s=$?\necho x >>'${calls}'\n[ "$(wc -l <'${calls}')" -ne "$KILL_AT" ] || kill -9 $PPID\nexit $s\n`,
    );
    chmodSync(join(bin, 'git'), 0o755);
    let killed = 0;
    for (const flag of ['--mint', '--remove']) {
      for (let call = 1; ; call++) {
        home.write('.gitconfig', done);
        home.write('calls', '');
        const env = {
          ...QUIET,
          PATH: `${bin}:${process.env['PATH']}`,
          TMPDIR: temp,
          KILL_AT: String(call),
        };
        const { signal } = await runMesa(['auth', 'setup-git', flag], { home, env });
        if (signal === null) {
          break;
        }
        killed++;
        expect(gitConfig(home)).toBe(done);
      }
      expect(gitConfig(home)).not.toBe(done);
    }
    expect(gitConfig(home)).toBe(mine);
    expect(killed).toBeGreaterThan(8);
  });

  it('refuses --mint with --remove, and changes nothing', async () => {
    const home = createTempHome();
    expect(await setUp(home, '--mint', '--remove')).toMatchObject({ status: 2 });
    expect(home.tree()).toEqual([]);
  });

  it('needs git, and says so', async () => {
    const home = createTempHome();
    const result = await runMesa(['auth', 'setup-git'], { home, env: { PATH: '/nowhere' } });
    expect(result).toMatchObject({
      status: 1,
      stderr: 'mesa: git did not run; is it installed?\nhint: install git, then run the command again\n',
    });
  });

  it.each([
    ['is killed', 0o755, 'kill -KILL $$', 'git was ended by SIGKILL'],
    ['reaches a limit', 0o755, 'kill -XFSZ $$', 'git was ended by SIGXFSZ'],
    ['says nothing', 0o755, 'exit 77', 'git config ended with status 77'],
    ['cannot be executed', 0o644, '', 'git cannot be run: permission denied'],
  ])('names what happened when git %s, and writes nothing', async (_title, mode, line, sentence) => {
    const home = createTempHome();
    const program = home.write('bin/git', `#!/bin/sh\n${line}\n`);
    chmodSync(program, mode);
    const before = home.tree();
    const result = await runMesa(['auth', 'setup-git'], { home, env: { PATH: `${home.path}/bin` } });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(new RegExp(`^mesa: ${sentence}\nhint: [^\n]+\n$`));
    expect(home.tree()).toEqual(before);
  });
});

const ACME_KEY = 'mesa_organization009f2c';
const WEB_KEY = 'mesa_repository0000c0de';
const BETA_KEY = 'mesa_another_org000beta';
const REPOSITORIES = ['acme/web', 'acme/api', 'beta/web'];
const RIGHT: Readonly<Record<string, string>> = {
  'acme/web': WEB_KEY,
  'acme/api': ACME_KEY,
  'beta/web': BETA_KEY,
};

/** A home whose git is set up for a server that runs. */
async function homeWithServer(
  document: string,
  judge: Parameters<typeof startGitServer>[2],
  ...flags: readonly string[]
): Promise<{ home: TempHome; server: GitServer }> {
  const home = createTempHome();
  const server = await startGitServer(home, REPOSITORIES, judge);
  writePlaintext(home, document);
  home.write(
    '.config/mesa/config.toml',
    `api-url = "${server.url}"\n[secrets]\nbackend = "plaintext-file"\n`,
  );
  expect(await setUp(home, ...flags)).toMatchObject({ status: 0 });
  return { home, server };
}

/** Clones, commits and pushes. */
async function work(home: TempHome, url: string, dir: string): Promise<void> {
  for (const args of [
    ['clone', '-q', url, dir],
    ['-C', dir, 'commit', '-q', '--allow-empty', '-m', 'x'],
    ['-C', dir, 'push', '-q', 'origin', 'HEAD:main'],
    ['-C', dir, 'fetch', '-q'],
  ]) {
    const { status, stderr } = await git(home, args);
    expect({ args, status, stderr }).toMatchObject({ args, status: 0 });
  }
}

describe('git that was set up', () => {
  it('clones and pushes on one host with the key of each organization and repository, side by side', async () => {
    const { home, server } = await homeWithServer(
      documentOf({ 'orgs/acme': ACME_KEY, 'orgs/acme/repos/web': WEB_KEY, 'orgs/beta': BETA_KEY }),
      ({ repository, password }) => (RIGHT[repository] === password ? 200 : 401),
    );
    const store = readFileSync(home.plaintext, 'utf8');
    await Promise.all(
      REPOSITORIES.map((name) => work(home, `${server.url}/${name}.git`, name.replace('/', '-'))),
    );
    for (const { repository, password } of server.accesses) {
      expect([repository, password]).toEqual([repository, RIGHT[repository]]);
    }
    const pushed = new Set(
      server.accesses
        .filter(({ service }) => service === 'git-receive-pack')
        .map(({ repository }) => repository),
    );
    expect([...pushed].toSorted()).toEqual(REPOSITORIES.toSorted());
    expect(readFileSync(home.plaintext, 'utf8')).toBe(store);
    expect(gitConfig(home)).not.toContain('mesa_');
  });

  it('gets with --mint nothing but tokens for the one repository', async () => {
    const { home, server } = await homeWithServer(
      `${documentOf({ 'orgs/acme': API_KEY })}key-id = "${KEY_ID}"\n`,
      async ({ repository, password }) => {
        const verdict = await verifyAccessToken(password, {
          signingSecretOf: () => Promise.resolve(SIGNING_SECRET),
        });
        return verdict.ok && verdict.claims.repos?.join() === repository ? 200 : 401;
      },
      '--mint',
    );
    await work(home, `${server.url}/acme/web.git`, 'web');
    expect(server.accesses.length).toBeGreaterThan(3);
    expect(JSON.stringify(server.accesses)).not.toContain(API_KEY);
  });

  it('fails when the key is refused, and the key stays', async () => {
    const { home, server } = await homeWithServer(documentOf({ 'orgs/acme': ACME_KEY }), () => 401);
    const store = readFileSync(home.plaintext, 'utf8');
    const { status, stderr } = await git(home, ['clone', '-q', `${server.url}/acme/web.git`, 'web']);
    expect(status).not.toBe(0);
    expect(stderr).toContain('Authentication failed');
    expect(stderr).toContain('mesa auth get-key --org acme --repo web --explain');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(store);
    expect(server.accesses.map(({ password }) => password)).toEqual([ACME_KEY]);
  });

  it('stops at once where the vault is locked and nobody can be asked, and says what to type', async () => {
    const { home, server } = await homeWithServer(documentOf({}), () => 200);
    home.write(
      '.config/mesa/config.toml',
      `api-url = "${server.url}"\n[secrets]\nbackend = "encrypted-file"\n`,
    );
    await writeVault(home, documentOf({ 'orgs/acme': ACME_KEY }));
    const { status, stderr } = await git(home, ['clone', '-q', `${server.url}/acme/web.git`, 'web']);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /^mesa: the vault .* needs its passphrase.*\nhint: mesa auth unlock\n.*told us to quit/s,
    );
    expect(server.accesses).toEqual([]);
  });

  it('asks others again after --remove', async () => {
    const { home, server } = await homeWithServer(documentOf({ 'orgs/acme': ACME_KEY }), () => 200);
    expect(await setUp(home, '--remove')).toMatchObject({ status: 0 });
    const { status } = await git(home, ['clone', '-q', `${server.url}/acme/web.git`, 'web']);
    expect(status).not.toBe(0);
    expect(server.accesses).toEqual([]);
    expect(execFileSync('git', ['config', '--file', join(home.path, '.gitconfig'), '-l']).toString()).toBe(
      '',
    );
  });
});
