import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { OBEYING_MODES } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ACME = 'mesa_organization009f2c';
const OTHER = 'mesa_otherorganizat07777';
const MAX_BYTES = 65_536;

function homeWithPlaintext(keys: Readonly<Record<string, string>> = {}): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf(keys));
  return home;
}

/** `org0:mesa_token_of_number_0,org1:...` */
function orgsOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `org${index}:mesa_token_of_number_${index}`).join(',');
}

describe('MESA_ORGS', () => {
  it('registers its tokens in the configured backend, says so, and lets the command go on', async () => {
    const home = homeWithPlaintext();
    const env = { MESA_ORGS: ` acme:${ACME} , other:a:b"c\\d=:, ` };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${ACME}\n`,
      stderr: 'stored 2 keys from MESA_ORGS in plaintext-file\n',
    });
    // Split at the first colon only.
    expect(await runMesa(['auth', 'get-key', '--org', 'other'], { home })).toMatchObject({
      stdout: 'a:b"c\\d=:\n',
      stderr: '',
    });
  });

  it('registers in a new vault when the passphrase is in the environment, and once', async () => {
    const home = createTempHome();
    const env = { ...UNLOCKED, MESA_ORGS: `acme:${ACME}` };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${ACME}\n`,
      stderr: 'stored 1 key from MESA_ORGS in encrypted-file\n',
    });
    const before = fingerprint(home);
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${ACME}\n`,
      stderr: '',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('registers a thousand tokens in one write', async () => {
    const home = homeWithPlaintext();
    const trace = join(home.path, 'trace');
    const result = await runMesa(['auth', 'get-key', '--org', 'org999'], {
      home,
      env: { MESA_ORGS: `${orgsOf(1_000)},` },
      under: ['strace', '-f', '-qq', '-o', trace, '-e', 'trace=rename,renameat,renameat2', '--'],
    });
    expect(result).toMatchObject({
      status: 0,
      stdout: 'mesa_token_of_number_999\n',
      stderr: 'stored 1000 keys from MESA_ORGS in plaintext-file\n',
    });
    expect(readFileSync(trace, 'utf8').match(/rename/g)).toHaveLength(1);
  });

  it('writes nothing for tokens that are stored already, even where nothing can be written', async () => {
    const home = homeWithPlaintext({ 'orgs/acme': ACME, 'orgs/other': OTHER });
    chmodSync(home.dataDir, 0o500);
    const before = fingerprint(home);
    const env = { MESA_ORGS: `other:${OTHER},acme:${ACME}` };
    const options = { home, env, under: OBEYING_MODES };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], options)).toMatchObject({
      status: 0,
      stdout: `${ACME}\n`,
      stderr: 'mesa: warning: this use is not in the log: permission denied\n',
    });
    expect(fingerprint(home)).toEqual(before);
    // One token more is one write, which that directory refuses; then the command does not go on.
    const more = { ...options, env: { MESA_ORGS: `acme:${ACME},third:${OTHER}` } };
    const refused = await runMesa(['auth', 'get-key', '--org', 'acme'], more);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('permission denied');
    expect(fingerprint(home)).toEqual(before);
    chmodSync(home.dataDir, 0o700);
  });

  it('changes only what differs', async () => {
    const home = homeWithPlaintext({
      'orgs/acme': ACME,
      'orgs/other': OTHER,
      global: 'mesa_global0000000011aa',
    });
    const env = { MESA_ORGS: `acme:${ACME},other:mesa_rotated0000000beef` };
    const result = await runMesa(['auth', 'list'], { home, env });
    expect(result.stderr).toBe('replaced 1 key from MESA_ORGS in plaintext-file\n');
    expect(result.stdout.replace(/[0-9-]+\n$/, 'TODAY\n')).toBe(
      [
        'SCOPE       KEY            ADDED',
        'global      mesa_****11aa  2026-11-20',
        'orgs/acme   mesa_****9f2c  2026-11-20',
        'orgs/other  mesa_****beef  TODAY',
        '',
      ].join('\n'),
    );
  });

  it('registers before the command, so that what the command does to the same organization stays', async () => {
    const home = homeWithPlaintext();
    const env = { MESA_ORGS: `acme:${ACME}` };
    expect((await runMesa(['auth', 'set-key', OTHER, '--org', 'acme'], { home, env })).stderr).toBe(
      'stored 1 key from MESA_ORGS in plaintext-file\nreplaced key for orgs/acme (mesa_****9f2c by mesa_****7777) in plaintext-file; mesa auth undo --org acme brings it back\n',
    );
    expect((await runMesa(['auth', 'get-key', '--org', 'acme'], { home })).stdout).toBe(`${OTHER}\n`);
    expect((await runMesa(['auth', 'rm-key', '--org', 'acme'], { home, env })).status).toBe(0);
    expect((await runMesa(['auth', 'get-key', '--org', 'acme'], { home })).status).toBe(4);
  });

  it('is nothing when it is empty or blank', async () => {
    const home = homeWithPlaintext();
    const before = fingerprint(home);
    for (const value of ['', '  ', '\t\n']) {
      const result = await runMesa(['auth', 'list', '--json'], { home, env: { MESA_ORGS: value } });
      expect(result).toMatchObject({ status: 0, stderr: '' });
    }
    expect(fingerprint(home)).toEqual(before);
  });

  it('may say the same thing twice', async () => {
    const home = homeWithPlaintext();
    const env = { MESA_ORGS: `acme:${ACME},other:${OTHER},acme:${ACME}` };
    expect((await runMesa(['auth', 'list'], { home, env })).stderr).toBe(
      'stored 2 keys from MESA_ORGS in plaintext-file\n',
    );
  });
});

describe('a malformed MESA_ORGS', () => {
  const SECRET = 'mesa_s3cretInTheVariable';
  it.each([
    { value: SECRET, message: 'entry 1 has no colon' },
    { value: `acme:${SECRET},${SECRET}`, message: 'entry 2 has no colon' },
    { value: 'acme:', message: 'entry 1 has a token that is empty' },
    { value: `:${SECRET}`, message: 'entry 1 does not start with an organization name' },
    { value: `ac/me:${SECRET}`, message: 'entry 1 does not start with an organization name' },
    { value: `__proto__:${SECRET}`, message: 'entry 1 does not start with an organization name' },
    { value: `acme :${SECRET}`, message: 'entry 1 does not start with an organization name' },
    { value: `acme: ${SECRET}`, message: 'entry 1 has a token that contains a space or tab' },
    { value: `acme:${SECRET}\nother:${SECRET}`, message: 'entry 1 has a token that contains a line break' },
    { value: `acme:${SECRET}\u0007`, message: 'entry 1 has a token that contains a control character' },
    {
      value: `acme:${SECRET}\u00e4`,
      message: 'entry 1 has a token that contains a character outside printable ASCII',
    },
    { value: `a:${SECRET},,b:${SECRET}`, message: 'entry 2 is empty' },
    { value: `,a:${SECRET}`, message: 'entry 1 is empty' },
    { value: `a:${SECRET},,`, message: 'entry 2 is empty' },
    { value: ',', message: 'entry 1 is empty' },
    {
      value: `a:${SECRET},b:x,a:${SECRET}2`,
      message: 'entry 3 names an organization that has another token already',
    },
    { value: `a:${'x'.repeat(16_385)}`, message: 'entry 1 has a token that is longer than 16384 bytes' },
  ])('is refused as a whole by the number of its entry: $message', async ({ value, message }) => {
    const home = homeWithPlaintext({ 'orgs/acme': ACME });
    const before = fingerprint(home);
    for (const command of [['list'], ['get-key', '--org', 'acme'], ['set-key', ACME]]) {
      const result = await runMesa(['auth', ...command], { home, env: { MESA_ORGS: value } });
      expect(result).toMatchObject({
        status: 2,
        stdout: '',
        stderr: `mesa: MESA_ORGS ${message}\nhint: export MESA_ORGS="acme:$TOKEN,other:$OTHER_TOKEN"\n`,
      });
    }
    expect(fingerprint(home)).toEqual(before);
  });

  it('is refused before the first run writes anything', async () => {
    const home = createTempHome();
    const result = await runMesa(['-y', 'auth', 'list'], { home, env: { MESA_ORGS: 'acme' } });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(home.tree()).toEqual([]);
  });

  it.each([
    { title: '65,536 bytes', value: orgsOf(5).padEnd(MAX_BYTES), status: 0 },
    { title: '65,537 bytes', value: orgsOf(5).padEnd(MAX_BYTES + 1), status: 2 },
    { title: '1,001 entries', value: orgsOf(1_001), status: 2 },
  ])('has limits: $title end with $status', async ({ value, status }) => {
    const home = homeWithPlaintext();
    const before = fingerprint(home);
    const result = await runMesa(['auth', 'list', '--json'], { home, env: { MESA_ORGS: value } });
    expect(result.status).toBe(status);
    expect(fingerprint(home).join() === before.join()).toBe(status !== 0);
  });
});

describe('MESA_ORGS without a passphrase for the vault', () => {
  it.each([['list'], ['get-key', '--org', 'acme'], ['set-key', OTHER], ['rm-key', '--org', 'acme']])(
    'ends auth %s with 6 before the vault is made',
    async (...command) => {
      const home = createTempHome();
      const env = { MESA_ORGS: `acme:${ACME}`, MESA_VAULT_PASSPHRASE: '' };
      expect(await runMesa(['auth', ...command], { home, env })).toMatchObject({
        status: 6,
        stdout: '',
        stderr:
          `mesa: the vault ${home.vault} needs its passphrase, and there is nobody to ask for it\n` +
          'hint: set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y\n',
      });
      expect(home.tree()).toEqual([]);
    },
  );

  it('leaves a vault alone, and a wrong one too', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({ 'orgs/acme': ACME }));
    const before = fingerprint(home);
    for (const passphrase of ['', 'not the passphrase of it']) {
      const env = { MESA_ORGS: `acme:${OTHER}`, MESA_VAULT_PASSPHRASE: passphrase };
      expect(await runMesa(['auth', 'list'], { home, env })).toMatchObject({ status: 6, stdout: '' });
    }
    expect(fingerprint(home)).toEqual(before);
  });
});
