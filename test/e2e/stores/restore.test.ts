import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { unlock } from '../../support/agent.ts';
import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  sealDocument,
  UNLOCKED,
  writePlaintext,
  withoutPrevious,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';

const OLD = 'mesa_old0000000001111';
const NEW = 'mesa_new0000000002222';
const OTHER_PASSPHRASE = 'the one of the backup';
const PRESENT = documentOf({ 'orgs/acme': NEW, 'orgs/kept': NEW, 'orgs/same': OLD });
const BACKUP = documentOf({ 'orgs/acme': OLD, 'orgs/lost': OLD, 'orgs/same': OLD });
const MERGED = documentOf({ 'orgs/acme': OLD, 'orgs/kept': NEW, 'orgs/lost': OLD, 'orgs/same': OLD });

const TABLE =
  'SCOPE      NOW            BACKUP         CHANGE\n' +
  'orgs/acme  mesa_****2222  mesa_****1111  replace\n' +
  'orgs/kept  mesa_****2222  -              keep\n' +
  'orgs/lost  -              mesa_****1111  add\n' +
  'orgs/same  mesa_****1111  mesa_****1111  same\n';

async function plaintextHome(): Promise<TempHome> {
  const home = createTempHome();
  writePlaintext(home, PRESENT);
  home.write('keys.toml', BACKUP);
  home.write('keys.age', await sealDocument(BACKUP));
  return home;
}

function restore(home: TempHome, args: readonly string[], env: Readonly<Record<string, string>> = UNLOCKED) {
  return runMesa(['auth', 'restore', ...args], { home, env });
}

describe('with --yes', () => {
  it.each(['keys.toml', 'keys.age'])(
    'adds and replaces, and keeps what the backup does not have: %s',
    async (file) => {
      const home = await plaintextHome();
      expect(await restore(home, [file, '--yes'])).toMatchObject({
        status: 0,
        stdout: '',
        stderr: `restored ${home.path}/${file} into plaintext-file: added 1 key, replaced 1\n`,
      });
      expect(withoutPrevious(readIfExists(home.plaintext))).toBe(MERGED);
    },
  );

  it('makes the store exactly the backup with --exact, what this mesa does not know included', async () => {
    const home = await plaintextHome();
    const backup = `version = 1\nnote = "kept"\n${BACKUP.slice('version = 1\n'.length)}key-id = "k1"\n`;
    home.write('keys.toml', backup);
    expect(await restore(home, ['keys.toml', '--exact', '--yes'])).toMatchObject({
      status: 0,
      stderr: `restored ${home.path}/keys.toml into plaintext-file: added 1 key, replaced 1, updated 1, removed 1\n`,
    });
    expect(readIfExists(home.plaintext)).toBe(backup);
    const before = fingerprint(home);
    expect(await restore(home, ['keys.toml', '--exact', '--yes'])).toMatchObject({
      status: 0,
      stderr: `plaintext-file has all of ${home.path}/keys.toml already; nothing was changed\n`,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('writes a vault that is there, and keeps its passphrase', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, PRESENT);
    home.write('keys.toml', BACKUP);
    expect(await restore(home, ['keys.toml', '--yes'])).toMatchObject({ status: 0 });
    expect(withoutPrevious(await openVault(home))).toBe(MERGED);
  });

  it('is seen through an agent that held the vault before', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, PRESENT);
    home.write('keys.toml', BACKUP);
    await unlock(home);
    expect(await restore(home, ['keys.toml', '--yes'])).toMatchObject({ status: 0 });
    expect((await runMesa(['auth', 'get-key', '--org', 'lost'], { home })).stdout).toBe(`${OLD}\n`);
  });

  it('makes the store that the configuration names where there is none', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    home.write('keys.age', await sealDocument(BACKUP));
    expect(await restore(home, ['keys.age', '--yes'])).toMatchObject({ status: 0 });
    expect(await openVault(home)).toBe(BACKUP);
  });
});

