import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import {
  type Authority,
  createDatabase,
  endSuite,
  KINDS,
  builtAuthority,
  startAuthority,
  startServer,
} from './support/authority.ts';
import { newKey, newRepo } from './support/keys.ts';
import { rest } from './support/rest.ts';
import { runHere } from './support/run-here.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const COMMANDS = ['init', 'serve', 'new-admin-key', 'backup'];
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

/** Everything below a directory, with its mode. */
function modesBelow(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    names.map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]),
  );
}

describe('the command line', () => {
  it('helps, with examples for each command', async () => {
    const { status, stdout, stderr } = await runHere(['--help']);
    expect([status, stderr]).toEqual([0, '']);
    for (const command of COMMANDS) {
      expect(stdout).toContain(`\n  ${command} `);
      const help = await runHere([command, '--help']);
      expect([help.status, help.stderr]).toEqual([0, '']);
      expect(help.stdout).toMatch(new RegExp(`Examples?:\\n  .*mesa-authority ${command}`));
    }
    expect((await runHere(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    ['no command that there is', ['srve']],
    ['no option that there is', ['serve', '--lisen', 'x']],
    ['a port that is none', ['serve', '--listen', '127.0.0.1:99999']],
    ['no port', ['serve', '--listen', '127.0.0.1']],
    ['no proxy address', ['serve', '--proxy', 'proxy.example']],
    ['no number of attempts', ['serve', '--failed-attempts', '0']],
    ['no kind of log', ['serve', '--log', 'all']],
    ['a certificate without its key', ['serve', '--tls-cert', 'chain.pem']],
    ['plain HTTP for everybody', ['serve', '--listen', '0.0.0.0:0']],
    ['plain HTTP on a name', ['serve', '--listen', 'authority.example:0']],
    ['another database', ['serve', '--database', 'mysql://localhost/x']],
    ['no organization', ['init']],
    ['a slug that is none', ['init', '--org', 'a/b']],
    ['a slug that is a path of the server', ['init', '--org', 'whoami']],
    ['no file', ['backup']],
    ['one argument too many', ['serve', 'now']],
  ])('ends with 2 and one line that says so for %s, and makes nothing', async (_title, args) => {
    const data = join(temporaryDirectory(), 'data');
    const { status, stdout, stderr } = await runHere(args, { MESA_AUTHORITY_DATA: data });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^mesa-authority: [^\n]+\n(?:\(?(?:hint|run|Did you mean)[^\n]*\n)*$/);
    expect(() => statSync(join(data, 'authority.db'))).toThrow('ENOENT');
  });

  it('says so when the key cannot be written, and what to type', async () => {
    const directory = temporaryDirectory();
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `"${process.execPath}" "${builtAuthority()}" init --org full --data "${directory}" > /dev/full`],
      { encoding: 'utf8' },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^admin key key_\w+ for full; it is shown this once:\nmesa-authority: the key could not be written to standard output: ENOSPC\nhint: mesa-authority new-admin-key --org full makes another one; revoke key_\w+\n$/,
    );
  });

  it('makes everything for its user alone, whatever the umask', async () => {
    const directory = temporaryDirectory();
    const data = join(directory, 'data');
    const mask = process.umask(0);
    onTestFinished(() => void process.umask(mask));
    const init = await runHere(['init', '--org', 'acme', '--data', data]);
    process.umask(mask);
    expect(init).toMatchObject({ status: 0, stdout: expect.stringMatching(/^mesa_[0-9A-Za-z]{36}\n$/) });
    const server = await startServer(['--data', data]);
    await newRepo({ ...server, adminKey: init.stdout.trim() }, 'web');
    expect((await runHere(['backup', '--data', data, join(directory, 'backup.db')])).status).toBe(0);
    const modes = modesBelow(directory);
    expect(modes).toMatchObject({
      data: '700',
      'data/authority.db': '600',
      'data/master.key': '600',
      'data/git': '700',
      'backup.db': '600',
    });
    expect(Object.entries(modes).filter(([, mode]) => !/^[67]00$|^[45]00$/.test(mode))).toEqual([]);
  });

  it('takes the data directory of XDG_DATA_HOME, and the variables for its options', async () => {
    const directory = temporaryDirectory();
    const init = await runHere(['init', '--org', 'acme'], { XDG_DATA_HOME: directory });
    expect(init.status).toBe(0);
    const made = readdirSync(join(directory, 'mesa-authority'));
    expect(made).toEqual(expect.arrayContaining(['authority.db', 'master.key']));
    const again = await runHere(['init', '--org', 'acme'], {
      MESA_AUTHORITY_DATA: join(directory, 'mesa-authority'),
    });
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toBe(
      'mesa-authority: the organization acme is there already\n' +
        'hint: mesa-authority new-admin-key --org acme makes another key for it\n',
    );
  });

  it('does without a file of the master key when there is the variable', async () => {
    const [data, url] = [temporaryDirectory(), await createDatabase()];
    const env = { MESA_AUTHORITY_KEY: MASTER_KEY, MESA_AUTHORITY_DATABASE: url };
    expect((await runHere(['init', '--org', 'acme', '--data', data], env)).status).toBe(0);
    expect(readdirSync(data)).toEqual([]);
    const other = { ...env, MESA_AUTHORITY_KEY: Buffer.alloc(32, 8).toString('base64') };
    const refused = await runHere(['serve', '--data', data, '--listen', '127.0.0.1:0'], other);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('mesa-authority: the database was made with another master key\n');
    // The variable has precedence over a file.
    writeFileSync(join(data, 'master.key'), `${other.MESA_AUTHORITY_KEY}\n`, { mode: 0o600 });
    const { url: listening } = await startServer(['--data', data], env);
    expect((await fetch(`${listening}/health`)).status).toBe(200);
  });

  it('refuses a master key that is missing, damaged, linked or open to others', async () => {
    const data = temporaryDirectory();
    expect((await runHere(['init', '--org', 'acme', '--data', data])).status).toBe(0);
    const path = join(data, 'master.key');
    const key = readFileSync(path, 'utf8');
    const serve = async (env = {}) => {
      const { status, stderr } = await runHere(['serve', '--data', data, '--listen', '127.0.0.1:0'], env);
      expect(status).toBe(1);
      expect(stderr).not.toContain(key.trim());
      return stderr;
    };
    chmodSync(path, 0o640);
    expect(await serve()).toBe(
      `mesa-authority: the master key ${path} is open to others\nhint: chmod 600 ${path}\n`,
    );
    chmodSync(path, 0o600);
    writeFileSync(path, key.slice(0, 20));
    expect(await serve()).toMatch(/is not a master key\nhint: .*openssl rand -base64 32\n$/);
    expect(await serve({ MESA_AUTHORITY_KEY: 'x' })).toContain('MESA_AUTHORITY_KEY is not a master key\n');
    rmSync(path);
    expect(await serve({ MESA_AUTHORITY_KEY: '' })).toMatch(
      /^mesa-authority: there is no master key in .*\nhint: set MESA_AUTHORITY_KEY, .*\n$/,
    );
    writeFileSync(join(data, 'elsewhere'), key, { mode: 0o600 });
    symlinkSync(join(data, 'elsewhere'), path);
    expect(await serve()).toContain(`cannot read the master key ${path}: ELOOP`);
  });

  it('says what is wrong with a database or port, without a password or a stack', async () => {
    const data = temporaryDirectory();
    const env = {
      MESA_AUTHORITY_KEY: MASTER_KEY,
      MESA_AUTHORITY_DATABASE: 'postgres://mesa:hunter22@127.0.0.1:1/mesa',
    };
    const { status, stderr } = await runHere(['serve', '--data', data], env);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^mesa-authority: cannot open the database: [^\n]*\nhint: [^\n]*\n$/);
    expect(stderr).not.toContain('hunter22');
    writeFileSync(join(data, 'authority.db'), 'this is no database'.repeat(100));
    const damaged = await runHere(['serve', '--data', data], { MESA_AUTHORITY_KEY: MASTER_KEY });
    expect(damaged).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^mesa-authority: cannot open the database: [^\n]*\n$/),
    });
    expect(readFileSync(join(data, 'authority.db'), 'utf8')).toContain('this is no database');
  });
});

