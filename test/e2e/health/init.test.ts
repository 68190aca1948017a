import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CAN_MOUNT, OBEYING_MODES, withMounts } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writeVault } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const NEW_FILE =
  '# Configuration of mesa. Keys live in the secret store, never in this file.\n\n[secrets]\nbackend = "BACKEND"\n';
const PLAINTEXT = ['init', '-y', '--backend', 'plaintext-file'];

describe('init -y', () => {
  it.each([
    { args: ['init', '-y'], backend: 'encrypted-file' },
    { args: ['-y', 'init', '--backend', 'plaintext-file'], backend: 'plaintext-file' },
  ])('writes a config file of its own: $args', async ({ args, backend }) => {
    const home = createTempHome();
    expect(await runMesa(args, { home, env: { MESA_ORGS: 'acme:mesa_notForInit0000' } })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: `saved in ${home.config}: keys are kept in ${backend}\n`,
    });
    expect(readFileSync(home.config, 'utf8')).toBe(NEW_FILE.replace('BACKEND', backend));
    expect(statSync(home.config).mode & 0o777).toBe(0o600);
    // No store: nobody gave a key, or a passphrase.
    expect(home.tree().filter((name) => name.includes('secrets'))).toEqual([]);
  });

  it.each([
    {
      title: 'XDG_CONFIG_HOME',
      args: [],
      env: { XDG_CONFIG_HOME: 'HOME/xdg' },
      file: 'xdg/mesa/config.toml',
    },
    { title: '-c', args: ['-c', 'new/dir/my config.toml'], env: {}, file: 'new/dir/my config.toml' },
  ])('writes where $title says', async ({ args, env, file }) => {
    const home = createTempHome();
    const absolute = Object.entries(env).map(([name, value]) => [name, value.replace('HOME', home.path)]);
    const result = await runMesa([...PLAINTEXT, ...args], { home, env: Object.fromEntries(absolute) });
    expect(result.stderr).toBe(`saved in ${home.path}/${file}: keys are kept in plaintext-file\n`);
    expect(readFileSync(join(home.path, file), 'utf8')).toContain('plaintext-file');
    expect(home.tree().filter((name) => name.endsWith('config.toml'))).toEqual([file]);
  });

  it.each([
    {
      title: 'a value with a comment',
      before:
        '# top\n\n[mount]\nat = "/x"   # kept\n\n[secrets]   # mine\n# why\nbackend   =   "encrypted-file" # for now\n\n\n[z]\n',
      change: ['"encrypted-file"', '"plaintext-file"'],
    },
    {
      title: 'a literal string and CRLF',
      before: "[secrets]\r\nunlock-timeout = '5m'\r\nbackend = 'encrypted-file'\r\n\r\n[a]\r\n",
      change: ["'encrypted-file'", '"plaintext-file"'],
    },
    {
      title: 'a table without the value',
      before: '[a]\nb = 1\n\n[secrets] # mine\n# first comment\nunlock-timeout = "5m"\n\n[z]\n',
      change: ['[secrets] # mine\n', '[secrets] # mine\nbackend = "plaintext-file"\n'],
    },
    {
      title: 'a table at the very end',
      before: '[a]\nb = 1\n[secrets]',
      change: ['[secrets]', '[secrets]\nbackend = "plaintext-file"\n'],
    },
    {
      title: 'an inline table',
      before: 'secrets = { unlock-timeout = "5m" } # mine\n',
      change: ['{ unlock', '{ backend = "plaintext-file", unlock'],
    },
    {
      title: 'an inline table with the value',
      before: 'secrets = { unlock-timeout = "5m", backend = "encrypted-file" }\n',
      change: ['"encrypted-file"', '"plaintext-file"'],
    },
    {
      title: 'dotted keys',
      before: '# top\nsecrets.unlock-timeout = "5m"\n[a]\n',
      change: ['secrets.unlock', 'secrets.backend = "plaintext-file"\nsecrets.unlock'],
    },
    {
      title: 'a sub-table only',
      before: '[secrets.other]\nx = 1\n',
      change: ['x = 1\n', 'x = 1\n\n[secrets]\nbackend = "plaintext-file"\n'],
    },
    {
      title: 'other tables, one of them like ours, and text like ours',
      before:
        'x = """\n[secrets]\nbackend = "encrypted-file"\n"""\n[other.secrets]\nbackend = "encrypted-file"\n',
      change: [
        '[other.secrets]\nbackend = "encrypted-file"\n',
        '[other.secrets]\nbackend = "encrypted-file"\n\n[secrets]\nbackend = "plaintext-file"\n',
      ],
    },
    { title: 'nothing', before: '', change: ['', '[secrets]\nbackend = "plaintext-file"\n'] },
  ])('keeps every other byte of a config with $title', async ({ before, change: [from = '', to = ''] }) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', before);
    expect(await runMesa(PLAINTEXT, { home })).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(home.config, 'utf8')).toBe(before.replace(from, () => to));
    // And what was written is what is read.
    expect((await runMesa(['auth', 'list'], { home })).stderr).toContain('no keys in plaintext-file');
  });

  it.each([['init', '-y'], PLAINTEXT])(
    'does not write what is there already: %s %s %s %s',
    async (...args) => {
      const home = createTempHome();
      home.write('.config/mesa/config.toml', "secrets.backend = 'plaintext-file'\n");
      const { ino, mtimeNs } = statSync(home.config, { bigint: true });
      const words = args.filter((word) => word !== undefined);
      expect((await runMesa(words, { home })).stderr).toBe(
        `saved in ${home.config}: keys are kept in plaintext-file\n`,
      );
      expect(statSync(home.config, { bigint: true })).toMatchObject({ ino, mtimeNs });
    },
  );

  it('follows a link and keeps it, and keeps the mode of what it leads to', async () => {
    const home = createTempHome();
    const target = home.write('dotfiles/mesa.toml', '# shared\n');
    chmodSync(target, 0o644);
    mkdirSync(join(home.path, '.config/mesa'), { recursive: true });
    symlinkSync('../../dotfiles/mesa.toml', home.config);
    expect(await runMesa(PLAINTEXT, { home })).toMatchObject({ status: 0 });
    expect(lstatSync(home.config).isSymbolicLink()).toBe(true);
    expect(readlinkSync(home.config)).toBe('../../dotfiles/mesa.toml');
    expect(readFileSync(target, 'utf8')).toBe('# shared\n\n[secrets]\nbackend = "plaintext-file"\n');
    expect(statSync(target).mode & 0o777).toBe(0o644);
  });

  it('mends a backend that there is not, when it is told another', async () => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', '# mine\n[secrets]\nbackend = "keychain" # gone\n');
    expect((await runMesa(['init', '-y'], { home })).status).toBe(3);
    expect((await runMesa(PLAINTEXT, { home })).status).toBe(0);
    expect(readFileSync(home.config, 'utf8')).toBe('# mine\n[secrets]\nbackend = "plaintext-file" # gone\n');
  });

  it('leaves a config alone that it cannot parse', async () => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', '[secrets\nbackend = "s3cret"\n');
    const before = fingerprint(home);
    const result = await runMesa(PLAINTEXT, { home });
    expect(result).toMatchObject({ status: 3, stdout: '' });
    expect(result.stderr).toContain(`${home.config}:1:9: invalid TOML`);
    expect(result.stderr).not.toContain('s3cret');
    expect(fingerprint(home)).toEqual(before);
  });

  it('does not touch a vault, and needs no passphrase for it', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({ global: 'mesa_global0000000011aa' }));
    const before = readFileSync(home.vault);
    expect((await runMesa(PLAINTEXT, { home })).status).toBe(0);
    expect((await runMesa(['init', '-y', '--backend', 'encrypted-file'], { home })).status).toBe(0);
    expect(readFileSync(home.vault).equals(before)).toBe(true);
    expect((await runMesa(['auth', 'get-key'], { home, env: UNLOCKED })).stdout).toBe(
      'mesa_global0000000011aa\n',
    );
  });

  it('says what a path holds without letting it write on the terminal', async () => {
    const home = createTempHome();
    const result = await runMesa([...PLAINTEXT, '-c', 'a\u001b]0;title\u0007\u202eb.toml'], { home });
    expect(result.stderr).toBe(
      `saved in ${home.path}/a\\u{1b}]0;title\\u{7}\\u{202e}b.toml: keys are kept in plaintext-file\n`,
    );
  });

  it('says why it cannot write, and leaves nothing behind', async () => {
    const home = createTempHome();
    mkdirSync(join(home.path, '.config'));
    chmodSync(join(home.path, '.config'), 0o500);
    const result = await runMesa(PLAINTEXT, { home, under: OBEYING_MODES });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toBe(
      `mesa: cannot create ${home.path}/.config/mesa: permission denied\nhint: make ${home.path}/.config writable for you\n`,
    );
    expect(home.tree().filter((name) => name.startsWith('.config'))).toEqual(['.config/']);
  });
});

