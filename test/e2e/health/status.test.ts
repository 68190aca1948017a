import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { childEnv, runMesa } from '../../support/run-mesa.ts';
import { unlock } from '../../support/agent.ts';
import { jwtExpiringIn } from '../../support/jwt.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_globalkey000011aa';
const ORG = 'mesa_organization009f2c';
const ENVIRONMENT = 'mesa_environment00e7e7';
const HOUR = 60 * 60;
const DAY = 24 * HOUR;
// Half an hour from another number of hours, so that it does not matter how long this file takes.
const SOON = jwtExpiringIn(6 * DAY + 12.5 * HOUR);
const OVER = jwtExpiringIn(-2 * DAY - 12.5 * HOUR);

function status(...args: readonly string[]): readonly string[] {
  return ['auth', 'status', '--offline', ...args];
}

describe('status', () => {
  it('shows the store, every key with kind and end, and the key that is used here', async () => {
    const home = createTempHome();
    writePlaintext(
      home,
      `${documentOf({ global: GLOBAL, 'orgs/acme': SOON, 'orgs/old': OVER })}\n[keys."orgs/acme/repos/web"]\nkey = "${ORG}"\nexpires = 2099-12-31T00:00:00.000Z\n`,
    );
    const before = fingerprint(home);
    const result = await runMesa(status('--org', 'acme', '--repo', 'api'), { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const [head = '', table = ''] = result.stdout.split('\n\n');
    expect(head.split('\n')).toEqual([
      'store      plaintext-file, not encrypted',
      `file       ${home.plaintext}`,
      `config     ${home.config}`,
      expect.stringMatching(
        /^used here {2}\*{4}wxyz from orgs\/acme, for orgs\/acme\/repos\/api; expires in 6 days 12 hours; for read, write; in acme\/web alone$/,
      ),
    ]);
    expect(table.split('\n')).toEqual([
      expect.stringMatching(/^SCOPE +KIND +KEY +ADDED +EXPIRES$/),
      expect.stringMatching(/^global +API key {2}mesa_\*{4}11aa {2}2026-11-20 {2}-$/),
      expect.stringMatching(/^orgs\/acme +JWT +\*{4}wxyz +2026-11-20 {2}[-0-9]{10} \(in 6 days 12 hours\)$/),
      expect.stringMatching(
        /^orgs\/acme\/repos\/web {2}API key {2}mesa_\*{4}9f2c {2}- +2099-12-31 \(in [0-9]+ days.*\)$/,
      ),
      expect.stringMatching(/^orgs\/old +JWT +\*{4}wxyz +2026-11-20 {2}[-0-9]{10} \(2 days 12 hours ago\)$/),
      '',
    ]);
    expect(fingerprint(home)).toEqual(before);
  });

  it('is one document with --json, of facts that scripts need and no secret', async () => {
    const home = createTempHome();
    const expires = '2099-12-31T00:00:00.000Z';
    writePlaintext(home, `${documentOf({ 'orgs/acme': ORG })}expires = ${expires}\n`);
    const env = { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'other', MESA_VAULT_PASSPHRASE: 'unused-here' };
    const result = await runMesa(status('--org', 'acme', '--json'), { home, env });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const facts = {
      kind: 'api_key',
      state: 'valid',
      expires,
      expires_in_seconds: expect.any(Number) as number,
      issued: null,
      permissions: null,
      repositories: null,
      check: 'unchecked',
    };
    expect(JSON.parse(result.stdout)).toEqual({
      schema_version: 1,
      store: {
        backend: 'plaintext-file',
        location: home.plaintext,
        state: 'plaintext',
        unlocked_by: null,
        unlocked_for_seconds: null,
      },
      config_file: home.config,
      api_url: null,
      log: { recording: true, location: join(home.dataDir, 'uses.log') },
      environment: [
        { name: 'MESA_API_KEY', value: 'mesa_****e7e7' },
        { name: 'MESA_ORG', value: 'other' },
        { name: 'MESA_VAULT_PASSPHRASE', value: null },
      ],
      requested_scope: 'orgs/acme',
      requested_by: 'flags',
      used: { source: 'orgs/acme', masked_key: 'mesa_****9f2c', ...facts },
      candidates: [
        { source: 'MESA_API_KEY', masked_key: 'mesa_****e7e7', result: 'other_organization' },
        { source: 'orgs/acme', masked_key: 'mesa_****9f2c', result: 'used' },
        { source: 'global', masked_key: null, result: 'absent' },
      ],
      keys: [
        {
          scope: 'orgs/acme',
          organization: 'acme',
          repository: null,
          masked_key: 'mesa_****9f2c',
          added: '2026-11-20T23:30:00.000Z',
          api_url: null,
          ...facts,
        },
      ],
    });
  });

  it.each([
    { args: [], env: {}, used: 'mesa_****11aa from global' },
    {
      args: [],
      env: { MESA_ORG: 'acme' },
      used: 'mesa_****9f2c from orgs/acme, for orgs/acme (MESA_ORG)',
    },
    {
      args: ['--org', 'other'],
      env: { MESA_ORG: 'acme' },
      used: 'mesa_****11aa from global, for orgs/other',
    },
    {
      args: ['--org', 'acme'],
      env: { MESA_API_KEY: ENVIRONMENT },
      used: 'mesa_****e7e7 from MESA_API_KEY, for orgs/acme',
    },
  ])('tells of the key that get-key $args with $env prints: $used', async ({ args, env, used }) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ global: GLOBAL, 'orgs/acme': ORG }));
    const shown = await runMesa(status(...args), { home, env });
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(/^used here +(.*)$/m.exec(shown.stdout)?.[1]).toBe(used);
    const got = await runMesa(['auth', 'get-key', ...args], { home, env });
    expect(got.stdout.trimEnd().slice(-4)).toBe(used.slice('mesa_****'.length, 'mesa_****'.length + 4));
  });

  it('takes the repository from the checkout, as get-key does', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
    const cwd = join(home.path, 'work');
    mkdirSync(cwd);
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd, env: childEnv({ home }) });
    git('init', '-q');
    git('remote', 'add', 'origin', 'https://api.mesa.dev/acme/web.git');
    const result = await runMesa(status(), { home, cwd });
    expect(result.status).toBe(0);
    expect(result.stdout).toContain(
      'used here  mesa_****9f2c from orgs/acme, for orgs/acme/repos/web (git remote origin)\n',
    );
  });

  it('works where there is nothing yet, and leaves nothing there', async () => {
    const home = createTempHome();
    for (const args of [status(), status('-y')]) {
      const result = await runMesa(args, { home });
      expect(result).toMatchObject({ status: 0, stderr: 'hint: mesa auth set-key\n' });
      expect(result.stdout.split('\n')).toEqual([
        'store      encrypted-file, not made yet',
        `file       ${home.vault}`,
        'config     none: the defaults apply',
        'used here  no key',
        '',
      ]);
    }
    expect(home.tree()).toEqual([]);
  });
});