describe.each(KINDS)('other commands on %s', (kind) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority(kind);
  });
  afterAll(endSuite);

  it('make another admin key, while the server runs and without touching the others', async () => {
    const made = await runHere([
      'new-admin-key',
      '--org',
      'acme',
      '--key-name',
      'Found again',
      ...authority.storage,
    ]);
    expect(made.status).toBe(0);
    expect(made.stderr).toMatch(/^admin key key_\w+ for acme; it is shown this once:\n$/);
    for (const key of [authority.adminKey, made.stdout.trim()]) {
      expect((await rest(authority, 'GET', '/whoami', key)).body.scopes).toEqual(['admin']);
    }
    const none = await runHere(['new-admin-key', '--org', 'globex', ...authority.storage]);
    expect(none).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'mesa-authority: there is no such organization\nhint: there is acme\n',
    });
  });

  it('make another organization, whose keys see nothing of the first', async () => {
    const { status, stdout } = await runHere(['init', '--org', 'globex', ...authority.storage]);
    expect(status).toBe(0);
    const { id } = await newKey(authority);
    const key = stdout.trim();
    expect((await rest(authority, 'GET', '/acme/api-keys', key)).status).toBe(403);
    expect((await rest(authority, 'DELETE', `/globex/api-keys/${id}`, key)).status).toBe(404);
    expect((await rest(authority, 'PATCH', `/globex/api-keys/${id}`, key, { tags: { a: 'b' } })).status).toBe(
      404,
    );
    const repo = await newRepo(authority, 'of-acme');
    expect((await rest(authority, 'GET', '/globex/of-acme', key)).status).toBe(404);
    const restricted = await rest(authority, 'POST', '/globex/api-keys', key, { repo_ids: [repo] });
    expect(restricted).toMatchObject({ status: 400, body: { error: { code: 'BAD_REQUEST' } } });
    expect((await rest(authority, 'GET', '/globex/api-keys', key)).body.api_keys).toHaveLength(1);
    expect((await rest(authority, 'POST', '/globex/repos', key, { name: 'of-acme' })).status).toBe(201);
  });

  it('copy the SQLite database as it is, of no use without the master key', async () => {
    const file = join(authority.directory, 'copy.db');
    const backup = () => runHere(['backup', file, ...authority.storage]);
    if (kind !== 'sqlite') {
      expect(await backup()).toMatchObject({
        status: 1,
        stderr: 'mesa-authority: backup is for SQLite\nhint: for PostgreSQL: pg_dump\n',
      });
      return;
    }
    const { key } = await newKey(authority, { name: 'before the backup' });
    expect((await backup()).status).toBe(0);
    expect(await backup()).toMatchObject({ status: 1, stderr: `mesa-authority: ${file} is there already\n` });
    const bytes = readFileSync(file, 'latin1');
    expect(bytes).toContain('before the backup');
    for (const secret of [key, authority.adminKey]) {
      expect(bytes).not.toContain(secret.slice(5));
    }
    const data = temporaryDirectory();
    writeFileSync(join(data, 'authority.db'), readFileSync(file), { mode: 0o600 });
    const alone = await runHere(['serve', '--data', data], { MESA_AUTHORITY_KEY: MASTER_KEY });
    expect(alone.stderr).toContain('the database was made with another master key');
    const masterKey = join(authority.directory, 'master.key');
    const { url } = await startServer(['--data', data, '--master-key', masterKey]);
    expect((await rest({ url }, 'GET', '/whoami', key)).status).toBe(200);
  });
});
