import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { builtMesa, NODE } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const LIBRARY = resolve(import.meta.dirname, '../../../dist/library.cjs');
const AUTHORITY = resolve(import.meta.dirname, '../../../authority/bin/mesa-authority.mjs');

/** What a Node of that version does, as far as it says its version. scripts/node-matrix.mjs runs real ones. */
function runOn(version: string, args: readonly string[], home: TempHome) {
  const preload = home.write(
    'version.cjs',
    `Object.defineProperty(process, 'version', { value: '${version}' });`,
  );
  const { status, stdout, stderr } = spawnSync(NODE, ['--require', preload, ...args], {
    cwd: home.path,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: home.path },
  });
  return { status, stdout, stderr };
}

describe('a Node that is too old', () => {
  it.each([
    ['auth', 'doctor'],
    ['auth', 'get-key'],
    ['auth', 'set-key', 'mesa_organization009f2c'],
    ['--version'],
    ['init', '-y'],
  ])('is refused by mesa %s in one sentence, and nothing is written', (...args) => {
    const home = createTempHome();
    expect(runOn('v18.20.0', [builtMesa(), ...args], home)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'mesa: Node 18.20.0 is too old; mesa needs Node 20.17 or newer\n',
    });
    expect(home.tree()).toEqual(['version.cjs']);
  });

  it.each([['serve'], ['init', '--org', 'acme'], ['--help']])(
    'is refused by mesa-authority %s in one sentence, and nothing is written',
    (...args) => {
      const home = createTempHome();
      expect(runOn('v20.16.0', [AUTHORITY, ...args], home)).toEqual({
        status: 1,
        stdout: '',
        stderr: 'mesa-authority: Node 20.16.0 is too old; mesa-authority needs Node 20.17 or newer\n',
      });
      expect(home.tree()).toEqual(['version.cjs']);
    },
  );

  it('is refused by the library when it is loaded', () => {
    const program = `try { require('${LIBRARY}'); } catch ({ message }) { console.log(message); }`;
    expect(runOn('v16.20.2', ['-e', program], createTempHome())).toEqual({
      status: 0,
      stdout: 'mesa-auth: Node 16.20.2 is too old; mesa-auth needs Node 20.17 or newer\n',
      stderr: '',
    });
  });

  it('is none that is new enough', () => {
    for (const version of ['v20.17.0', 'v26.0.0']) {
      const home = createTempHome();
      expect(runOn(version, [builtMesa(), '--version'], home)).toMatchObject({ status: 0, stderr: '' });
      expect(runOn(version, [AUTHORITY, '--version'], home)).toMatchObject({ status: 0, stderr: '' });
      expect(runOn(version, ['-e', `require('${LIBRARY}')`], home)).toMatchObject({ status: 0, stderr: '' });
    }
  });
});