describe('status with a vault', () => {
  it('that is locked says so and asks nothing; that is no failure', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    const before = fingerprint(home);
    for (const more of [[], ['-y']]) {
      const result = await runMesa(status('--org', 'acme', ...more), { home });
      expect(result).toMatchObject({
        status: 0,
        stderr: 'hint: set MESA_VAULT_PASSPHRASE, or: mesa auth unlock\n',
      });
      expect(result.stdout.split('\n')).toEqual([
        'store      encrypted-file, locked',
        `file       ${home.vault}`,
        `config     ${home.config}`,
        'used here  not known for orgs/acme',
        '',
      ]);
    }
    const json = await runMesa(status('--org', 'acme', '--json'), { home });
    expect(json).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({
      store: { state: 'locked', unlocked_by: null },
      used: null,
      candidates: null,
      keys: null,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('that the agent has unlocked shows its keys with what the store says of them, and for how long', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, `${documentOf({ 'orgs/acme': ORG })}expires = 2026-01-01T00:00:00.000Z\n`);
    await unlock(home, { args: ['--timeout', '1h'] });
    const args = ['--org', 'acme'];
    const result = await runMesa(status(...args), { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(
      /^store {6}encrypted-file, unlocked by the agent, locks in (?:1 hour|59 minutes 5[0-9] seconds)\n/,
    );
    expect(result.stdout).toMatch(
      /^orgs\/acme {2}API key {2}mesa_\*{4}9f2c {2}2026-11-20 {2}2026-01-01 \(.* ago\)$/m,
    );
    const json = await runMesa(status(...args, '--json'), { home });
    expect(JSON.parse(json.stdout)).toMatchObject({
      store: { state: 'unlocked', unlocked_by: 'agent', unlocked_for_seconds: expect.any(Number) as number },
      used: { source: 'orgs/acme', state: 'expired', expires: '2026-01-01T00:00:00.000Z' },
    });
    expect((await runMesa(status(...args, '--fail-within', '0s'), { home })).status).toBe(9);
  });

  it('that MESA_VAULT_PASSPHRASE opens shows its keys', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    const result = await runMesa(status('--org', 'acme'), { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^store {8}encrypted-file, unlocked with MESA_VAULT_PASSPHRASE\n/);
    expect(result.stdout).toMatch(/^environment {2}MESA_VAULT_PASSPHRASE$/m);
    expect(result.stdout).toMatch(/^orgs\/acme {2}API key {2}mesa_\*{4}9f2c {2}2026-11-20 {2}-$/m);
  });

  it.each([
    {
      title: 'has another passphrase',
      spoil: () => undefined,
      code: 6,
      message: 'incorrect passphrase for the vault',
    },
    {
      title: 'is damaged',
      spoil: (path: string) => writeFileSync(path, readFileSync(path).subarray(0, -9)),
      code: 8,
      message: 'is damaged',
    },
  ])('that $title shows the rest, then fails as any command would', async ({ spoil, code, message }) => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    spoil(home.vault);
    const env = code === 6 ? { MESA_VAULT_PASSPHRASE: 'not the one' } : UNLOCKED;
    const before = fingerprint(home);
    const result = await runMesa(status(), { home, env });
    expect(result).toMatchObject({ status: code, stderr: expect.stringContaining(message) as string });
    expect(result.stdout).toContain('store        encrypted-file, cannot be read\n');
    const json = await runMesa(status('--json'), { home, env });
    expect(json.status).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({ store: { state: 'unreadable' }, keys: null });
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('status --fail-within', () => {
  it.each([
    ['acme', '1h', 0],
    ['acme', '5h', 0],
    ['acme', '7d', 9],
    ['old', '0s', 9],
    ['old', '7d', 9],
    ['other', '52w', 0],
  ])('for %s and %s exits with %i, about the key used there alone', async (org, within, code) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ global: GLOBAL, 'orgs/acme': SOON, 'orgs/old': OVER }));
    const result = await runMesa(status('--org', org, '--fail-within', within), { home });
    expect(result.status).toBe(code);
    expect(result.stdout).toContain('used here');
    expect(result.stderr).toMatch(
      code === 0
        ? /^$/
        : new RegExp(
            `^mesa: the key for orgs/${org} expire(?:s in|d) .*\\nhint: mesa auth set-key --org ${org}\\n$`,
          ),
    );
    const plain = await runMesa(status('--org', org), { home });
    expect(plain).toMatchObject({ status: 0, stderr: '', stdout: result.stdout });
    const json = await runMesa(status('--org', org, '--fail-within', within, '--json'), { home });
    expect(json.status).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({ requested_scope: `orgs/${org}` });
  });

  it('fails with 4 when there is no key, and with 2 for what is no time', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
    const missing = await runMesa(status('--fail-within', '7d'), { home });
    expect(missing).toMatchObject({
      status: 4,
      stderr: 'mesa: no API key found in the secret store\nhint: mesa auth status --org acme\n',
    });
    for (const [text, shown] of [
      ['', "''"],
      ['7', "'7'"],
      ['a week', "'a week'"],
      [ORG, 'what was given'],
    ]) {
      expect(await runMesa(status(`--fail-within=${text}`), { home })).toMatchObject({
        status: 2,
        stdout: '',
        stderr: `mesa: --fail-within takes a length of time in w, d, h, m and s, not ${shown}\nhint: mesa auth status --fail-within 7d\n`,
      });
    }
  });

  it('cannot tell of a key in a locked vault, and needs no vault for the one in MESA_API_KEY', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    const args = status('--org', 'acme', '--fail-within', '1h');
    expect(await runMesa(args, { home })).toMatchObject({
      status: 6,
      stderr: `mesa: the vault ${home.vault} is locked: when its keys expire is not known\nhint: set MESA_VAULT_PASSPHRASE, or: mesa auth unlock\n`,
    });
    for (const [key, code] of [
      [ENVIRONMENT, 0],
      [SOON, 0],
      [OVER, 9],
    ] as const) {
      const result = await runMesa(args, { home, env: { MESA_API_KEY: key } });
      expect(result.status).toBe(code);
      expect(result.stdout).toContain(' from MESA_API_KEY, for orgs/acme');
    }
  });
});

