import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { isAlive, unlock } from '../../support/agent.ts';
import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  UNLOCKED,
  writePlaintext,
  withoutPrevious,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';
import { typeNewPassphrase } from '../../support/wizard.ts';

const ACME = 'mesa_acme000000001111';
const OTHER = 'mesa_other00000002222';
const TO_VAULT = ['auth', 'migrate', '--to', 'encrypted-file'];
const TO_PLAINTEXT = ['auth', 'migrate', '--to', 'plaintext-file'];

/** With everything that a mere copy of tokens would lose. */
const RICH = `version = 1
origin = "of a later version"

[keys]
"teams/blue" = { key = "kept" }

[keys.global]
key = "mesa_global0000003333"
added = 2024-01-02T03:04:05.006Z

[keys."orgs/acme"]
key = "${ACME}"
added = 2025-02-03T04:05:06.007Z
key-id = "k1"
expires = 2027-01-01T00:00:00.000Z
note = [1, "two"]
`;

function plaintextHome(document = RICH): TempHome {
  const home = createTempHome();
  writePlaintext(home, document);
  return home;
}

async function vaultHome(document = RICH): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, document);
  home.useBackend('encrypted-file');
  return home;
}

function configOf(home: TempHome): string {
  return readIfExists(home.config) ?? '';
}

