import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  UNLOCKED,
  writePlaintext,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { typeNewPassphrase } from '../../support/wizard.ts';

const ORG = 'mesa_organization009f2c';
const LEGACY = 'mesa_legacykey00004e4e';
/** A machine that does not last, where keys may be kept in plain text. */
const CI = { CI: '1' };

function plaintextHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
  return home;
}

function legacyHome(): TempHome {
  const home = createTempHome();
  home.write('.config/mesa/config.toml', `[organizations.acme]\napi-key = "${LEGACY}"\n`);
  return home;
}

describe('a legacy key where there is no vault yet', () => {
  it('is not said to be fixable where nobody can choose a passphrase, and the advice is no loop', async () => {
    const home = legacyHome();
    const before = fingerprint(home);
    const result = await runMesa(['auth', 'doctor', '--fix', '--json'], { home });
    expect(result.status).toBe(1);
    expect(JSON.parse(result.stdout)).toMatchObject({
      mended: [],
      findings: [
        {
          check: 'legacy_keys',
          fixable: false,
          mend: 'set MESA_VAULT_PASSPHRASE to make a vault, or be on a terminal; then: mesa auth doctor --fix',
        },
      ],
    });
    expect(result.stderr).not.toContain('not mended');
    expect(fingerprint(home)).toEqual(before);
    const fixed = await runMesa(['auth', 'doctor', '--fix'], { home, env: UNLOCKED });
    expect(fixed).toMatchObject({ status: 0, stdout: '' });
    expect(await openVault(home)).toContain(LEGACY);
  });

  it('is moved with --fix on a terminal, into a vault with a passphrase that is asked for', async () => {
    const home = legacyHome();
    const terminal = openTerminal({ home });
    terminal.type('mesa auth doctor --fix\r');
    await typeNewPassphrase(terminal, PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(await openVault(home)).toContain(LEGACY);
    expect(readFileSync(home.config, 'utf8')).not.toContain(LEGACY);
    expect(terminal.received()).not.toContain(LEGACY);
  });

  it('is not asked about with -y, and a terminal is not asked without --fix', async () => {
    const home = legacyHome();
    for (const args of ['doctor', 'doctor --fix -y']) {
      const terminal = openTerminal({ home });
      terminal.type(`mesa auth ${args}\r`);
      expect(await terminal.ended()).toBe(1);
      expect(terminal.screen()).not.toContain('assphrase for the new vault');
    }
    expect(existsSync(home.vault)).toBe(false);
  });
});

it('a legacy key that --fix leaves is not promised to be moved by every other command', async () => {
  const home = plaintextHome();
  writeFileSync(
    home.config,
    `${readFileSync(home.config, 'utf8')}[organizations.acme]\napi-key = "${LEGACY}"\n`,
  );
  await runMesa(['auth', 'doctor', '--fix'], { home, env: CI });
  const { stderr } = await runMesa(['auth', 'list'], { home });
  expect(stderr).toContain('hint: what to do: mesa auth doctor\n');
  expect(stderr).not.toContain('--fix');
});

it.each([{}, { MESA_API_KEY: ORG }])('a malformed MESA_ORG is found once, with %o', async (env) => {
  const home = plaintextHome();
  const args = ['auth', 'doctor', '--json'];
  const { stdout, status } = await runMesa(args, { home, env: { ...CI, ...env, MESA_ORG: 'a b' } });
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    findings: [{ check: 'environment', severity: 'error', what: 'MESA_ORG is not an organization name' }],
  });
});

it('an expires that is no date-time is found, and the store stays as it is', async () => {
  const home = plaintextHome();
  writeFileSync(home.plaintext, `${documentOf({ 'orgs/acme': ORG })}expires = "2020-01-01T00:00:00Z"\n`);
  const before = fingerprint(home);
  const { stdout } = await runMesa(['auth', 'doctor', '--fix', '--json'], { home, env: CI });
  expect(JSON.parse(stdout)).toMatchObject({
    findings: [
      { check: 'expiry_dates', what: `"expires" is not a date-time in ${home.plaintext} for orgs/acme` },
    ],
  });
  expect(fingerprint(home)).toEqual(before);
});

it('a lock file that others can read is found, and tightened with --fix', async () => {
  const home = plaintextHome();
  const lock = home.write('.local/share/mesa/.lock', '');
  chmodSync(lock, 0o644);
  const found = await runMesa(['auth', 'doctor'], { home, env: CI });
  expect(found.stdout).toContain(
    `error: ${lock} can be read by other users\n  why: whoever can read it can hold`,
  );
  expect(statSync(lock).mode & 0o777).toBe(0o644);
  const fixed = await runMesa(['auth', 'doctor', '--fix'], { home, env: CI });
  expect(fixed.stderr).toContain(`${lock} could be read by other users; its mode is 0600 now`);
  expect(statSync(lock).mode & 0o777).toBe(0o600);
});

describe('unlock', () => {
  it('--check says of a vault that is not there what makes one, not to unlock it', async () => {
    const home = createTempHome();
    expect(await runMesa(['auth', 'unlock', '--check'], { home })).toMatchObject({
      status: 6,
      stdout: '',
      stderr: `mesa: there is no vault ${home.vault} yet\nhint: mesa auth set-key --org ORG\n`,
    });
    expect(home.tree()).toEqual([]);
  });

  it.each([[[]], [['--check']]])(
    'says with %o that a file is no vault, before anything else',
    async (args) => {
      const home = createTempHome();
      home.write('.local/share/mesa/secrets.vault.age', 'hello');
      const result = await runMesa(['auth', 'unlock', ...args], { home });
      expect(result).toMatchObject({ status: 8, stdout: '' });
      expect(result.stderr).toContain(`${home.vault} is not an age file`);
    },
  );
});