describe('status and MESA_ORGS', () => {
  it('registers its tokens as any command that uses the store does', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({}));
    const result = await runMesa(status('--org', 'new'), { home, env: { MESA_ORGS: `new:${ORG}` } });
    expect(result).toMatchObject({ status: 0, stderr: 'stored 1 key from MESA_ORGS in plaintext-file\n' });
    expect(result.stdout).toMatch(/^environment {2}MESA_ORGS \(1 entry\)$/m);
    expect(result.stdout).toContain('used here    mesa_****9f2c from orgs/new');
    expect(readFileSync(home.plaintext, 'utf8')).toContain(ORG);
  });

  it('shows that they are there when the vault is locked, and registers none', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({}));
    const before = fingerprint(home);
    const env = { MESA_ORGS: `new:${ORG},other:${ORG}` };
    const result = await runMesa(status(), { home, env });
    expect(result).toMatchObject({
      status: 0,
      stderr:
        'mesa: warning: MESA_ORGS is not registered: the vault is locked\nhint: set MESA_VAULT_PASSPHRASE, or: mesa auth unlock\n',
    });
    expect(result.stdout).toMatch(/^environment {2}MESA_ORGS \(2 entries\)$/m);
    expect(fingerprint(home)).toEqual(before);
  });

  it('refuses a malformed one before it shows anything', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({}));
    expect(await runMesa(status(), { home, env: { MESA_ORGS: ORG } })).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        'mesa: MESA_ORGS entry 1 has no colon\nhint: export MESA_ORGS="acme:$TOKEN,other:$OTHER_TOKEN"\n',
    });
  });
});