describe('to the vault', () => {
  it('moves the whole document, names the vault in config.toml, and removes the plaintext file', async () => {
    const home = plaintextHome();
    home.write('.config/mesa/config.toml', '# ours\n[secrets]\nbackend = "plaintext-file" # for now\n');
    for (const name of ['secrets.plaintext.toml', 'secrets.vault.age']) {
      home.write(`.local/share/mesa/.${name}.12345678901234.tmp`, 'left by a writer that was killed');
    }
    expect(await runMesa(TO_VAULT, { home, env: UNLOCKED })).toMatchObject({
      status: 0,
      stdout: '',
      stderr:
        'moved 2 keys from plaintext-file to encrypted-file\n' +
        `saved in ${home.config}: keys are kept in encrypted-file\n` +
        `mesa: warning: ${home.plaintext} was removed, but a disk may keep what was deleted; where that matters, replace the keys\n`,
    });
    expect(await openVault(home)).toBe(RICH);
    expect(home.tree().filter((name) => name.includes('secrets'))).toEqual([
      '.local/share/mesa/secrets.vault.age',
    ]);
    expect(configOf(home)).toBe('# ours\n[secrets]\nbackend = "encrypted-file" # for now\n');
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED })).toMatchObject({
      status: 0,
      stdout: `${ACME}\n`,
    });
  });

  it('asks for a new passphrase on a terminal, and keeps the source on request', async () => {
    const home = plaintextHome();
    const before = readFileSync(home.plaintext);
    const terminal = openTerminal({ home });
    terminal.type('mesa auth migrate --to encrypted-file --keep-source\r');
    await typeNewPassphrase(terminal, PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.modes()).toEqual(COOKED);
    expect(terminal.screen()).toContain('copied 2 keys from plaintext-file to encrypted-file');
    expect(terminal.screen()).toContain(`${home.plaintext} stays, and is not used any more`);
    expect(await openVault(home)).toBe(RICH);
    expect(readFileSync(home.plaintext).equals(before)).toBe(true);
  });

  it('ends with status 6 when there is no passphrase and nobody to ask for one', async () => {
    const home = plaintextHome();
    const before = fingerprint(home);
    expect(await runMesa(TO_VAULT, { home })).toMatchObject({ status: 6, stdout: '' });
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('to a plaintext file', () => {
  it.each([[[]], [['-y']]])('is refused without --yes when there is nobody to ask (%j)', async (flags) => {
    const home = await vaultHome();
    const before = fingerprint(home);
    expect(await runMesa([...TO_PLAINTEXT, ...flags], { home, env: UNLOCKED })).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        'mesa: keeping keys unencrypted needs to be confirmed, and there is nobody to ask\n' +
        'hint: mesa auth migrate --to plaintext-file --yes\n',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('moves the whole document with --yes, and removes the vault', async () => {
    const home = await vaultHome();
    expect(await runMesa([...TO_PLAINTEXT, '--yes'], { home, env: UNLOCKED })).toMatchObject({
      status: 0,
      stdout: '',
      stderr:
        'moved 2 keys from encrypted-file to plaintext-file\n' +
        `saved in ${home.config}: keys are kept in plaintext-file\n`,
    });
    expect(readIfExists(home.plaintext)).toBe(RICH);
    expect(existsSync(home.vault)).toBe(false);
    expect(configOf(home)).toContain('"plaintext-file"');
  });

  it('ends the agent of a vault that is no more', async () => {
    const home = await vaultHome();
    const agent = await unlock(home);
    expect(await runMesa([...TO_PLAINTEXT, '--yes'], { home, env: UNLOCKED })).toMatchObject({ status: 0 });
    expect(isAlive(agent)).toBe(false);
    expect((await runMesa(['auth', 'get-key', '--org', 'acme'], { home })).stdout).toBe(`${ACME}\n`);
  });

  it('asks on a terminal, and no is the answer that Enter gives', async () => {
    const home = await vaultHome();
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    const question = `Keep 2 keys unencrypted in ${home.plaintext}`;
    terminal.type('mesa auth migrate --to plaintext-file\r');
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await terminal.answer(question, '');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('nothing was changed');
    expect(fingerprint(home)).toEqual(before);

    terminal.clear();
    terminal.type('mesa auth migrate --to plaintext-file\r');
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await terminal.answer(question, 'y');
    expect(await terminal.ended()).toBe(0);
    expect(readIfExists(home.plaintext)).toBe(RICH);
  });

  it.each([
    ['a wrong passphrase', { MESA_VAULT_PASSPHRASE: 'not this one' }, 6],
    ['no passphrase', {}, 6],
  ])('changes nothing with %s', async (_, env, status) => {
    const home = await vaultHome();
    const before = fingerprint(home);
    expect(await runMesa([...TO_PLAINTEXT, '--yes'], { home, env })).toMatchObject({ status, stdout: '' });
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('--dry-run', () => {
  it('shows what would happen and changes nothing, without a passphrase for the new vault', async () => {
    const home = plaintextHome();
    const before = fingerprint(home);
    const options = { home, env: { MESA_ORGS: `acme:${OTHER}` } };
    expect(await runMesa([...TO_VAULT, '--dry-run'], options)).toMatchObject({
      status: 0,
      stdout:
        'SCOPE      IN TARGET  IN SOURCE      CHANGE\n' +
        'global     -          mesa_****3333  add\n' +
        'orgs/acme  -          mesa_****1111  add\n',
      stderr:
        `${home.vault} would hold these keys; ${home.config} would say encrypted-file; ` +
        `${home.plaintext} would be removed\nnothing was changed\n`,
    });
    const { status, stdout } = await runMesa([...TO_VAULT, '--dry-run', '--json', '--keep-source'], options);
    expect({ status, document: JSON.parse(stdout) as unknown }).toEqual({
      status: 0,
      document: {
        schema_version: 1,
        from: 'plaintext-file',
        to: 'encrypted-file',
        config_file: home.config,
        removed_file: null,
        keys: ['global', 'orgs/acme'].map((scope, at) => ({
          scope,
          masked_present_key: null,
          masked_incoming_key: ['mesa_****3333', 'mesa_****1111'][at],
          change: 'add',
        })),
      },
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('ends as the command itself would when that would be refused', async () => {
    const home = plaintextHome();
    await writeVault(home, documentOf({ 'orgs/acme': OTHER }));
    const before = fingerprint(home);
    const result = await runMesa([...TO_VAULT, '--merge', '--dry-run'], { home, env: UNLOCKED });
    expect(result.status).toBe(2);
    expect(result.stdout).toMatch(/^orgs\/acme {2}mesa_\*{4}2222 {2}mesa_\*{4}1111 {2}conflict$/m);
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('a target that holds keys', () => {
  const TARGET = documentOf({ 'orgs/acme': OTHER, 'orgs/here': OTHER });

  async function bothFilled(target = TARGET): Promise<TempHome> {
    const home = plaintextHome(documentOf({ 'orgs/acme': ACME, 'orgs/there': ACME }));
    await writeVault(home, target);
    return home;
  }

  it('is refused, with what is there, masked', async () => {
    const home = await bothFilled();
    const before = fingerprint(home);
    expect(await runMesa(TO_VAULT, { home, env: UNLOCKED })).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        'SCOPE       IN TARGET      IN SOURCE      CHANGE\n' +
        'orgs/acme   mesa_****2222  mesa_****1111  conflict\n' +
        'orgs/here   mesa_****2222  -              keep\n' +
        'orgs/there  -              mesa_****1111  add\n' +
        'mesa: encrypted-file holds keys already\n' +
        'hint: to bring both together: mesa auth migrate --to encrypted-file --merge\n',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('is not merged while a scope has different keys', async () => {
    const home = await bothFilled();
    const before = fingerprint(home);
    const result = await runMesa([...TO_VAULT, '--merge'], { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /^mesa: one scope has different keys in the two stores\nhint: say which counts, source or target: mesa auth migrate .* --merge --prefer source$/m,
    );
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    { prefer: 'source', acme: ACME },
    { prefer: 'target', acme: OTHER },
  ])('is merged with --prefer $prefer, keeping what only one has', async ({ prefer, acme }) => {
    const home = await bothFilled();
    const result = await runMesa([...TO_VAULT, '--merge', '--prefer', prefer], { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(withoutPrevious(await openVault(home))).toBe(
      documentOf({ 'orgs/acme': acme, 'orgs/here': OTHER, 'orgs/there': ACME }),
    );
    expect(existsSync(home.plaintext)).toBe(false);
  });
});

describe('a migration that was cut off', () => {
  it('before config.toml was changed, is ended by the same command', async () => {
    const home = plaintextHome();
    await writeVault(home, RICH);
    expect(await runMesa(TO_VAULT, { home, env: UNLOCKED })).toMatchObject({ status: 0 });
    expect(await openVault(home)).toBe(RICH);
    expect(configOf(home)).toContain('"encrypted-file"');
    expect(existsSync(home.plaintext)).toBe(false);
  });

  it('before the source was removed, is ended by the same command, without touching newer keys', async () => {
    const newer = `${RICH}\n[keys."orgs/new"]\nkey = "${OTHER}"\n`;
    const home = plaintextHome();
    await writeVault(home, newer);
    home.useBackend('encrypted-file');
    const vault = readFileSync(home.vault);
    expect(await runMesa(TO_VAULT, { home, env: UNLOCKED })).toMatchObject({ status: 0 });
    expect(readFileSync(home.vault).equals(vault)).toBe(true);
    expect(existsSync(home.plaintext)).toBe(false);
  });

  it('does not bring back a key that was removed since', async () => {
    const home = plaintextHome(documentOf({ 'orgs/acme': ACME, 'orgs/gone': OTHER }));
    await writeVault(home, documentOf({ 'orgs/acme': ACME }));
    home.useBackend('encrypted-file');
    const before = fingerprint(home);
    const result = await runMesa(TO_VAULT, { home, env: UNLOCKED });
    expect(result.status).toBe(2);
    expect(result.stderr).toContain(
      'mesa: keys are kept in encrypted-file already, and the other store holds keys that it does not have\n',
    );
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('nothing to move', () => {
  it('is said when the backend is the configured one', async () => {
    const home = plaintextHome();
    const before = fingerprint(home);
    expect(await runMesa(TO_PLAINTEXT, { home })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'keys are kept in plaintext-file already, and there are none in encrypted-file\n',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('still changes the configuration when there is no store yet', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    expect(await runMesa(TO_VAULT, { home })).toMatchObject({ status: 0, stdout: '' });
    expect(configOf(home)).toContain('"encrypted-file"');
    expect(existsSync(home.vault)).toBe(false);
  });
});

describe('a migration that cannot be', () => {
  it.each([
    { title: 'without --to', args: ['auth', 'migrate'], message: 'migrate needs to know where to' },
    {
      title: 'to an unknown backend',
      args: ['auth', 'migrate', '--to', 'keychain'],
      message: "unknown secrets backend 'keychain'; expected encrypted-file or plaintext-file",
    },
    {
      title: 'with --prefer alone',
      args: [...TO_VAULT, '--prefer', 'source'],
      message: '--prefer goes with --merge',
    },
    {
      title: 'with an unknown --prefer',
      args: [...TO_VAULT, '--merge', '--prefer', 'newest'],
      message: '--prefer takes source or target',
    },
    { title: 'with --json alone', args: [...TO_VAULT, '--json'], message: '--json goes with --dry-run' },
  ])('ends with status 2 $title', async ({ args, message }) => {
    const home = plaintextHome();
    const before = fingerprint(home);
    const result = await runMesa(args, { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(new RegExp(`^mesa: ${message}\n`));
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    {
      title: 'a config.toml that is none',
      file: '.config/mesa/config.toml',
      content: '[secrets\n',
      status: 3,
    },
    {
      title: 'a damaged source',
      file: '.local/share/mesa/secrets.plaintext.toml',
      content: 'version = 1\n[keys.global]\n',
      status: 8,
    },
    {
      title: 'a damaged target',
      file: '.local/share/mesa/secrets.vault.age',
      content: 'age-encryption.org/v1\n',
      status: 8,
    },
  ])('ends with status $status for $title', async ({ file, content, status }) => {
    const home = plaintextHome();
    home.write(file, content);
    const before = fingerprint(home);
    expect(await runMesa(TO_VAULT, { home, env: UNLOCKED })).toMatchObject({ status, stdout: '' });
    expect(fingerprint(home)).toEqual(before);
  });

  it('ends with status 1 on a full disk, and the source stays in force', async () => {
    const home = plaintextHome();
    const before = readFileSync(home.plaintext);
    const result = await runMesa(TO_VAULT, { home, env: UNLOCKED, under: ['prlimit', '--fsize=100'] });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain(
      `cannot write ${home.vault}: file size limit exceeded; nothing was changed`,
    );
    expect(readFileSync(home.plaintext).equals(before)).toBe(true);
    expect(configOf(home)).toContain('"plaintext-file"');
    expect(home.tree().filter((name) => name.includes('vault'))).toEqual([]);
  });
});
