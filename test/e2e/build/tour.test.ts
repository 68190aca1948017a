import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { builtMesa, NODE } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const NEEDED = [
  'README.md',
  'bin',
  'dist',
  'package.json',
  'package-lock.json',
  'scripts',
  'src',
  'tsconfig.json',
  'tsconfig.types.json',
];

/** A copy of what the tour needs, to be broken. */
function copyCheckout(): TempHome {
  builtMesa();
  const copy = createTempHome();
  for (const name of NEEDED) {
    cpSync(join(ROOT, name), join(copy.path, name), { recursive: true });
  }
  return copy;
}

function runTour(root: string) {
  const { status, stdout, stderr } = spawnSync(NODE, [join(root, 'scripts/tour.mjs')], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('npm run tour', () => {
  it('shows every command of the README with what it prints, and ends with 0', () => {
    const { status, stdout, stderr } = runTour(ROOT);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('$ mesa auth get-key --org acme --repo web\nmesa_Hd5rB7yKc0de\n');
    expect(stdout).toMatch(/^\$ mesa auth log\n/m);
  });

  it('ends with 1 at the first command of a mesa that does nothing, and says what was to be printed', () => {
    const copy = copyCheckout();
    copy.write('dist/start.cjs', 'process.exit(9)');
    const { status, stdout, stderr } = runTour(copy.path);
    expect(status).toBe(1);
    expect(stdout).toBe('$ mesa init -y --backend plaintext-file\n\n');
    expect(stderr).toBe(
      "the tour of README.md fails: 'mesa init -y --backend plaintext-file' does not print what is shown:\n" +
        '- saved in ~/.config/mesa/config.toml: keys are kept in plaintext-file\n',
    );
  });

  it('ends with 1 where the README has no tour, or mesa was built from other sources', () => {
    const copy = copyCheckout();
    copy.write('README.md', '# mesa\n');
    expect(runTour(copy.path)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'the tour of README.md fails: README.md has no tour\n',
    });
    copy.write('src/errors.ts', 'export {};\n');
    expect(runTour(copy.path)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'mesa was built before src/errors.ts changed: npm run build\n',
    });
  });

  it('goes on quietly when its reader has gone away, and ends as it would have', () => {
    const home = createTempHome();
    const script = `{ "$0" '${ROOT}/scripts/tour.mjs'; echo "$?" > status; } | head -n 3`;
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script, NODE], {
      cwd: home.path,
      encoding: 'utf8',
    });
    expect(stdout).toBe(
      '$ mesa init -y --backend plaintext-file\n' +
        'saved in ~/.config/mesa/config.toml: keys are kept in plaintext-file\n' +
        '$ printf %s mesa_Tz4kQ0vW11aa | mesa auth set-key\n',
    );
    expect(stderr).toBe('');
    expect(readFileSync(join(home.path, 'status'), 'utf8')).toBe('0\n');
  });
});
