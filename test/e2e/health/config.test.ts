import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CAN_MOUNT, OBEYING_MODES, withMounts } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const PLAINTEXT = '[secrets]\nbackend = "plaintext-file"\n';
const ENCRYPTED = '[secrets]\nbackend = "encrypted-file"\n';
const SECRET = 'mesa_s3cretInTheConfig9f2c';
const EVERY_COMMAND = [['list'], ['get-key'], ['set-key', 'mesa_theKeyOfTheArgument'], ['rm-key']];

/** Which backend a command used. */
async function backendOf(home: TempHome, env: Record<string, string> = {}, cwd?: string): Promise<string> {
  const options = { home, env, ...(cwd === undefined ? {} : { cwd }) };
  const result = await runMesa(['auth', 'list', '--json'], options);
  return (JSON.parse(result.stdout) as { backend: string }).backend;
}

describe('the search for config.toml', () => {
  it('asks XDG_CONFIG_HOME, then the home directory, then /etc, and nowhere else', async () => {
    const home = createTempHome();
    const trace = join(home.path, 'trace');
    const xdg = join(home.path, 'xdg');
    const result = await runMesa(['auth', 'list'], {
      home,
      env: { XDG_CONFIG_HOME: xdg },
      under: ['strace', '-f', '-qq', '-s', '4096', '-o', trace, '-e', 'trace=open,openat', '--'],
    });
    expect(result.status).toBe(0);
    const opened = readFileSync(trace, 'utf8').matchAll(/open(?:at)?\(.*?"([^"]*\.toml)"/g);
    expect(Array.from(opened, ([, path]) => path)).toEqual([
      join(xdg, 'mesa/config.toml'),
      home.config,
      '/etc/mesa/config.toml',
    ]);
  });

  it('takes the first that exists', async () => {
    const home = createTempHome();
    const env = { XDG_CONFIG_HOME: join(home.path, 'xdg') };
    expect(await backendOf(home, env)).toBe('encrypted-file');
    home.write('.config/mesa/config.toml', PLAINTEXT);
    expect(await backendOf(home, env)).toBe('plaintext-file');
    home.write('xdg/mesa/config.toml', ENCRYPTED);
    expect(await backendOf(home, env)).toBe('encrypted-file');
  });

  it.runIf(CAN_MOUNT)('reads the one in /etc when there is no other', async () => {
    const home = createTempHome();
    const under = withMounts(`mount -t tmpfs none /etc; mkdir /etc/mesa
      printf '[secrets]\\nbackend = "plaintext-file"\\n' >/etc/mesa/config.toml`);
    const result = await runMesa(['auth', 'list', '--json'], { home, under });
    expect(JSON.parse(result.stdout)).toMatchObject({ backend: 'plaintext-file' });
  });

  it.each(['', '.', 'relative', './relative'])('takes XDG_CONFIG_HOME=%j for unset', async (value) => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    // Somebody else's checkout, prepared to be found by a relative path.
    for (const trap of ['mesa', 'relative/mesa']) {
      home.write(`checkout/${trap}/config.toml`, 'broken');
    }
    const cwd = join(home.path, 'checkout');
    expect(await backendOf(home, { XDG_CONFIG_HOME: value }, cwd)).toBe('plaintext-file');
  });

  it('passes over a place that cannot hold a file', async () => {
    const home = createTempHome();
    home.write('.config', 'a file, not a directory');
    expect(await backendOf(home)).toBe('encrypted-file');
  });
});

