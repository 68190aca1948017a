import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/config/config-file.ts';
import type { Config } from '../../../src/config/config.ts';
import { createTempHome } from '../../support/temp-home.ts';

/** Loads `content` as the only config file there is; `FILE` in what is expected stands for its path. */
async function load(content: string | Uint8Array): Promise<{ config: Promise<Config>; file: string }> {
  const file = createTempHome().write('.config/mesa/config.toml', content);
  const config = loadConfig(undefined, [file]);
  await config.catch(() => undefined);
  return { config, file };
}

describe('a config file', () => {
  it.each<[string, string, Partial<Config>]>([
    ['that is empty gives the defaults', '', { backend: 'encrypted-file', apiUrl: 'https://api.mesa.dev' }],
    ['names the backend', '[secrets]\nbackend = "plaintext-file"\n', { backend: 'plaintext-file' }],
    ['names it inline', 'secrets = { backend = "plaintext-file" } # c\n', { backend: 'plaintext-file' }],
    ['names it dotted', "secrets.backend = 'plaintext-file'", { backend: 'plaintext-file' }],
    ['turns the log of uses off', '[secrets]\naudit = false\n', { audit: false }],
    ['keeps a vault unlocked', '[secrets]\nunlock-timeout = "1h30m"\n', { unlockTimeout: 5_400_000 }],
    ['has CRLF', '# c\r\n[secrets] # c\r\nbackend = "plaintext-file"\r\n', { backend: 'plaintext-file' }],
    ['has a BOM', '\ufeff[secrets]\nbackend = "plaintext-file"\n', { backend: 'plaintext-file' }],
    [
      'names the service',
      'service-domain = "Mesa.example:8443"\n',
      { apiUrl: 'https://api.mesa.example:8443', serviceDomain: 'Mesa.example:8443' },
    ],
    [
      'names the API by its URL',
      'service-domain = "mesa.example"\napi-url = "http://127.0.0.1:4477/v1"\n',
      { apiUrl: 'http://127.0.0.1:4477' },
    ],
    [
      'is shared with other programs',
      '[other]\nlist = [1, "a", { b = 2 }]\n[[x]]\nd = 2026-11-21\n[secrets]\nfuture = true\n',
      { backend: 'encrypted-file', unknownSettings: [{ name: 'future', line: 6, meant: undefined }] },
    ],
    [
      'has names that are written otherwise, or with a slip, and one that a newer version knows',
      '[secrets]\naudt = false\nunlock_timeout = "15m"\nBackend = "plaintext-file"\nmirror = "x"\norg = "acme"\nkeep-replaced = "7d"\n',
      {
        unknownSettings: [
          { name: 'audt', line: 2, meant: 'audit' },
          { name: 'unlock_timeout', line: 3, meant: 'unlock-timeout' },
          { name: 'Backend', line: 4, meant: 'backend' },
          { name: 'mirror', line: 5, meant: undefined },
        ],
      },
    ],
    [
      'has tables with the names of object members',
      '[__proto__]\nbackend = "plaintext-file"\n[constructor.prototype]\nbackend = "plaintext-file"\n[secrets]\n',
      { backend: 'encrypted-file' },
    ],
    [
      'from before there was a store tells whose keys it holds',
      '[organizations.acme]\napi-key = "mesa_secret"\n[organizations.other]\nx = 1\n[organizations."b c"]\napi-key = ""\n',
      { legacyKeyOrgs: ['acme', 'b c'] },
    ],
  ])('%s', async (_, content, expected) => {
    const { config, file } = await load(content);
    expect(await config).toEqual({
      backend: 'encrypted-file',
      audit: true,
      apiUrl: 'https://api.mesa.dev',
      serviceDomain: undefined,
      unlockTimeout: undefined,
      unknownSettings: [],
      legacyKeyOrgs: [],
      ...expected,
      file,
    });
  });

  it.each([
    [
      'an unknown backend',
      '# c\n[secrets]\nbackend = "keychain"\n',
      "unknown secrets backend 'keychain' in FILE:3; expected encrypted-file or plaintext-file",
    ],
    [
      'an unknown backend, dotted, behind CRLF',
      '# c\r\n\r\nsecrets.backend = "keychain" # c\r\n',
      "unknown secrets backend 'keychain' in FILE:3; expected encrypted-file or plaintext-file",
    ],
    [
      'an unknown backend, inline, behind a BOM',
      '\ufeffsecrets = { backend = "" }\n',
      "unknown secrets backend '' in FILE:1; expected encrypted-file or plaintext-file",
    ],
    [
      'a backend that could drive a terminal',
      '[secrets]\nbackend = "\\u001b[2J"\n',
      "unknown secrets backend '\\u{1b}[2J' in FILE:2; expected encrypted-file or plaintext-file",
    ],
    [
      'a backend of another case',
      '[secrets]\nbackend = "Plaintext-File"\n',
      "unknown secrets backend 'Plaintext-File'",
    ],
    [
      'a backend that is no string',
      '[secrets]\n\nbackend = 5\n',
      'secrets.backend in FILE:3 is not a string',
    ],
    ...['15', '0m', '13h', '-5m', ''].map((time): [string, string, string] => [
      `an unlock-timeout of '${time}'`,
      `[secrets]\nunlock-timeout = "${time}"\n`,
      'secrets.unlock-timeout in FILE:2 is not a time up to 12h, as in 15m',
    ]),
    [
      'an unlock-timeout that is a number',
      'secrets.unlock-timeout = 15',
      'secrets.unlock-timeout in FILE:1 is not a string',
    ],
    ['a backend that is a list', '[secrets]\nbackend = ["x"]\n', 'secrets.backend in FILE:2 is not a string'],
    ['secrets that are no table', 'a = 1\nsecrets = "mesa_secret"\n', 'secrets in FILE:2 is not a table'],
    ['secrets that are many tables', '[[secrets]]\nbackend = "x"\n', 'secrets in FILE is not a table'],
    ['a domain that is no string', 'service-domain = 1\n', 'service-domain in FILE:1 is not a string'],
    [
      'a domain that is a URL',
      '\nservice-domain = "https://x/"\n',
      'service-domain in FILE:2 is not a host name',
    ],
    [
      'an API without https',
      '\napi-url = "http://api.mesa.dev"\n',
      'api-url in FILE:2 is not an https URL of a host (http only for 127.0.0.1 and localhost)',
    ],
    ['an API that is no string', 'api-url = 1\n', 'api-url in FILE:1 is not a string'],
    ['an empty domain', 'service-domain = ""\n', 'service-domain in FILE:1 is not a host name'],
    ['a domain with a user', 'service-domain = "a@b"\n', 'service-domain in FILE:1 is not a host name'],
    [
      'a domain with a line break',
      'service-domain = "a\\nb"\n',
      'service-domain in FILE:1 is not a host name',
    ],
  ])('with %s is refused with its line', async (_, content, message) => {
    const { config, file } = await load(content);
    await expect(config).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      exitStatus: 3,
      message: expect.stringContaining(message.replace('FILE', file)),
    });
  });

  it.each([
    ['a bare value', '[secrets]\nbackend = mesa_secret\n', 2, 11],
    ['a string without end', 'x = 1\n[organizations.acme]\napi-key = "mesa_secret\n', 3, 23],
    ['a duplicate', 'a = "mesa_secret"\r\na = "mesa_secret"\r\n', 2, 1],
    ['an impossible date', '\n\na = 2026-13-01\n', 3, 14],
    ['an unknown escape', 'a = "\\mesa_secret"\n', 1, 7],
    ['a NUL', 'a = 1\n\u0000\n', 2, 1],
    ['nesting without end', `a = ${'['.repeat(50_000)}\n`, 2, 1],
  ])('with %s is refused with line and column, and none of its text', async (_, content, line, column) => {
    const { config, file } = await load(content);
    await expect(config).rejects.toMatchObject({
      code: 'CONFIG_SYNTAX',
      exitStatus: 3,
      message: `${file}:${line}:${column}: invalid TOML`,
      hint: 'mend that line, or use another file with --config-path',
    });
  });
});