describe('init without a terminal and without -y', () => {
  it.each([
    { args: ['init'], hint: 'mesa init -y' },
    { args: ['init', '--backend', 'plaintext-file'], hint: 'mesa init -y --backend plaintext-file' },
  ])('asks nothing, writes nothing and names the way out: $args', async ({ args, hint }) => {
    const home = createTempHome();
    expect(await runMesa(args, { home })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `mesa: init asks questions, and there is no terminal to ask on\nhint: ${hint}\n`,
    });
    expect(home.tree()).toEqual([]);
  });

  it('refuses a backend that there is not', async () => {
    const home = createTempHome();
    expect(await runMesa(['init', '-y', '--backend', 'keychain'], { home })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: "mesa: unknown secrets backend 'keychain'; expected encrypted-file or plaintext-file\n",
    });
    expect(home.tree()).toEqual([]);
  });
});

describe('the first run of another command', () => {
  it('writes no config without a terminal, and the defaults hold', async () => {
    const home = createTempHome();
    const result = await runMesa(['auth', 'list'], { home });
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(result.stderr).toContain('no keys in encrypted-file');
    expect(home.tree()).toEqual([]);
  });

  it('writes the default config with -y, once, and goes on', async () => {
    const home = createTempHome();
    expect(await runMesa(['auth', 'list', '--json', '-y'], { home })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(readFileSync(home.config, 'utf8')).toBe(NEW_FILE.replace('BACKEND', 'encrypted-file'));
    const before = fingerprint(home);
    expect((await runMesa(['auth', 'list', '-y'], { home })).status).toBe(0);
    expect(fingerprint(home)).toEqual(before);
  });

  it('goes on with -y where the default config cannot be saved, and says so', async () => {
    const home = createTempHome();
    chmodSync(home.path, 0o500);
    const result = await runMesa(['auth', 'list', '-y'], { home, under: OBEYING_MODES });
    chmodSync(home.path, 0o700);
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(result.stderr).toBe(
      `mesa: warning: the default configuration was not saved: cannot create ${home.path}/.local: permission denied\n` +
        'no keys in encrypted-file\nhint: mesa auth set-key --org ORG\n',
    );
    expect(home.tree()).toEqual([]);
  });

  it.runIf(CAN_MOUNT)('says that a read-only file system is one', async () => {
    const home = createTempHome();
    const under = withMounts(
      `mount --bind '${home.path}' '${home.path}'; mount -o remount,bind,ro '${home.path}'`,
    );
    const result = await runMesa(PLAINTEXT, { home, under });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toBe(`mesa: cannot create ${home.path}/.local: the file system is read-only\n`);
  });
});
