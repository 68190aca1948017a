import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { builtProgram } from '../../scripts/built-from.mjs';
import { type Authority, runProgram, startAuthority } from './support/authority.ts';
import { rest } from './support/rest.ts';

/** Some thirty processes a test. */
const PATIENCE_MS = 240_000;

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody with a home directory in which `mesa` and git know this server. */
class Person {
  readonly home = mkdtempSync(join(tmpdir(), 'mesa-person-'));
  readonly #url: string;

  constructor({ url }: Authority) {
    this.#url = url;
    onTestFinished(() => rmSync(this.home, { recursive: true, force: true }));
    this.use('plaintext-file');
  }

  use(backend: string): void {
    const dir = join(this.home, '.config/mesa');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const text = `api-url = "${this.#url}"\n[secrets]\nbackend = "${backend}"\n`;
    writeFileSync(join(dir, 'config.toml'), text, { mode: 0o600 });
  }

  mesa(args: readonly string[], input = '', cwd = this.home): Promise<Ran> {
    return this.#run(process.execPath, [builtProgram('mesa'), 'auth', ...args], input, cwd);
  }

  git(...args: readonly string[]): Promise<Ran> {
    return this.#run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], '', this.home);
  }

  /** Clones, commits, pushes and fetches. */
  async work(repository: string, dir = repository.replace('/', '-')): Promise<void> {
    for (const args of [
      ['clone', '-q', `${this.#url}/${repository}.git`, dir],
      ['-C', dir, 'checkout', '-q', '-B', 'main'],
      ['-C', dir, 'commit', '-q', '--allow-empty', '-m', 'x'],
      ['-C', dir, 'push', '-q', 'origin', 'main'],
      ['-C', dir, 'fetch', '-q'],
    ]) {
      expect({ args, ...(await this.git(...args)) }).toMatchObject({ args, status: 0 });
    }
  }

  #run(program: string, args: readonly string[], input: string, cwd: string): Promise<Ran> {
    const env = {
      PATH: process.env['PATH'],
      HOME: this.home,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
    };
    return new Promise((resolve) => {
      const child = execFile(program, args, { env, cwd }, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }
}

async function store(person: Person, key: string, ...scope: readonly string[]): Promise<void> {
  expect(await person.mesa(['set-key', ...scope], key)).toMatchObject({ status: 0 });
}

async function makeRepository(authority: Authority, org: string, key: string, name: string): Promise<string> {
  const { status, body } = await rest(authority, 'POST', `/${org}/repos`, key, { name });
  expect(status).toBe(201);
  return String(body.id);
}

/** The server with `acme/web`, `acme/api` and `beta/web`, and the admin key of beta. */
async function twoOrganizations(): Promise<{ authority: Authority; betaKey: string; webId: string }> {
  const authority = await startAuthority('sqlite');
  const beta = await runProgram(['init', '--org', 'beta', ...authority.storage]);
  const betaKey = beta.stdout.trim();
  const webId = await makeRepository(authority, 'acme', authority.adminKey, 'web');
  await makeRepository(authority, 'acme', authority.adminKey, 'api');
  await makeRepository(authority, 'beta', betaKey, 'web');
  return { authority, betaKey, webId };
}

it(
  'git that mesa set up works on two organizations at once, each with its key, and a repository with its own',
  async () => {
    const { authority, betaKey, webId } = await twoOrganizations();
    const { body } = await rest(authority, 'POST', '/acme/api-keys', authority.adminKey, {
      repo_ids: [webId],
    });
    const person = new Person(authority);
    await store(person, authority.adminKey, '--org', 'acme');
    await store(person, body.key, '--org', 'acme', '--repo', 'web');
    await store(person, betaKey, '--org', 'beta');
    expect(await person.mesa(['setup-git'])).toMatchObject({ status: 0 });
    await Promise.all(['acme/web', 'acme/api', 'beta/web'].map((name) => person.work(name)));

    // The repository's key comes first, also when it is the one that works no more.
    await rest(authority, 'DELETE', `/acme/api-keys/${body.id}`, authority.adminKey);
    const refused = await person.git('-C', 'acme-web', 'fetch', '-q');
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(
      'hint: see which key mesa has for it: mesa auth get-key --org acme --repo web',
    );
    expect(await person.git('-C', 'acme-api', 'fetch', '-q')).toMatchObject({ status: 0 });
    expect(await person.mesa(['get-key', '--org', 'acme', '--repo', 'web'])).toMatchObject({
      stdout: `${body.key}\n`,
    });
  },
  PATIENCE_MS,
);

it(
  'git with minted tokens reaches the one repository, and no durable key reaches the server but to learn its id',
  async () => {
    const { authority } = await twoOrganizations();
    const person = new Person(authority);
    await store(person, authority.adminKey, '--org', 'acme');
    expect(await person.mesa(['setup-git', '--mint'])).toMatchObject({ status: 0 });
    await person.work('acme/web');
    const output = authority.servers.map((server) => server.output()).join('');
    expect(output.match(/\/v1\/whoami/g)).toHaveLength(1);
    expect(output).not.toContain(authority.adminKey);

    const token = (await person.mesa(['mint-token'], '', join(person.home, 'acme-web'))).stdout.trim();
    const as = (repository: string, ...args: readonly string[]) =>
      person.git(
        '-c',
        'credential.helper=',
        ...args,
        authority.url.replace('//', `//t:${token}@`) + repository,
      );
    expect(await as('/acme/web.git', 'ls-remote')).toMatchObject({ status: 0 });
    expect((await as('/acme/api.git', 'ls-remote')).status).not.toBe(0);
    const push = await person.git(
      '-C',
      'acme-web',
      'push',
      authority.url.replace('//', `//t:${token}@`) + '/acme/web.git',
      'main:x',
    );
    expect(push.status).not.toBe(0);
    expect((await rest(authority, 'GET', '/acme/repos', token)).status).toBe(200);
    expect((await rest(authority, 'POST', '/acme/api-keys', token, {})).status).toBe(403);
  },
  PATIENCE_MS,
);

it(
  'a key that the server refuses signs nothing, and the message says which one it is',
  async () => {
    const { authority } = await twoOrganizations();
    const person = new Person(authority);
    await store(person, 'mesa_never_made_000000', '--org', 'acme');
    expect(await person.mesa(['mint-token', '--repo', 'acme/web'])).toMatchObject({
      status: 5,
      stdout: '',
      stderr: expect.stringContaining('does not accept the key for orgs/acme'),
    });
  },
  PATIENCE_MS,
);
