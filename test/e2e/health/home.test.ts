import { chmodSync, cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { CAN_MOUNT, OBEYING_MODES } from '../../support/confinement.ts';
import { builtDist, builtMesa, runMesa, runShell } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_organization009f2c';
const COMMANDS = [
  ['auth', 'list'],
  ['auth', 'get-key'],
  ['auth', 'set-key', KEY],
  ['auth', 'rm-key'],
  ['init', '-y'],
  [],
];

// All combinations of HOME and the XDG variables: test/faults/home-matrix.test.ts.
describe('HOME', () => {
  it.each([
    { value: '', problem: 'empty' },
    { value: '.', problem: 'not an absolute path' },
    { value: 'relative', problem: 'not an absolute path' },
    { value: '~', problem: 'not an absolute path' },
  ])('is refused by every command when it is $value ($problem)', async ({ value, problem }) => {
    const home = createTempHome();
    for (const args of COMMANDS) {
      expect(await runMesa(args, { home, env: { HOME: value } })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `mesa: HOME is ${problem}\nhint: set HOME to your home directory\n`,
      });
    }
    // The working directory of those commands.
    expect(home.tree()).toEqual([]);
  });

  it.runIf(CAN_MOUNT)(
    'is refused when it is unset and the password database does not know it either',
    async () => {
      const home = createTempHome();
      // A user number that nobody has been given.
      const under = ['unshare', '--map-user=54321', '--'];
      expect(await runShell('unset HOME; mesa auth get-key', { home, under })).toMatchObject({
        status: 3,
        stdout: '',
        stderr: 'mesa: HOME is not set, and this user has no home\nhint: set HOME to your home directory\n',
      });
    },
  );

  it('may be a directory that is yet to be made, which happens with the first write', async () => {
    const home = createTempHome();
    const env = { HOME: join(home.path, 'new/home') };
    expect((await runMesa(['auth', 'list'], { home, env })).status).toBe(0);
    expect(home.tree()).toEqual([]);
    const script =
      'umask 000; mesa init -y --backend plaintext-file && mesa auth set-key mesa_x && mesa auth get-key';
    expect(await runShell(script, { home, env })).toMatchObject({ status: 0, stdout: 'mesa_x\n' });
    expect(statSync(env.HOME).mode & 0o777).toBe(0o700);
  });

  it('is refused when it is no directory, or one that cannot be made', async () => {
    const home = createTempHome();
    const file = home.write('file', '');
    chmodSync(home.path, 0o500);
    for (const { path, message } of [
      { path: file, message: `${file} is not a directory` },
      {
        path: `${home.path}/x/y`,
        message: `there is no directory ${home.path}/x/y, and it cannot be created`,
      },
    ]) {
      const options = {
        home,
        env: { HOME: path, MESA_VAULT_PASSPHRASE: 'some passphrase' },
        under: OBEYING_MODES,
      };
      expect(await runMesa(['auth', 'set-key', KEY], options)).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `mesa: ${message}\nhint: set HOME or XDG_DATA_HOME to a directory of yours\n`,
      });
    }
    expect(home.tree()).toEqual(['file']);
    chmodSync(home.path, 0o700);
  });

  it.each(['/', '/.', '//', '/../HOME/'])(
    'is the same place with %s behind it, guarded like it',
    async (tail) => {
      const home = createTempHome();
      writePlaintext(home, documentOf({ global: KEY }));
      const env = { HOME: home.path + tail.replace('HOME', home.path.replace(/.*\//, '')) };
      expect((await runMesa(['auth', 'get-key'], { home, env })).stdout).toBe(`${KEY}\n`);
      chmodSync(join(home.path, '.local'), 0o777);
      expect(await runMesa(['auth', 'get-key'], { home, env })).toMatchObject({
        status: 8,
        stdout: '',
        stderr: `mesa: ${home.path}/.local can be written by other users\nhint: chmod go-w ${home.path}/.local\n`,
      });
    },
  );
});

describe('without any XDG variable', () => {
  it.runIf(process.platform === 'linux')(
    'the keys and the configuration are where env-paths says',
    async () => {
      const home = createTempHome();
      const program = join(home.path, 'program');
      cpSync(resolve(builtMesa(), '..'), join(program, 'bin'), { recursive: true });
      cpSync(builtDist(), join(program, 'dist'), { recursive: true });
      rmSync(join(program, 'dist/compiled'), { recursive: true });
      const start = join(program, 'dist/start.cjs');
      const [before = '', envPaths = '', after = ''] = readFileSync(start, 'utf8').split(
        /(?<=\/\/ node_modules\/env-paths\/index\.js\n)([^]*?)(?=\n\/\/ src\/)/,
      );
      writeFileSync(
        start,
        before + envPaths.replace('"share"', '"other"').replace('".config"', '".other"') + after,
      );
      const options = { home, script: join(program, 'bin/mesa.cjs'), stdin: KEY };
      expect((await runMesa(['init', '-y', '--backend', 'plaintext-file'], options)).status).toBe(0);
      expect((await runMesa(['auth', 'set-key'], options)).status).toBe(0);
      expect(home.tree().filter((path) => !path.startsWith('program/') && !path.endsWith('/'))).toEqual([
        '.local/other/mesa/.lock',
        '.local/other/mesa/secrets.plaintext.toml',
        '.other/mesa/config.toml',
      ]);
    },
  );
});

describe('XDG_DATA_HOME', () => {
  it('is where the keys are when it is absolute, and is made when it is missing', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const env = { XDG_DATA_HOME: join(home.path, 'deep/data') };
    expect((await runShell('umask 000; mesa auth set-key mesa_x', { home, env })).status).toBe(0);
    expect(statSync(join(home.path, 'deep/data/mesa/secrets.plaintext.toml')).mode & 0o777).toBe(0o600);
    for (const dir of ['deep', 'deep/data', 'deep/data/mesa']) {
      expect(statSync(join(home.path, dir)).mode & 0o777).toBe(0o700);
    }
    expect(home.tree()).not.toContain('.local/');
    expect((await runMesa(['auth', 'get-key'], { home, env })).stdout).toBe('mesa_x\n');
    expect((await runMesa(['auth', 'get-key'], { home })).status).toBe(4);
  });
});