describe('a config.toml that cannot be used', () => {
  it.each([
    { title: 'a word alone', text: `# fine\n\n  ${SECRET}\n\n[x]\n`, at: '3:29' },
    { title: 'an open string', text: `api-key = "${SECRET}\n`, at: '1:38' },
    { title: 'an open table', text: `[organizations.acme\napi-key = "${SECRET}"\n`, at: '1:20' },
    {
      title: 'a key twice',
      text: `[secrets]\nbackend = "plaintext-file"\nbackend = "${SECRET}"\n`,
      at: '3:1',
    },
    { title: 'a table twice', text: `[a]\nk = "${SECRET}"\n[a]\n`, at: '3:2' },
    { title: 'a control character', text: `k = "${SECRET}\u0007"\n`, at: '1:32' },
  ])('is named with line and column, never with its text: $title', async ({ text, at }) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', text);
    const before = fingerprint(home);
    for (const command of EVERY_COMMAND) {
      const env = { MESA_DEBUG: '1', MESA_VAULT_PASSPHRASE: 'some passphrase' };
      const result = await runMesa(['auth', ...command], { home, env });
      expect(result).toMatchObject({ status: 3, stdout: '' });
      const [first, hint] = result.stderr.split('\n');
      expect(first).toBe(`mesa: ${home.config}:${at}: invalid TOML`);
      expect(hint).toBe('hint: mend that line, or use another file with --config-path');
      expect(result.stderr).not.toContain('s3cret');
    }
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    {
      text: '# a comment\n\n[secrets]\nbackend = "keychain"\n',
      message: "unknown secrets backend 'keychain' in FILE:4; expected encrypted-file or plaintext-file",
    },
    {
      text: 'secrets = { backend = "Encrypted-File" }\n',
      message:
        "unknown secrets backend 'Encrypted-File' in FILE:1; expected encrypted-file or plaintext-file",
    },
    {
      text: '[secrets]\nbackend = ""\n',
      message: "unknown secrets backend '' in FILE:2; expected encrypted-file or plaintext-file",
    },
    {
      text: '[secrets]\nbackend = "a\\u001b[31m\\u202Eb"\n',
      message:
        "unknown secrets backend 'a\\u{1b}[31m\\u{202e}b' in FILE:2; expected encrypted-file or plaintext-file",
    },
    { text: `[secrets]\nbackend = ["${SECRET}"]\n`, message: 'secrets.backend in FILE:2 is not a string' },
    { text: `\nsecrets = "${SECRET}"\n`, message: 'secrets in FILE:2 is not a table' },
    { text: 'service-domain = 1\n', message: 'service-domain in FILE:1 is not a string' },
    {
      text: `service-domain = "https://${SECRET}"\n`,
      message: 'service-domain in FILE:1 is not a host name',
    },
  ])('is refused with file and line: $message', async ({ text, message }) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', text);
    for (const command of EVERY_COMMAND) {
      expect(await runMesa(['auth', ...command], { home })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `mesa: ${message.replace('FILE', home.config)}\nhint: mend that line${
          /^(?:service-domain|secrets in)/.test(message) ? '' : ', or: mesa init --backend encrypted-file'
        }\n`,
      });
    }
    expect(home.tree()).not.toContain('.local/');
  });

  it.each([
    { title: 'a directory', make: (path: string) => mkdirSync(path), reason: 'it is not a regular file' },
    {
      title: 'a FIFO',
      make: (path: string) => execFileSync('mkfifo', [path]),
      reason: 'it is not a regular file',
    },
    {
      title: 'a device',
      make: (path: string) => symlinkSync('/dev/zero', path),
      reason: 'it is not a regular file',
    },
    {
      title: 'a link to nothing',
      make: (path: string) => symlinkSync('nothing', path),
      reason: 'the link leads nowhere',
    },
    {
      title: 'a link to itself',
      make: (path: string) => symlinkSync('config.toml', path),
      reason: 'too many levels of symbolic links',
    },
  ])('is an error, not an absent one: $title', async ({ make, reason }) => {
    const home = createTempHome();
    mkdirSync(join(home.path, '.config/mesa'), { recursive: true });
    make(home.config);
    for (const args of [
      ['auth', 'list'],
      ['init', '-y'],
      ['-c', home.config, 'auth', 'list'],
    ]) {
      expect(await runMesa(args, { home })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `mesa: cannot read ${home.config}: ${reason}\nhint: mend it, or use another file with --config-path\n`,
      });
    }
    expect(home.tree()).not.toContain('.local/');
  });

  it.each([
    { title: 'a mode that forbids reading', content: PLAINTEXT, mode: 0o000, reason: 'permission denied' },
    {
      title: 'Latin-1',
      content: Buffer.from('# caf\u00e9\n', 'latin1'),
      mode: 0o600,
      reason: 'it is not UTF-8 text',
    },
    {
      title: 'more than 1 MiB',
      content: '#'.repeat(2 ** 20 + 1),
      mode: 0o600,
      reason: 'it is larger than 1 MiB',
    },
    {
      title: 'a mode that lets everybody write',
      content: PLAINTEXT,
      mode: 0o606,
      reason: 'other users can write it',
      hint: 'chmod go-w FILE, and check what it says',
    },
  ])('is an error for $title', async ({ content, mode, reason, hint }) => {
    const home = createTempHome();
    chmodSync(home.write('.config/mesa/config.toml', content), mode);
    expect(await runMesa(['auth', 'list'], { home, under: OBEYING_MODES })).toMatchObject({
      status: 3,
      stdout: '',
      stderr: `mesa: cannot read ${home.config}: ${reason}\nhint: ${
        hint?.replace('FILE', home.config) ?? 'mend it, or use another file with --config-path'
      }\n`,
    });
  });
});