describe('the search', () => {
  it('takes the first file that exists, even an empty one', async () => {
    const home = createTempHome();
    const empty = home.write('b/config.toml', '');
    const other = home.write('c/config.toml', '[secrets]\nbackend = "plaintext-file"\n');
    const config = await loadConfig(undefined, [join(home.path, 'a/config.toml'), empty, other]);
    expect(config).toMatchObject({ file: empty, backend: 'encrypted-file' });
  });

  it('gives the defaults without a file when there is none, and makes none', async () => {
    const home = createTempHome();
    const below = join(home.write('file', ''), 'mesa/config.toml');
    expect(await loadConfig(undefined, [home.config, below])).toMatchObject({
      file: undefined,
      backend: 'encrypted-file',
    });
    expect(home.tree()).toEqual(['file']);
  });

  it('looks nowhere else when a path is given, and says when it is not there', async () => {
    const home = createTempHome();
    const other = home.write('other.toml', '[secrets]\nbackend = "plaintext-file"\n');
    home.useBackend('encrypted-file');
    expect(await loadConfig(other, [home.config])).toMatchObject({ file: other, backend: 'plaintext-file' });
    const missing = join(home.path, 'not there.toml');
    await expect(loadConfig(missing, [home.config])).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      exitStatus: 3,
      message: `there is no config file ${missing}`,
      hint: `mesa --config-path '${missing}' init`,
    });
  });

  it('follows a symbolic link', async () => {
    const home = createTempHome();
    const target = home.write('dotfiles/mesa.toml', '[secrets]\nbackend = "plaintext-file"\n');
    home.write('.config/mesa/x', '');
    symlinkSync(target, home.config);
    expect(await loadConfig(undefined, [home.config])).toMatchObject({
      file: home.config,
      backend: 'plaintext-file',
    });
  });

  it.each<[string, string, (file: string) => void]>([
    ['a dangling link', 'the link leads nowhere', (file) => symlinkSync('nowhere.toml', file)],
    ['a link to itself', 'too many levels of symbolic links', (file) => symlinkSync(file, file)],
    ['a directory', 'it is not a regular file', (file) => mkdirSync(file)],
    ['a FIFO', 'it is not a regular file', (file) => execFileSync('mkfifo', [file])],
  ])('does not pass over %s', async (_, reason, make) => {
    const home = createTempHome();
    home.write('.config/mesa/x', '');
    make(home.config);
    const next = home.write('next.toml', '[secrets]\nbackend = "plaintext-file"\n');
    await expect(loadConfig(undefined, [home.config, next])).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      exitStatus: 3,
      message: `cannot read ${home.config}: ${reason}`,
    });
  });

  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x61, 0x3d, 0xff, 0xfe]), 'it is not UTF-8 text'],
    ['more than a megabyte', Buffer.alloc(1024 * 1024 + 1, '#'), 'it is larger than 1 MiB'],
  ])('does not pass over %s', async (_, content, reason) => {
    const { config, file } = await load(content);
    await expect(config).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `cannot read ${file}: ${reason}`,
    });
  });
});
