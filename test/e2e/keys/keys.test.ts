import { readFileSync, statSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { BACKENDS, type Backend } from '../../../src/core/secret-store.ts';
import { runMesa, runShell, type RunOptions } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ORG = 'mesa_organization009f2c';
const REPO = 'mesa_repository0000c0de';
const THREE_KEYS = { global: GLOBAL, 'orgs/acme': ORG, 'orgs/acme/repos/web': REPO };

async function homeWith(backend: Backend, keys: Readonly<Record<string, string>>): Promise<TempHome> {
  const home = createTempHome();
  if (backend === 'plaintext-file') {
    writePlaintext(home, documentOf(keys));
  } else {
    await writeVault(home, documentOf(keys));
  }
  return home;
}

function storeOf(home: TempHome, backend: Backend): string {
  return backend === 'plaintext-file' ? home.plaintext : home.vault;
}

function unlocked(home: TempHome): RunOptions {
  return { home, env: UNLOCKED };
}

describe.each(BACKENDS)('with the %s backend', (backend) => {
  it('stores keys from an argument and from stdin at each scope, rotates one and removes another', async () => {
    const home = createTempHome();
    if (backend === 'plaintext-file') {
      home.useBackend(backend);
    }
    const steps: readonly { args: string[]; stdin?: string; stderr: string }[] = [
      { args: ['set-key', GLOBAL], stderr: `stored key for global (mesa_****11aa) in ${backend}\n` },
      {
        args: ['set-key', '--org', 'acme'],
        stdin: 'mesa_organization_first',
        stderr: `stored key for orgs/acme (mesa_****irst) in ${backend}\n`,
      },
      {
        args: ['set-key', '--org', 'acme', '--repo', 'web'],
        stdin: `${REPO}\n`,
        stderr: `stored key for orgs/acme/repos/web (mesa_****c0de) in ${backend}\n`,
      },
      {
        args: ['set-key', '--org', 'acme'],
        stdin: ORG,
        stderr: `replaced key for orgs/acme (mesa_****irst by mesa_****9f2c) in ${backend}; mesa auth undo --org acme brings it back\n`,
      },
      { args: ['rm-key'], stderr: `removed key for global from ${backend}\n` },
    ];
    const before = Date.now();
    for (const { args, stderr, ...input } of steps) {
      const result = await runMesa(['auth', ...args], { ...unlocked(home), ...input });
      expect(result).toMatchObject({ status: 0, stdout: '', stderr });
    }
    const listed = await runMesa(['auth', 'list', '--json'], unlocked(home));
    const { keys } = JSON.parse(listed.stdout) as { keys: { scope: string; added: string }[] };
    expect(keys.map(({ scope }) => scope)).toEqual(['orgs/acme', 'orgs/acme/repos/web']);
    for (const { added } of keys) {
      expect(Date.parse(added)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(added)).toBeLessThanOrEqual(Date.now());
    }
    const looked = await runMesa(['auth', 'get-key', '--org', 'acme'], unlocked(home));
    expect(looked).toMatchObject({ status: 0, stdout: `${ORG}\n`, stderr: '' });
    expect(statSync(home.dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(storeOf(home, backend)).mode & 0o777).toBe(0o600);
  });

  it('lists every scope with its masked key, global first, and writes nothing', async () => {
    const home = await homeWith(backend, {
      'orgs/zeta': 'mesa_tooshort',
      'orgs/acme/repos/web': REPO,
      'orgs/acme': ORG,
      'orgs/Acme': 'mesa_tooshor',
      'orgs/acme-2': 'eyJhbGciOiJIUzI1NiJ9.e30.sig0',
      global: 'twelve_chars',
    });
    const before = fingerprint(home);
    expect(await runMesa(['auth', 'list'], unlocked(home))).toMatchObject({
      status: 0,
      stdout: [
        'SCOPE                KEY            ADDED',
        'global               ****           2026-11-20',
        'orgs/Acme            ****           2026-11-20',
        'orgs/acme            mesa_****9f2c  2026-11-20',
        'orgs/acme/repos/web  mesa_****c0de  2026-11-20',
        'orgs/acme-2          ****sig0       2026-11-20',
        'orgs/zeta            mesa_****hort  2026-11-20',
        '',
      ].join('\n'),
      stderr: '',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    { args: ['--org', 'acme', '--repo', 'web'], keys: THREE_KEYS, found: REPO },
    { args: ['--org', 'acme', '--repo', 'other'], keys: THREE_KEYS, found: ORG },
    { args: ['--org', 'acme'], keys: THREE_KEYS, found: ORG },
    { args: ['--org', 'ACME'], keys: THREE_KEYS, found: GLOBAL },
    { args: ['--org', 'other', '--repo', 'web'], keys: THREE_KEYS, found: GLOBAL },
    { args: [], keys: THREE_KEYS, found: GLOBAL },
  ])('looks up $args as repository, then organization, then global', async ({ args, keys, found }) => {
    const home = await homeWith(backend, keys);
    const result = await runMesa(['auth', 'get-key', ...args], unlocked(home));
    expect(result).toMatchObject({ status: 0, stdout: `${found}\n`, stderr: '' });
  });

  it.each([
    { args: ['--org', 'other'], text: " for organization 'other'", hint: ' --org other' },
    { args: ['--org', 'other', '--repo', 'web'], text: " for organization 'other'", hint: ' --org other' },
    { args: [], text: '', hint: '' },
  ])('says in the documented words that $args has no key', async ({ args, text, hint }) => {
    const home = await homeWith(backend, { 'orgs/acme': ORG, 'orgs/acme/repos/web': REPO });
    const before = fingerprint(home);
    expect(await runMesa(['auth', 'get-key', ...args], unlocked(home))).toMatchObject({
      status: 4,
      stdout: '',
      stderr: `mesa: no API key found in the secret store${text}\nhint: mesa auth set-key${hint}\n`,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('removes exactly the scope that is named, and says when there is none, without a write', async () => {
    const home = await homeWith(backend, { 'orgs/acme/repos/web': REPO });
    const before = readFileSync(storeOf(home, backend));
    for (const [args, scope] of [
      [[], 'global'],
      [['--org', 'acme'], 'orgs/acme'],
      [['--org', 'acme', '--repo', 'Web'], 'orgs/acme/repos/Web'],
    ] as const) {
      expect(await runMesa(['auth', 'rm-key', ...args], unlocked(home))).toMatchObject({
        status: 4,
        stdout: '',
        stderr: `mesa: there is no key for ${scope} in ${backend}\nhint: mesa auth list\n`,
      });
    }
    expect(readFileSync(storeOf(home, backend)).equals(before)).toBe(true);
  });

  it('answers from a store that does not exist as from an empty one, and does not make it', async () => {
    const home = createTempHome();
    home.useBackend(backend);
    const before = fingerprint(home);
    // No passphrase either: there is nothing to open.
    expect(await runMesa(['auth', 'list'], { home })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: `no keys in ${backend}\nhint: mesa auth set-key --org ORG\n`,
    });
    expect(await runMesa(['auth', 'get-key'], { home })).toMatchObject({ status: 4, stdout: '' });
    expect(await runMesa(['auth', 'rm-key'], { home })).toMatchObject({ status: 4, stdout: '' });
    expect(fingerprint(home)).toEqual(before);
  });
});

it('writes the documented document to the plaintext store', async () => {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  for (const args of [['--org', 'acme', '--repo', 'web'], ['--org', 'acme'], []]) {
    await runMesa(['auth', 'set-key', ...args], { home, stdin: 'mesa_"quoted\\back' });
  }
  const text = readFileSync(home.plaintext, 'utf8');
  expect(text.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z/g, 'NOW')).toBe(
    [
      'version = 1\n',
      '[keys.global]\nkey = "mesa_\\"quoted\\\\back"\nadded = NOW\napi = "https://api.mesa.dev"\n',
      '[keys."orgs/acme"]\nkey = "mesa_\\"quoted\\\\back"\nadded = NOW\napi = "https://api.mesa.dev"\n',
      '[keys."orgs/acme/repos/web"]\nkey = "mesa_\\"quoted\\\\back"\nadded = NOW\napi = "https://api.mesa.dev"\n',
    ].join('\n'),
  );
});

it.each(['constructor', 'toString', 'hasOwnProperty', '0', 'a.b-c_d', 'x'.repeat(64)])(
  'keeps a key of organization %s and of a repository __proto__ there',
  async (org) => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    expect(await runMesa(['auth', 'get-key', '--org', org], { home })).toMatchObject({ status: 4 });
    await runMesa(['auth', 'set-key', ORG, '--org', org], { home });
    await runMesa(['auth', 'set-key', REPO, '--org', org, '--repo', '__proto__'], { home });
    expect((await runMesa(['auth', 'get-key', '--org', org], { home })).stdout).toBe(`${ORG}\n`);
    expect((await runMesa(['auth', 'get-key', '--org', org, '--repo', '__proto__'], { home })).stdout).toBe(
      `${REPO}\n`,
    );
  },
);

it.each(['000', '022', '077', '777'])('makes private files and directories under umask %s', async (umask) => {
  const home = createTempHome();
  const script = `umask ${umask}; mesa init -y --backend plaintext-file && mesa auth set-key ${ORG}`;
  const result = await runShell(script, { home });
  expect(result.status).toBe(0);
  const modes = home.tree().map((name) => [name, statSync(`${home.path}/${name}`).mode & 0o777]);
  expect(modes.length).toBeGreaterThan(6);
  for (const [name, mode] of modes) {
    expect([name, mode]).toEqual([name, String(name).endsWith('/') ? 0o700 : 0o600]);
  }
});