describe('a config.toml that is shared', () => {
  it.each([
    { title: 'a byte order mark', text: `\ufeff${PLAINTEXT}` },
    { title: 'CRLF line ends', text: PLAINTEXT.replaceAll('\n', '\r\n') },
    { title: 'dotted keys', text: 'secrets.backend = "plaintext-file"\n' },
    { title: 'an inline table', text: 'secrets = { backend = "plaintext-file", unlock-timeout = "15m" }\n' },
    { title: 'a literal string', text: "[ secrets ]\n  backend='plaintext-file' # why\n" },
    {
      title: 'tables of other programs',
      text: `[mount]\npoints = [1, 2.5, 1979-05-27, { a = 0x1F }]\n\n[[x.y]]\nn = """\nmany\nlines"""\n\n${PLAINTEXT}`,
    },
  ])('is read with $title', async ({ text }) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', text);
    expect(await backendOf(home)).toBe('plaintext-file');
  });

  it('may be a link, and may be readable by everybody', async () => {
    const home = createTempHome();
    chmodSync(home.write('dotfiles/mesa.toml', PLAINTEXT), 0o644);
    mkdirSync(join(home.path, '.config/mesa'), { recursive: true });
    symlinkSync('../../dotfiles/mesa.toml', home.config);
    const before = fingerprint(home);
    const result = await runMesa(['auth', 'list', '--json'], { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain('"plaintext-file"');
    expect(fingerprint(home)).toEqual(before);
  });

  it('may still hold keys from before there was a store: they are reported and never used or shown', async () => {
    const home = createTempHome();
    home.write(
      '.config/mesa/config.toml',
      `${PLAINTEXT}\n[organizations.acme]\napi-key = "${SECRET}"\n\n[organizations.other]\nname = "x"\n`,
    );
    home.write('.local/share/mesa/secrets.plaintext.toml', documentOf({}));
    const before = fingerprint(home);
    const warning =
      `mesa: warning: ${home.config} holds a key for organization 'acme' in plain text; it is not used\n` +
      'hint: what to do: mesa auth doctor\n';
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home })).toMatchObject({
      status: 4,
      stdout: '',
      stderr: `${warning}mesa: no API key found in the secret store for organization 'acme'\nhint: mesa auth set-key --org acme\n`,
    });
    const list = await runMesa(['auth', 'list', '--json'], { home, env: { MESA_DEBUG: '1' } });
    expect(list).toMatchObject({ status: 0, stderr: warning });
    expect(list.stdout).not.toContain('s3cret');
    expect(fingerprint(home)).toEqual(before);
  });
});
