import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { resolvePaths } from '../../../src/platform/paths.ts';

type Env = Record<string, string>;

const HOME = '/home/a';
const SYSTEM_CONFIG = '/etc/mesa/config.toml';
const HOME_CONFIG = '/home/a/.config/mesa/config.toml';

describe.each(['linux', 'darwin'] as const)('on %s', (platform) => {
  const resolve = (env: Env) => resolvePaths({ env, platform });

  it('keeps everything below HOME when no XDG variable is set', () => {
    expect(resolve({ HOME })).toEqual({
      home: '/home/a',
      dataHome: '/home/a/.local/share',
      dataBase: '/home/a',
      dataDir: '/home/a/.local/share/mesa',
      encryptedStore: '/home/a/.local/share/mesa/secrets.vault.age',
      plaintextStore: '/home/a/.local/share/mesa/secrets.plaintext.toml',
      lockFile: '/home/a/.local/share/mesa/.lock',
      useLog: '/home/a/.local/share/mesa/uses.log',
      olderUseLog: '/home/a/.local/share/mesa/uses.1.log',
      configFiles: [HOME_CONFIG, SYSTEM_CONFIG],
    });
  });

  it.each(['', '.', '..', 'data', './data', '~/data', '$HOME/data'])(
    'ignores XDG variables of the value %j',
    (value) => {
      expect(resolve({ HOME, XDG_DATA_HOME: value, XDG_CONFIG_HOME: value })).toEqual(resolve({ HOME }));
    },
  );

  it.each(['/home/a/', '/home//a', '/home/a/.', '/home/b/../a'])(
    'takes HOME=%s for the same directory',
    (home) => {
      expect(resolve({ HOME: home })).toEqual(resolve({ HOME }));
    },
  );

  it.each([
    ['', 'HOME is empty'],
    ['.', 'HOME is not an absolute path'],
    ['home/a', 'HOME is not an absolute path'],
    ['~', 'HOME is not an absolute path'],
  ])('refuses HOME=%j', (home, message) => {
    expect(() => resolve({ HOME: home })).toThrow(
      expect.objectContaining({ code: 'HOME_UNUSABLE', exitStatus: 3, message }),
    );
    // Not even a complete set of XDG variables makes up for it.
    expect(() => resolve({ HOME: home, XDG_DATA_HOME: '/x', XDG_CONFIG_HOME: '/y' })).toThrow(message);
  });

  it('asks the password database when HOME is not set at all', () => {
    expect(resolve({})).toEqual(resolve({ HOME: userInfo().homedir }));
  });
});

describe('absolute XDG variables', () => {
  const env = { HOME, XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: '/conf' };

  it('move the store and the first config file on Linux', () => {
    expect(resolvePaths({ env, platform: 'linux' })).toEqual({
      home: '/home/a',
      dataHome: '/data',
      dataBase: '/data',
      dataDir: '/data/mesa',
      encryptedStore: '/data/mesa/secrets.vault.age',
      plaintextStore: '/data/mesa/secrets.plaintext.toml',
      lockFile: '/data/mesa/.lock',
      useLog: '/data/mesa/uses.log',
      olderUseLog: '/data/mesa/uses.1.log',
      configFiles: ['/conf/mesa/config.toml', HOME_CONFIG, SYSTEM_CONFIG],
    });
  });

  it('mean nothing on macOS', () => {
    expect(resolvePaths({ env, platform: 'darwin' })).toEqual(
      resolvePaths({ env: { HOME }, platform: 'darwin' }),
    );
  });

  it.each([
    ['/home/a/data', '/home/a'],
    ['/home/a/.local/share/', '/home/a'],
    ['/home/a', '/home/a'],
    ['/home/ab/data', '/home/ab/data'],
    ['/home/a/../b', '/home/b'],
  ])('XDG_DATA_HOME=%s is trusted from %s on', (value, base) => {
    expect(resolvePaths({ env: { HOME, XDG_DATA_HOME: value }, platform: 'linux' }).dataBase).toBe(base);
  });
});

it('touches no disk', () => {
  const home = join(mkdtempSync(join(tmpdir(), 'mesa-test-')), 'home');
  try {
    resolvePaths({ env: { HOME: home, XDG_DATA_HOME: join(home, 'data') }, platform: 'linux' });
    expect(existsSync(home)).toBe(false);
  } finally {
    rmSync(dirname(home), { recursive: true });
  }
});

it.runIf(process.platform === 'linux')(
  'agrees with the package env-paths about absolute XDG directories',
  () => {
    const env = { HOME, XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: '/conf' };
    const script = `
    import envPaths from 'env-paths';
    process.stdout.write(JSON.stringify(envPaths('mesa', { suffix: '' })));
  `;
    // A process of its own: the package reads the environment when it is imported.
    const theirs = JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '--eval', script], { env, encoding: 'utf8' }),
    ) as { data: string; config: string };
    const ours = resolvePaths({ env, platform: 'linux' });
    expect(ours.dataDir).toBe(theirs.data);
    expect(dirname(ours.configFiles[0])).toBe(theirs.config);
  },
);
