import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startGate } from '../../support/api-gate.ts';
import { startAuthority, type Authority } from '../../support/authority.ts';
import { OBEYING_MODES } from '../../support/confinement.ts';
import { runMesa, runShell, type RunResult } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  UNLOCKED,
  writePlaintext,
  writeVault,
  withoutPrevious,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';

const STORE_NEW_KEY = ['auth', 'api-keys', 'create', '--store', '--org', 'acme'];
/** No room for a store, but for the number in its lock file. */
const SMALL_FILES = ['prlimit', '--fsize=64'];
const NO_REPOSITORY =
  "mesa: there is no repository 'none' in organization 'acme'\nhint: check the name, and which key is used: mesa auth whoami --org acme\n";
const DAY_MS = 24 * 60 * 60 * 1_000;
let authority: Authority;
let webId: string;

beforeAll(async () => {
  authority = await startAuthority();
  webId = await authority.createRepo('web');
  await authority.createRepo('api');
});
afterAll(() => authority.stop());

/** A home whose global key manages `acme`, so that `orgs/acme` is free. */
function adminHome(keys: Readonly<Record<string, string>> = {}): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: authority.adminKey, ...keys }));
  return home;
}

function apiKeys(
  home: TempHome,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<RunResult> {
  return runMesa(['auth', 'api-keys', ...args], { home, env: { MESA_API_URL: authority.url, ...env } });
}

function idIn({ stderr }: RunResult): string {
  return /API key (key_\w+)/.exec(stderr)?.[1] ?? 'none';
}

async function activeKey(id: string): Promise<object | undefined> {
  return (await authority.activeKeys()).find((key) => key.id === id);
}

describe('create', () => {
  it('prints the key alone on stdout, once, and the server knows it as it was asked for', async () => {
    const home = adminHome();
    const before = fingerprint(home);
    const order =
      '--name ci --scope write,read --repo web --repo acme/web --expires 90d --tag env=prod --tag Team=a=b';
    const result = await apiKeys(home, ['create', ...order.split(' ')]);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/^mesa_\S+\n$/);
    const id = idIn(result);
    expect(result.stderr).toBe(
      `created API key ${id} of organization acme: read, write; web alone; expires in 90 days\n`,
    );
    expect(result.stderr).not.toContain(result.stdout.trim());
    expect(await authority.idOf(result.stdout.trim())).toBe(id);
    const listed = (await authority.activeKeys()).find((key) => key.id === id);
    expect(listed).toMatchObject({
      name: 'ci',
      scopes: ['read', 'write'],
      repo_ids: [webId],
      tags: { env: 'prod', team: 'a=b' },
    });
    expect(Date.parse(listed?.expires_at ?? '') - Date.parse(listed?.created_at ?? '')).toBe(90 * DAY_MS);
    expect(fingerprint(home)).toEqual(before);
  });

  it('is announced to GitHub Actions, which hides the key from then on', async () => {
    const result = await apiKeys(adminHome(), ['create'], { GITHUB_ACTIONS: 'true' });
    expect(result.stderr.split('\n')[0]).toBe(`::add-mask::${result.stdout.trim()}`);
  });

  it('with --json is one document with the key in it', async () => {
    const result = await apiKeys(adminHome(), ['create', '--org', 'acme', '--json']);
    const document = JSON.parse(result.stdout) as Record<string, string>;
    expect(document).toMatchObject({
      schema_version: 1,
      organization: 'acme',
      status: 'active',
      permissions: ['read', 'write'],
      repository_ids: null,
      expires: null,
      stored_for: null,
    });
    expect(await authority.idOf(document['key'] ?? '')).toBe(document['id']);
  });

  it.each([
    { args: ['--org', 'acme'], scopes: ['orgs/acme'] },
    { args: ['--repo', 'web'], scopes: ['orgs/acme/repos/web'] },
    {
      args: ['--repo', 'acme/web', '--repo', 'acme/api'],
      scopes: ['orgs/acme/repos/web', 'orgs/acme/repos/api'],
    },
  ])(
    'with --store and $args puts it into the store for $scopes, with its id and end, and shows it nowhere',
    async ({ args, scopes }) => {
      const home = createTempHome();
      await writeVault(home, documentOf({ global: authority.adminKey }));
      const result = await apiKeys(
        home,
        ['create', '--store', '--expires', '30d', '--json', ...args],
        UNLOCKED,
      );
      expect(result.status).toBe(0);
      const {
        id,
        masked_key: mask,
        key,
        stored_for: places,
      } = JSON.parse(result.stdout) as Record<string, string>;
      expect([key, places]).toEqual([null, scopes]);
      const document = await openVault(home);
      const token = /key = "(mesa_\S+)"\nadded = \S+\napi = \S+\nkey-id = "(\S+)"\nexpires = /.exec(document);
      expect(token?.[2]).toBe(id);
      expect(await authority.idOf(token?.[1] ?? '')).toBe(id);
      expect(document.match(new RegExp(`key-id = "${id}"`, 'g'))).toHaveLength(scopes.length);
      expect(result.stdout + result.stderr).not.toContain(token?.[1]);
      expect(result.stderr).toBe(
        `created API key ${id} of organization acme: ${args.includes('--repo') ? `read, write; ${scopes.map((scope) => scope.slice('orgs/acme/repos/'.length)).join(',')} alone` : 'read, write; all repositories'}; expires in 30 days\n` +
          `stored it for ${scopes.join(' and ')} (${mask}) in encrypted-file\n`,
      );
    },
  );

  it('with --store makes a store where there is none', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const env = { MESA_API_KEY: authority.adminKey };
    expect(await apiKeys(home, ['create', '--store', '--org', 'acme'], env)).toMatchObject({
      status: 0,
      stdout: '',
    });
    expect(readFileSync(home.plaintext, 'utf8')).toMatch(/\[keys\."orgs\/acme"\]\nkey = "mesa_/);
  });

  it('with --store replaces no key that is there unless that is said, and then creates none either', async () => {
    const home = adminHome({ 'orgs/acme': authority.adminKey });
    const [before, count] = [fingerprint(home), (await authority.activeKeys()).length];
    const refused = await apiKeys(home, ['create', '--store', '--org', 'acme']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^mesa: replacing the key for orgs\/acme needs to be confirmed, and there is nobody to ask\nhint: add --yes, or /,
    );
    expect(fingerprint(home)).toEqual(before);
    expect(await authority.activeKeys()).toHaveLength(count);
    expect(await apiKeys(home, ['create', '--store', '--org', 'acme', '--yes'])).toMatchObject({ status: 0 });
    expect(withoutPrevious(readFileSync(home.plaintext, 'utf8'))?.split(authority.adminKey)).toHaveLength(2);
  });

  it('asks on a terminal before it replaces, and creates nothing after a no', async () => {
    const home = adminHome({ 'orgs/acme': authority.adminKey });
    const count = (await authority.activeKeys()).length;
    const terminal = openTerminal({ home, env: { MESA_API_URL: authority.url } });
    terminal.type('mesa auth api-keys create --store --org acme\r');
    await terminal.answer('Replace the key for orgs/acme?', 'n');
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen()).toContain('mesa: nothing was created, and nothing replaced');
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it.each<[string, (home: TempHome) => Promise<RunResult>, number]>([
    ['locked', (home) => apiKeys(home, ['create', '--store', '--org', 'acme']), 6],
    [
      'open with a wrong passphrase only',
      (home) =>
        apiKeys(home, ['create', '--store', '--org', 'acme'], { MESA_VAULT_PASSPHRASE: 'wrong-passphrase' }),
      6,
    ],
  ])('with --store and a vault that is %s creates nothing', async (_, run, status) => {
    const home = createTempHome();
    await writeVault(home, documentOf({}));
    const [before, count] = [fingerprint(home), (await authority.activeKeys()).length];
    const env = { MESA_API_KEY: authority.adminKey };
    expect(await run(home)).toMatchObject({ status, stdout: '' });
    expect(
      await runMesa(['auth', 'api-keys', 'create', '--store', '--org', 'acme'], {
        home,
        env: { MESA_API_URL: authority.url, ...env },
      }),
    ).toMatchObject({ status: 6, stdout: '' });
    expect(fingerprint(home)).toEqual(before);
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it('with --store and a store that cannot be written creates nothing', async () => {
    const home = adminHome();
    const count = (await authority.activeKeys()).length;
    const result = await runShell(
      `chmod 500 '${home.dataDir}'; mesa auth api-keys create --store --org acme; status=$?; chmod 700 '${home.dataDir}'; exit $status`,
      {
        home,
        env: { MESA_API_URL: authority.url },
        under: OBEYING_MODES,
      },
    );
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('permission denied');
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it('with --store and a disk that is full by then revokes the key again, and says so', async () => {
    const home = adminHome();
    const count = (await authority.activeKeys()).length;
    const result = await runMesa(STORE_NEW_KEY, {
      home,
      env: { MESA_API_URL: authority.url },
      under: SMALL_FILES,
    });
    expect(result.status).toBe(1);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(/^mesa: cannot write .*; the new key key_\w+ was revoked again$/m);
    expect(await authority.activeKeys()).toHaveLength(count);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(documentOf({ global: authority.adminKey }));
  });

  it('tells of a key that can be neither stored nor revoked, and how to be rid of it', async () => {
    const home = adminHome();
    const gate = await startGate(authority.url, (request) => !request.startsWith('DELETE'));
    const result = await runMesa(STORE_NEW_KEY, {
      home,
      env: { MESA_API_URL: gate.url },
      under: SMALL_FILES,
    });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    const id = /the new key (key_\w+) is lost, and could not be revoked: /.exec(result.stderr)?.[1] ?? '';
    expect(await activeKey(id)).toBeDefined();
    expect(result.stderr).toContain(`\nhint: mesa auth api-keys revoke ${id} --org acme\n`);
    expect((await apiKeys(home, ['revoke', id])).status).toBe(0);
  });

  it('revokes a key that cannot be printed', async () => {
    const home = adminHome();
    const count = (await authority.activeKeys()).length;
    const env = { MESA_API_URL: authority.url };
    const result = await runShell('mesa auth api-keys create >/dev/full', { home, env });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(
      /mesa: cannot write to standard output: .*; the new key key_\w+ was revoked again/,
    );
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it('asks for a key once, and when there is no answer says that there may be one', async () => {
    const gate = await startGate(
      authority.url,
      (request, _, moment) => !(request.startsWith('POST') && moment === 'after'),
    );
    const env = { MESA_API_URL: gate.url };
    const result = await runMesa(['auth', 'api-keys', 'create', '--org', 'acme'], { home: adminHome(), env });
    expect(result).toMatchObject({ status: 7, stdout: '' });
    expect(result.stderr).toMatch(
      /; whether a key was made is not known\nhint: look for it, and revoke it: mesa auth api-keys list --org acme --status active\n$/,
    );
    expect(gate.requests).toEqual(['POST /v1/acme/api-keys']);
  });

  it.each([
    [['--expires', '366d'], "--expires: '366d' is not a time from 100s to 365d"],
    [['--expires', '1m'], "--expires: '1m' is not a time from 100s to 365d"],
    [['--scope', 'all'], "--scope: 'all' is not a permission"],
    [['--tag', 'env'], 'a tag is not written as name=value'],
    [['--tag', 'env-'], '--tag is not written as name=value'],
    [['--tag', 'a=1', '--tag', 'A=2'], 'two changes are of the same tag'],
    [['--name', ''], '--name is empty'],
    [['--repo', 'a/b', '--repo', 'c/d'], 'these repositories are of several'],
  ])('refuses %j and asks nobody', async (args, message) => {
    const gate = await startGate(authority.url, () => true);
    const env = { MESA_API_URL: gate.url };
    const result = await runMesa(['auth', 'api-keys', 'create', '--org', 'acme', ...args], {
      home: adminHome(),
      env,
    });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(new RegExp(message));
    expect(gate.requests).toEqual([]);
  });

  it('creates nothing for a repository that there is not', async () => {
    const count = (await authority.activeKeys()).length;
    const result = await apiKeys(adminHome(), ['create', '--org', 'acme', '--repo', 'web', '--repo', 'none']);
    expect(result).toMatchObject({ status: 4, stdout: '', stderr: NO_REPOSITORY });
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it('refuses a --yes that has nothing to confirm, and creates nothing', async () => {
    const count = (await authority.activeKeys()).length;
    expect(await apiKeys(adminHome(), ['create', '--org', 'acme', '--yes'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: 'mesa: --yes needs --store\nhint: add --store, or leave out --yes\n',
    });
    expect(await authority.activeKeys()).toHaveLength(count);
  });

  it('ends with 5 for a key that may not manage others, naming it and what to type', async () => {
    const { key } = await authority.createKey();
    const result = await apiKeys(adminHome({ 'orgs/acme': key }), ['create', '--org', 'acme']);
    expect(result).toMatchObject({ status: 5, stdout: '' });
    expect(result.stderr).toMatch(
      /^mesa: the key for orgs\/acme may not do this: 'FORBIDDEN: .*'\nhint: see what it may do: mesa auth whoami --org acme\n$/,
    );
  });
});

describe('list', () => {
  it('shows all pages, narrowed by every filter, and never a secret', async () => {
    const made = await Promise.all(
      Array.from({ length: 120 }, (_, n) => authority.createKey({ name: `many-${n}`, scopes: ['read'] })),
    );
    const home = adminHome();
    const table = await apiKeys(home, ['list', '--query', 'MANY-']);
    expect(table).toMatchObject({ status: 0, stderr: '' });
    const [heading = '', ...rows] = table.stdout.trimEnd().split('\n');
    expect(heading.split(/ {2,}/).join()).toBe(
      'ID,NAME,STATUS,PERMISSIONS,REPOSITORIES,EXPIRES,LAST USED,TAGS',
    );
    expect(rows).toHaveLength(120);
    expect(new Set(rows.map((row) => row.split(' ')[0]))).toEqual(new Set(made.map(({ id }) => id)));
    // Columns of the second page stand under those of the first.
    expect(new Set(rows.map((row) => row.indexOf('active'))).size).toBe(1);
    const json = await apiKeys(home, ['list', '--query', 'many-', '--json']);
    const document = JSON.parse(json.stdout) as { api_keys: readonly object[] };
    expect(document).toMatchObject({ schema_version: 1, organization: 'acme' });
    expect(document.api_keys).toHaveLength(120);
    expect(made.some(({ key }) => (table.stdout + json.stdout).includes(key))).toBe(false);
  });

  it('filters by status, permission and repository, and names repositories and ends for people', async () => {
    const order = {
      name: 'narrow',
      scopes: ['read'],
      repo_ids: [webId],
      tags: { env: 'prod' },
      expires_in_seconds: 8_640_000,
    };
    const { id } = await authority.createKey(order);
    const gone = await authority.createKey({ name: 'gone' });
    await authority.revoke(gone.id);
    const home = adminHome();
    const row = (await apiKeys(home, ['list', '--repo', 'web', '--query', 'narrow'])).stdout.split('\n')[1];
    expect(row?.split(/ {2,}/)).toEqual([
      id,
      'narrow',
      'active',
      'read',
      'web',
      expect.stringMatching(/^in 99 days 23 hours|in 100 days$/),
      'never',
      'env=prod',
    ]);
    const revoked = await apiKeys(home, ['list', '--status', 'revoked', '--query', 'gone', '--json']);
    expect(JSON.parse(revoked.stdout)).toMatchObject({ api_keys: [{ id: gone.id, status: 'revoked' }] });
    const admins = await apiKeys(home, ['list', '--scope', 'admin', '--status', 'active', '--json']);
    const { api_keys: found } = JSON.parse(admins.stdout) as { api_keys: { permissions: string[] }[] };
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ permissions }) => permissions.includes('admin'))).toBe(true);
  });

  it('for a repository that there is not ends with 4, and lists nothing', async () => {
    expect(await apiKeys(adminHome(), ['list', '--repo', 'none', '--json'])).toMatchObject({
      status: 4,
      stdout: '',
      stderr: NO_REPOSITORY,
    });
  });

  it('of nothing prints nothing on stdout, or an empty document', async () => {
    const home = adminHome();
    expect(await apiKeys(home, ['list', '--query', 'no such name'])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: "no such API keys in organization 'acme'\nhint: mesa auth api-keys create --org acme\n",
    });
    const json = await apiKeys(home, ['list', '--query', 'no such name', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ schema_version: 1, organization: 'acme', api_keys: [] });
  });

  it('that breaks off ends with 7, and leaves no document that could be taken for a whole one', async () => {
    await Promise.all(Array.from({ length: 110 }, (_, n) => authority.createKey({ name: `broken-${n}` })));
    const gate = await startGate(
      authority.url,
      (request, count) => !(request.includes('api-keys') && count > 2),
    );
    const options = { home: adminHome(), env: { MESA_API_URL: gate.url } };
    const result = await runMesa(['auth', 'api-keys', 'list', '--query', 'broken-', '--json'], options);
    expect(result.status).toBe(7);
    expect(result.stdout).toContain('broken-');
    expect(() => JSON.parse(result.stdout) as unknown).toThrow();
  });
});

describe('tag', () => {
  it('sets and removes tags, leaves the others, and prints all', async () => {
    const { id } = await authority.createKey({ tags: { env: 'dev', team: 'web', keep: '1' } });
    const home = adminHome();
    const result = await apiKeys(home, ['tag', id, 'ENV=prod', 'team-', 'note=a b']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const [heading, ...rows] = result.stdout.trimEnd().split('\n');
    expect(heading).toBe('TAG   VALUE');
    expect(rows.toSorted()).toEqual(['env   prod', 'keep  1', 'note  a b']);
    const json = await apiKeys(home, ['tag', id, 'env-', 'note-', 'keep-', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ schema_version: 1, organization: 'acme', id, tags: {} });
  });

  it.each([
    [[], 'no id of an API key was given'],
    [['key_1'], 'no change of a tag was given'],
    [['key_1', 'env'], 'a tag is not written as name=value'],
    [['mesa_secret_0000000', 'env=x'], 'what was given is not the id of an API key'],
  ])('refuses %j', async (args, message) => {
    const result = await apiKeys(adminHome(), ['tag', ...args]);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr.split('\n')[0]).toContain(`mesa: ${message}`);
  });
});

describe('revoke', () => {
  it('makes a key useless, says where the store still has it, and is no error when done twice', async () => {
    const { id, key } = await authority.createKey();
    const home = createTempHome();
    writePlaintext(home, `${documentOf({ global: authority.adminKey, 'orgs/beta': key })}key-id = "${id}"\n`);
    const result = await apiKeys(home, ['revoke', id, '--json']);
    expect(result.status).toBe(0);
    expect(result.stderr).toBe(
      `revoked API key ${id} of organization acme\n` +
        'mesa: warning: the store still has it, for orgs/beta\nhint: mesa auth rm-key --org beta\n',
    );
    expect(JSON.parse(result.stdout)).toEqual({
      schema_version: 1,
      organization: 'acme',
      id,
      revoked: true,
      still_stored_for: ['orgs/beta'],
    });
    expect(await authority.idOf(key)).toBeUndefined();
    expect((await apiKeys(home, ['revoke', id])).status).toBe(0);
  });

  it('of the key in use needs a yes, on a terminal or as --yes', async () => {
    const { id, key } = await authority.createKey({ scopes: ['admin'] });
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': key }));
    const before = fingerprint(home);
    const refused = await apiKeys(home, ['revoke', id, '--org', 'acme']);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'mesa: revoking the key for orgs/acme, which this command itself uses, needs to be confirmed, and there is nobody to ask\n' +
        `hint: mesa auth api-keys revoke ${id} --org acme --yes\n`,
    );
    const terminal = openTerminal({ home, env: { MESA_API_URL: authority.url } });
    terminal.type(`mesa auth api-keys revoke ${id} --org acme\r`);
    await terminal.answer('This is the key for orgs/acme', 'n');
    expect(await terminal.ended()).toBe(1);
    expect(await authority.idOf(key)).toBe(id);
    expect(fingerprint(home)).toEqual(before);
    const done = await apiKeys(home, ['revoke', id, '--org', 'acme', '--yes']);
    expect(done.status).toBe(0);
    expect(done.stderr).toContain('mesa: warning: the store still has it, for orgs/acme\n');
    expect(await authority.idOf(key)).toBeUndefined();
  });

  it('of a key that there is not ends with 4', async () => {
    expect(await apiKeys(adminHome(), ['revoke', 'key_none', '--org', 'acme'])).toMatchObject({
      status: 4,
      stdout: '',
      stderr:
        "mesa: there is no API key 'key_none' in organization 'acme'\nhint: mesa auth api-keys list --org acme\n",
    });
  });
});

it('without --org the organization is that of MESA_ORG, else the one that the key is of', async () => {
  const home = adminHome();
  const document = async (env: Record<string, string>): Promise<unknown> =>
    JSON.parse((await apiKeys(home, ['list', '--query', 'no such name', '--json'], env)).stdout);
  expect(await document({})).toMatchObject({ organization: 'acme' });
  const other = await apiKeys(home, ['list'], { MESA_ORG: 'other' });
  expect(other).toMatchObject({ status: 5, stdout: '' });
  expect(other.stderr).toContain('the key for global may not do this');
});

it('on a terminal long work shows a sign, which goes away', async () => {
  const gate = await startGate(authority.url, () => true);
  const home = adminHome();
  const slow = await startGate(gate.url, (_request, _count, moment) => {
    if (moment === 'before') {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    }
    return true;
  });
  const terminal = openTerminal({ home, env: { MESA_API_URL: slow.url } });
  expect(await terminal.run('mesa auth api-keys list --org acme --query none')).toBe(0);
  expect(terminal.received()).toMatch(/[-|/\\] asking for API keys/);
  expect(terminal.screen()).not.toContain('asking for API keys');
});
