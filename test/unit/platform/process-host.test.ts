import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { Directories } from '../../../src/platform/host.ts';
import { processHost, resolvePaths } from '../../../src/platform/process-host.ts';

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

describe('what env-paths found', () => {
  const env = { HOME, XDG_DATA_HOME: '/data', XDG_CONFIG_HOME: '/conf' };
  const resolve = (directories: Directories | undefined) =>
    resolvePaths({ env, platform: 'linux', directories });

  it('is taken before the variables are looked at', () => {
    const paths = resolve({ data: '/found/share/mesa', config: '/found/etc/mesa' });
    expect(paths).toMatchObject({
      home: HOME,
      dataHome: '/found/share',
      dataBase: '/found/share',
      encryptedStore: '/found/share/mesa/secrets.vault.age',
      configFiles: ['/found/etc/mesa/config.toml', HOME_CONFIG, SYSTEM_CONFIG],
    });
    expect(JSON.stringify(paths)).not.toMatch(/\/data\/|\/conf\//);
  });

  it('is not taken when it is relative', () => {
    expect(resolve({ data: 'share/mesa', config: '../mesa' })).toEqual(resolve(undefined));
  });

  it('does not make up for a HOME that cannot be used', () => {
    const directories = { data: '/found/share/mesa', config: '/found/etc/mesa' };
    expect(() => resolvePaths({ env: { HOME: '.' }, platform: 'linux', directories })).toThrow(
      'HOME is not an absolute path',
    );
  });

  it.each([HOME, '/', '/home//a/', '/home/b/../a/.'])(
    'is what the rules of mesa say, with HOME=%s and any value of the XDG variables',
    (home) => {
      const values = [
        '',
        '.',
        '..',
        'data',
        '~/data',
        HOME,
        `${HOME}/.config`,
        '/data',
        '/data/../x//',
        '/',
        '/etc',
      ];
      const environments = values.flatMap((data) =>
        values.map((config) => ({ HOME: home, XDG_DATA_HOME: data, XDG_CONFIG_HOME: config })),
      );
      const found = askEnvPaths([{ HOME: home }, ...environments]);
      [{ HOME: home }, ...environments].forEach((environment, index) => {
        const ours = resolvePaths({ env: environment, platform: 'linux' });
        expect(resolvePaths({ env: environment, platform: 'linux', directories: found[index] })).toEqual(
          ours,
        );
        expect(found[index]?.data.startsWith('/') !== true || found[index].data === ours.dataDir).toBe(true);
      });
      expect(found.filter(({ data }) => data.startsWith('/')).length).toBeGreaterThan(found.length / 2);
    },
  );
});

/** What the package says in each of these environments, which have one HOME: it reads that when it is imported. */
function askEnvPaths(environments: readonly NodeJS.ProcessEnv[]): readonly Directories[] {
  const script = `
    Object.defineProperty(process, 'platform', { value: 'linux' });
    const { default: envPaths } = await import('env-paths');
    const found = ${JSON.stringify(environments)}.map((env) => {
      delete process.env.XDG_DATA_HOME;
      delete process.env.XDG_CONFIG_HOME;
      Object.assign(process.env, env);
      return envPaths('mesa', { suffix: '' });
    });
    process.stdout.write(JSON.stringify(found));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { HOME: environments[0]?.['HOME'] },
    encoding: 'utf8',
  });
  return JSON.parse(said) as readonly Directories[];
}

it.runIf(process.platform === 'linux')('the process itself has what env-paths found', () => {
  const { directories } = processHost();
  const env = { HOME: homedir() };
  expect(directories).toEqual(askEnvPaths([{ ...process.env, ...env }])[0]);
});
