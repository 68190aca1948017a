import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { VaultCodec } from '../../../src/vault/vault-codec.ts';
import { childEnv, runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  PASSPHRASE,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';
import { typeNewPassphrase } from '../../support/wizard.ts';

const DOCUMENT = `# by hand\n${documentOf({ 'orgs/acme': 'mesa_kept0000000000000' })}`;
const FILE = 'keys.age';

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, DOCUMENT);
  home.useBackend('encrypted-file');
  return home;
}

function plaintextHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, DOCUMENT);
  return home;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

describe('of a vault', () => {
  it('is a private copy, byte for byte, and needs no passphrase and no terminal', async () => {
    const home = await vaultHome();
    expect(
      await runMesa(['auth', 'backup', FILE], { home, under: ['sh', '-c', 'umask 0; exec "$@"', 'sh'] }),
    ).toMatchObject({
      status: 0,
      stdout: '',
      stderr:
        `backed up encrypted-file to ${home.path}/${FILE}\n` +
        `hint: see what is in it: mesa auth restore --dry-run ${home.path}/${FILE}\n`,
    });
    const copy = join(home.path, FILE);
    expect(readFileSync(copy).equals(readFileSync(home.vault))).toBe(true);
    expect(modeOf(copy)).toBe(0o600);
    expect(home.tree().filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('is tried with the passphrase of the environment, and made even when that is a wrong one', async () => {
    const home = await vaultHome();
    const env = { MESA_VAULT_PASSPHRASE: 'not this one' };
    const result = await runMesa(['auth', 'backup', FILE], { home, env });
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(
      new RegExp(`^mesa: warning: MESA_VAULT_PASSPHRASE does not open ${home.vault}; the copy needs`),
    );
    expect(readFileSync(join(home.path, FILE)).equals(readFileSync(home.vault))).toBe(true);
  });

  it('is not made of a vault whose end is damaged, where the environment can tell', async () => {
    const home = await vaultHome();
    home.write('.local/share/mesa/secrets.vault.age', readFileSync(home.vault).subarray(0, -1));
    expect(await runMesa(['auth', 'backup', FILE], { home, env: UNLOCKED })).toMatchObject({
      status: 8,
      stderr: expect.stringContaining('is damaged') as string,
    });
    expect(existsSync(join(home.path, FILE))).toBe(false);
  });
});

describe('of a plaintext store', () => {
  it('is an age file under a new passphrase, which stock age opens', async () => {
    const home = plaintextHome();
    const terminal = openTerminal({ home });
    terminal.type(`mesa auth backup ${FILE}\r`);
    await typeNewPassphrase(terminal, PASSPHRASE, 'Passphrase for the backup');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.modes()).toEqual(COOKED);
    expect(terminal.received()).not.toContain(PASSPHRASE);
    terminal.type(`age -d -o opened.toml ${FILE}\r`);
    await terminal.waitFor('Enter passphrase');
    terminal.type(`${PASSPHRASE}\r`);
    expect(await terminal.ended()).toBe(0);
    expect(readFileSync(join(home.path, 'opened.toml'), 'utf8')).toBe(DOCUMENT);
  });

  it('takes the passphrase of the environment, and none is status 6', async () => {
    const home = plaintextHome();
    expect(await runMesa(['auth', 'backup', FILE], { home })).toMatchObject({
      status: 6,
      stdout: '',
      stderr:
        'mesa: the backup needs a passphrase, and there is nobody to ask for it\n' +
        'hint: set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y\n',
    });
    expect(existsSync(join(home.path, FILE))).toBe(false);
    expect(await runMesa(['auth', 'backup', FILE], { home, env: UNLOCKED })).toMatchObject({ status: 0 });
    const path = join(home.path, FILE);
    expect(await new VaultCodec({ passphrase: PASSPHRASE, path }).decode(readFileSync(path))).toBe(DOCUMENT);
    expect(modeOf(path)).toBe(0o600);
  });

  it('is plaintext only with --plaintext and a confirmation', async () => {
    const home = plaintextHome();
    const args = ['auth', 'backup', 'keys.toml', '--plaintext'];
    const path = join(home.path, 'keys.toml');
    for (const flags of [[], ['-y']]) {
      expect(await runMesa([...args, ...flags], { home, env: UNLOCKED })).toMatchObject({
        status: 2,
        stdout: '',
        stderr:
          'mesa: an unencrypted backup needs to be confirmed, and there is nobody to ask\n' +
          `hint: mesa auth backup ${path} --plaintext --yes\n`,
      });
    }
    const terminal = openTerminal({ home });
    terminal.type(`mesa ${args.join(' ')}\r`);
    await terminal.answer(`Write the keys unencrypted to ${path}?`, '');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('nothing was written');
    expect(existsSync(path)).toBe(false);
    expect(await runMesa([...args, '--yes'], { home })).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(path, 'utf8')).toBe(DOCUMENT);
    expect(modeOf(path)).toBe(0o600);
  });
});

describe('a file that a backup may not be', () => {
  it.each([
    { title: 'none', file: [], message: 'no file was named' },
    { title: 'standard output', file: ['-'], message: 'a backup is a file, never standard input or output' },
    { title: 'one that exists', file: ['taken'], message: '~/taken exists already, and is not overwritten' },
    {
      title: 'a link to nowhere',
      file: ['dangling'],
      message: '~/dangling exists already, and is not overwritten',
    },
    { title: 'a directory', file: ['.'], message: '~ exists already, and is not overwritten' },
    {
      title: 'the store itself',
      file: ['link/secrets.vault.age'],
      message: '~/link/secrets.vault.age is where mesa keeps its own files',
    },
    {
      title: 'the other store',
      file: ['.local/share/mesa/secrets.plaintext.toml'],
      message: '~/.local/share/mesa/secrets.plaintext.toml is where mesa keeps its own files',
    },
  ])('is $title', async ({ file, message }) => {
    const home = await vaultHome();
    home.write('taken', 'precious');
    symlinkSync(join(home.path, 'nowhere'), join(home.path, 'dangling'));
    symlinkSync(home.dataDir, join(home.path, 'link'));
    const before = fingerprint(home);
    const result = await runMesa(['auth', 'backup', ...file], { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(new RegExp(`^mesa: ${message.replaceAll('~', home.path)}\nhint: `));
    expect(fingerprint(home)).toEqual(before);
  });

  it('is one in a directory that does not exist, which is status 1', async () => {
    const home = plaintextHome();
    expect(await runMesa(['auth', 'backup', 'no/keys.age'], { home })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `mesa: cannot write to ${home.path}/no: no such file or directory\nhint: mkdir -p ${home.path}/no\n`,
    });
  });
});

it('says with status 4 that there is nothing to back up, and with 2 that a vault is never decrypted for it', async () => {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  expect(await runMesa(['auth', 'backup', FILE], { home })).toMatchObject({
    status: 4,
    stderr:
      `mesa: there is nothing to back up: ${home.vault} does not exist\n` +
      'hint: mesa auth set-key --org ORG\n',
  });
  await writeVault(home, DOCUMENT);
  expect(await runMesa(['auth', 'backup', FILE, '--plaintext', '--yes'], { home })).toMatchObject({
    status: 2,
    stderr: `mesa: a vault is backed up as it is, encrypted\nhint: mesa auth backup ${home.path}/${FILE}\n`,
  });
  expect(existsSync(join(home.path, FILE))).toBe(false);
});

it('warns about a directory in which others can replace the file', async () => {
  const home = await vaultHome();
  home.write('shared/x', '');
  chmodSync(join(home.path, 'shared'), 0o777);
  const result = await runMesa(['auth', 'backup', `shared/${FILE}`], { home });
  expect(result.status).toBe(0);
  expect(result.stderr).toContain(
    `mesa: warning: other users can write to ${home.path}/shared, and replace the backup\n`,
  );
});

it('leaves no file on a full disk, and works on a file system without links', async () => {
  const home = await vaultHome();
  const full = await runMesa(['auth', 'backup', FILE], { home, under: ['prlimit', '--fsize=100'] });
  expect(full).toMatchObject({
    status: 1,
    stdout: '',
    stderr: `mesa: cannot write ${home.path}/${FILE}: file size limit exceeded; nothing was written\n`,
  });
  expect(home.tree().filter((name) => name.includes(FILE))).toEqual([]);
  const fat = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=link,linkat',
    '-e',
    'inject=link,linkat:error=EPERM',
  ];
  expect(await runMesa(['auth', 'backup', FILE], { home, under: fat })).toMatchObject({ status: 0 });
  expect(readFileSync(join(home.path, FILE)).equals(readFileSync(home.vault))).toBe(true);
  expect(home.tree().filter((name) => name.includes(FILE))).toEqual([FILE]);
  expect(await runMesa(['auth', 'backup', FILE], { home, under: fat })).toMatchObject({ status: 2 });
});

it('brings back what was lost: backup, loss, restore', async () => {
  const home = await vaultHome();
  const env = childEnv({ home, env: UNLOCKED });
  expect((await runMesa(['auth', 'backup', FILE], { home })).status).toBe(0);
  execFileSync('rm', ['-r', home.dataDir], { env });
  expect(await runMesa(['auth', 'restore', FILE, '--yes'], { home, env: UNLOCKED })).toMatchObject({
    status: 0,
    stderr: `restored ${home.path}/${FILE} into encrypted-file: added 1 key\n`,
  });
  expect((await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED })).stdout).toBe(
    'mesa_kept0000000000000\n',
  );
});