describe('without --yes', () => {
  it.each([[[]], [['-y']]])('is refused when there is nobody to ask (%j)', async (flags) => {
    const home = await plaintextHome();
    const before = fingerprint(home);
    expect(await restore(home, ['keys.age', '--exact', ...flags])).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        'mesa: a restore needs to be confirmed, and there is nobody to ask\n' +
        `hint: mesa auth restore ${home.path}/keys.age --exact --yes\n`,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('shows on a terminal what would change and asks; Enter says no', async () => {
    const home = await plaintextHome();
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    terminal.type('mesa auth restore keys.toml\r');
    await terminal.answer('Restore this into plaintext-file?', '');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain(TABLE);
    expect(terminal.screen()).toContain('nothing was changed');
    expect(fingerprint(home)).toEqual(before);

    terminal.clear();
    terminal.type('mesa auth restore keys.toml > output\r');
    await terminal.waitFor('? Restore this into plaintext-file? (y/N)');
    terminal.type('what\r');
    await terminal.waitFor('> answer with y or n');
    await terminal.answer('Restore this into plaintext-file?', 'y');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.modes()).toEqual(COOKED);
    expect(readIfExists(join(home.path, 'output'))).toBe('');
    expect(withoutPrevious(readIfExists(home.plaintext))).toBe(MERGED);
  });

  it("asks for the backup's passphrase and for the vault's apart", async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, PRESENT);
    home.write('keys.age', await sealDocument(BACKUP, OTHER_PASSPHRASE));
    const question = `Passphrase of the backup ${home.path}/keys.age:`;
    const terminal = openTerminal({ home });
    terminal.type('mesa auth restore keys.age\r');
    await terminal.answer(question, PASSPHRASE);
    await terminal.answer(`Incorrect passphrase. ${question}`, OTHER_PASSPHRASE);
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await terminal.answer('Restore this into encrypted-file?', 'y');
    expect(await terminal.ended()).toBe(0);
    expect(terminal.received()).not.toMatch(new RegExp(`${PASSPHRASE}|${OTHER_PASSPHRASE}`));
    expect(withoutPrevious(await openVault(home))).toBe(MERGED);
  });

  it.each(['', ' --dry-run'])(
    'asks once for a passphrase that opens the backup and the vault%s',
    async (flag) => {
      const home = createTempHome();
      home.useBackend('encrypted-file');
      await writeVault(home, PRESENT);
      home.write('keys.age', await sealDocument(BACKUP));
      const terminal = openTerminal({ home });
      terminal.type(`mesa auth restore keys.age${flag}\r`);
      await terminal.answer(`Passphrase of the backup ${home.path}/keys.age:`, PASSPHRASE);
      if (flag === '') {
        await terminal.answer('Restore this into encrypted-file?', 'y');
      }
      expect(await terminal.ended()).toBe(0);
      expect(terminal.screen()).not.toMatch(/Vault passphrase/);
      expect(withoutPrevious(await openVault(home))).toBe(flag === '' ? MERGED : PRESENT);
    },
  );

  it('names a file that is not there before it asks for consent', async () => {
    const home = await plaintextHome();
    expect(await restore(home, ['none'])).toMatchObject({
      status: 1,
      stderr: `mesa: cannot read ${home.path}/none: no such file or directory\nhint: name a file that exists and can be read\n`,
    });
  });

  it("tries the environment's passphrase on the backup, then asks, three times at most", async () => {
    const home = await plaintextHome();
    const before = fingerprint(home);
    const terminal = openTerminal({ home, env: { MESA_VAULT_PASSPHRASE: 'not this one' } });
    const question = `Passphrase of the backup ${home.path}/keys.age:`;
    terminal.type('mesa auth restore keys.age\r');
    await terminal.answer(question, 'wrong');
    await terminal.answer(`Incorrect passphrase. ${question}`, 'wrong');
    await terminal.answer(`Incorrect passphrase. ${question}`, 'wrong');
    expect(await terminal.ended()).toBe(6);
    expect(terminal.screen()).toContain(`mesa: incorrect passphrase for the backup ${home.path}/keys.age`);
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('--dry-run', () => {
  it('shows the changes as data, and changes nothing', async () => {
    const home = await plaintextHome();
    const before = fingerprint(home);
    expect(await restore(home, ['keys.age', '--dry-run'])).toMatchObject({
      status: 0,
      stdout: TABLE,
      stderr: 'this would be restored into plaintext-file; nothing was changed\n',
    });
    expect((await restore(home, ['keys.age', '--dry-run', '--exact'])).stdout).toBe(
      TABLE.replace('-              keep', '-              remove'),
    );
    const { status, stdout, stderr } = await restore(home, ['keys.toml', '--dry-run', '--json'], {});
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      schema_version: 1,
      file: join(home.path, 'keys.toml'),
      backend: 'plaintext-file',
      keys: [
        {
          scope: 'orgs/acme',
          masked_present_key: 'mesa_****2222',
          masked_incoming_key: 'mesa_****1111',
          change: 'replace',
        },
        { scope: 'orgs/kept', change: 'keep', masked_incoming_key: null },
        { scope: 'orgs/lost', change: 'add', masked_present_key: null },
        { scope: 'orgs/same', change: 'same' },
      ],
      changes_unknown_fields: false,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('needs neither a store nor a configuration, and makes none', async () => {
    const home = createTempHome();
    home.write('keys.toml', BACKUP);
    const before = fingerprint(home);
    expect((await restore(home, ['keys.toml', '--dry-run'], {})).stdout).toMatch(/^orgs\/lost .* add$/m);
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('a store that cannot be read', () => {
  it.each([
    {
      title: 'a vault cut short',
      backend: 'encrypted-file',
      damage: (bytes: Buffer) => bytes.subarray(0, -1),
    },
    { title: 'an empty vault', backend: 'encrypted-file', damage: () => Buffer.alloc(0) },
    { title: 'something else than a vault', backend: 'encrypted-file', damage: () => Buffer.from('hello') },
    { title: 'a document that is none', backend: 'plaintext-file', damage: () => Buffer.from('version =') },
    { title: 'a document in Latin-1', backend: 'plaintext-file', damage: () => Buffer.from([0xe9]) },
  ] as const)('is replaced by what the hint says to type, and kept: $title', async ({ backend, damage }) => {
    const home = createTempHome();
    home.useBackend(backend);
    const store = backend === 'encrypted-file' ? home.vault : home.plaintext;
    const bytes = damage(Buffer.from(await sealDocument(PRESENT)));
    mkdirSync(home.dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(store, bytes, { mode: 0o600 });
    home.write('keys.age', await sealDocument(BACKUP));

    const refused = await restore(home, ['keys.age', '--yes']);
    expect(refused).toMatchObject({ status: 8, stdout: '' });
    const [, move = ''] = /(mv -i .*) && mesa auth restore "\$BACKUP"\n$/.exec(refused.stderr) ?? [];
    execFileSync('/bin/sh', ['-c', move]);
    expect(await restore(home, ['keys.age', '--yes'])).toMatchObject({ status: 0 });
    expect(readFileSync(`${store}.damaged`).equals(bytes)).toBe(true);
    expect((await runMesa(['auth', 'get-key', '--org', 'lost'], { home, env: UNLOCKED })).stdout).toBe(
      `${OLD}\n`,
    );
  });
});

describe('a backup that cannot be restored', () => {
  it.each([
    { title: 'not named', args: [], status: 2, message: 'no file was named' },
    { title: 'standard input', args: ['-'], status: 2, message: 'a backup is a file, never standard' },
    {
      title: 'the store itself',
      args: ['.local/share/mesa/secrets.plaintext.toml'],
      status: 2,
      message: '.* is the store itself',
    },
    {
      title: 'not there',
      args: ['none'],
      status: 1,
      message: 'cannot read ~/none: no such file or directory\nhint: name a file that exists and can be read',
    },
    { title: 'a directory', args: ['dir'], status: 8, message: '~/dir is not a file' },
    { title: 'empty', args: ['empty'], status: 8, message: '~/empty is no backup of mesa' },
    {
      title: 'another TOML file',
      args: ['other.toml'],
      status: 8,
      message: '~/other.toml is no backup of mesa',
    },
    {
      title: 'a text of another kind',
      args: ['passwd'],
      status: 8,
      message: '~/passwd is no backup of mesa',
    },
    { title: 'broken', args: ['broken.toml'], status: 8, message: 'the backup ~/broken.toml:2:1 is damaged' },
    { title: 'of a later version', args: ['later.toml'], status: 8, message: '~/later.toml has version 2' },
    {
      title: 'bytes of something else',
      args: ['binary'],
      status: 8,
      message: '~/binary is no backup of mesa',
    },
    { title: 'cut short', args: ['cut.age'], status: 8, message: 'the backup ~/cut.age is damaged' },
    { title: 'armored', args: ['armored.age'], status: 8, message: '~/armored.age is an armored age file' },
    { title: 'hostile', args: ['hostile.age'], status: 8, message: '.* asks for a work factor above 20' },
    {
      title: 'under another passphrase than the one in the environment',
      args: ['other.age'],
      status: 6,
      message:
        'incorrect passphrase for the backup ~/other.age\nhint: it has the passphrase of when it was made; ' +
        'to be asked for it, run this on a terminal without -y\n$',
    },
    {
      title: 'under a passphrase that nobody can be asked for',
      args: ['keys.age'],
      env: {},
      status: 6,
      message: 'the backup ~/keys.age needs its passphrase, and there is nobody to ask for it',
    },
    {
      title: 'to be shown in JSON only',
      args: ['keys.toml', '--json'],
      status: 2,
      message: '--json goes with',
    },
  ])(
    'is $title: status $status, and nothing is written',
    async ({ args, env = UNLOCKED, status, message }) => {
      const home = await plaintextHome();
      const vault = Buffer.from(await sealDocument(BACKUP));
      mkdirSync(join(home.path, 'dir'));
      home.write('empty', '');
      home.write('other.toml', '[secrets]\nbackend = "plaintext-file"\n');
      home.write('later.toml', documentOf({ global: OLD }, 2));
      home.write('passwd', 'root:x:0:0:root:/root:/bin/sh\n');
      home.write('broken.toml', 'version = 1\n]\n');
      home.write('binary', Buffer.from([0xff, 0xfe, 0, 1]));
      home.write('cut.age', vault.subarray(0, -1));
      home.write('armored.age', '-----BEGIN AGE ENCRYPTED FILE-----\n');
      home.write('hostile.age', vault.toString('latin1').replace(/(scrypt \S+) 10/, '$1 30'));
      home.write('other.age', await sealDocument(BACKUP, OTHER_PASSPHRASE));
      const before = fingerprint(home);
      const result = await restore(home, [...args, '--yes'], env);
      expect(result).toMatchObject({ status, stdout: '' });
      expect(result.stderr).toMatch(new RegExp(`^mesa: ${message.replaceAll('~', home.path)}`));
      expect(result.stderr).not.toMatch(/damaged &&|mesa_/);
      expect(fingerprint(home)).toEqual(before);
    },
  );
});
