import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, it } from 'vitest';

import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const SCRIPTS = resolve(import.meta.dirname, '../../../scripts');
/** What the scripts themselves need. */
const BASIC = ['sh', 'id', 'ls', 'sort', 'dirname', 'uniq', 'tr', 'sed'];

/** A PATH with the basic programs, those of `names`, and no apt-get: nobody can install anything with it. */
function pathWith(home: TempHome, names: readonly string[]): string {
  const bin = join(home.path, 'bin');
  mkdirSync(bin);
  for (const name of [...BASIC, ...names]) {
    const found = spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(bin, name));
  }
  return bin;
}

function run(script: string, env: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync('/bin/sh', [join(SCRIPTS, script)], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** Puts a directory of Debian's there, as a version of PostgreSQL has it. */
function addVersion(home: TempHome, version: string, programs: readonly string[]): string {
  for (const program of programs) {
    chmodSync(home.write(`postgresql/${version}/bin/${program}`, '#!/bin/sh\n'), 0o755);
  }
  return join(home.path, 'postgresql', version, 'bin');
}

const CLIENT = ['psql', 'pg_dump', 'pg_isready'];
const SERVER = [...CLIENT, 'initdb', 'postgres'];

it('everything that the tests miss is named at once, with PostgreSQL, and nothing that is there', () => {
  const home = createTempHome();
  const PATH = pathWith(home, ['git', 'bash', 'ps', 'pgrep', 'perl', 'mount']);
  const ran = run('test-tools.sh', { PATH, MESA_TEST_POSTGRES_ROOT: join(home.path, 'none') });
  expect(ran).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'the tests need these packages first: age strace util-linux bsdutils zsh fish openssl postgresql\n',
  });
});

it("PostgreSQL is looked for where Debian keeps it, the newest version first, passing over a client's", () => {
  const home = createTempHome();
  const env = { PATH: pathWith(home, []), MESA_TEST_POSTGRES_ROOT: join(home.path, 'postgresql') };
  expect(run('postgres-programs.sh', env)).toEqual({ status: 1, stdout: '', stderr: '' });
  addVersion(home, '17', CLIENT);
  expect(run('postgres-programs.sh', env)).toEqual({ status: 1, stdout: '', stderr: '' });
  const nine = addVersion(home, '9.6', SERVER);
  expect(run('postgres-programs.sh', env)).toEqual({ status: 0, stdout: `${nine}\n`, stderr: '' });
  const fifteen = addVersion(home, '15', SERVER);
  expect(run('postgres-programs.sh', env)).toEqual({ status: 0, stdout: `${fifteen}\n`, stderr: '' });
});

it('PostgreSQL is also found in PATH', () => {
  const home = createTempHome();
  const bin = addVersion(home, 'of-another-system', SERVER);
  const env = { PATH: `${pathWith(home, [])}:${bin}`, MESA_TEST_POSTGRES_ROOT: join(home.path, 'none') };
  expect(run('postgres-programs.sh', env)).toEqual({ status: 0, stdout: `${bin}\n`, stderr: '' });
});
