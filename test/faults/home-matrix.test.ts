import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { inject, it } from 'vitest';

import { CAN_MOUNT, OBEYING_MODES, WITHOUT_OVERRIDES, withMounts } from '../support/confinement.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { inParallel } from './support/in-parallel.ts';
import { clearHome, keyOf, PASSPHRASE } from './support/key-home.ts';

const KINDS = ['unset', 'empty', 'relative', 'directory', 'missing', 'file', 'unwritable'] as const;
type Kind = (typeof KINDS)[number];

interface Combination {
  readonly HOME: Kind;
  readonly XDG_DATA_HOME: Kind;
  readonly XDG_CONFIG_HOME: Kind;
}
const VARIABLES = ['HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME'] as const;

// An unset HOME is looked up in the password database, and the real one names a real home directory.
const HOMES = CAN_MOUNT ? KINDS : KINDS.filter((kind) => kind !== 'unset');
const COMBINATIONS: readonly Combination[] = HOMES.flatMap((HOME) =>
  KINDS.flatMap((XDG_DATA_HOME) =>
    KINDS.map((XDG_CONFIG_HOME) => ({ HOME, XDG_DATA_HOME, XDG_CONFIG_HOME })),
  ),
);

/** Below the root directory, where relative values would end up. */
const WORK = 'work';
const PASSWD_HOME = 'home-of-the-password-database';

/** What a variable of a kind says; a relative value would lead to a directory that exists. */
function valueOf(root: string, variable: string, kind: Kind): string | undefined {
  switch (kind) {
    case 'unset':
      return undefined;
    case 'empty':
      return '';
    case 'relative':
      return `${variable}-relative`;
    case 'missing':
      return join(root, `${variable}-missing/deep`);
    case 'directory':
    case 'file':
    case 'unwritable':
      return join(root, `${variable}-${kind}`);
  }
}

function prepare(home: TempHome): void {
  clearHome(home);
  for (const name of [PASSWD_HOME, WORK]) {
    mkdirSync(join(home.path, name), { mode: 0o700 });
  }
  for (const variable of VARIABLES) {
    mkdirSync(join(home.path, WORK, `${variable}-relative`), { mode: 0o700 });
    mkdirSync(join(home.path, `${variable}-directory`), { mode: 0o700 });
    mkdirSync(join(home.path, `${variable}-unwritable`), { mode: 0o500 });
    home.write(`${variable}-file`, 'not a directory');
  }
  home.write('passwd', `somebody:x:0:0::${join(home.path, PASSWD_HOME)}:/bin/sh\n`);
}

function run(home: TempHome, values: Combination, args: readonly string[]): Promise<RunResult> {
  const unset = VARIABLES.filter((variable) => values[variable] === 'unset');
  const env = Object.fromEntries(
    VARIABLES.flatMap((variable) => {
      const value = valueOf(home.path, variable, values[variable]);
      return value === undefined ? [] : [[variable, value]];
    }),
  );
  const options: RunOptions = {
    home,
    cwd: join(home.path, WORK),
    script: inject('quickMesa'),
    stdin: keyOf('orgs/acme'),
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE, ...env },
    under: [
      ...(values.HOME === 'unset'
        ? [...withMounts(`mount --bind '${home.path}/passwd' /etc/passwd`), ...WITHOUT_OVERRIDES]
        : OBEYING_MODES),
      'env',
      ...unset.flatMap((variable) => ['-u', variable]),
    ],
  };
  return runMesa(args, options);
}

/** Where something is to be kept, and whether it can be. */
interface Place {
  readonly path: string;
  readonly kind: 'usable' | 'file' | 'unwritable';
}

interface Expected {
  readonly status: number;
  readonly stderr: RegExp;
  /** What get-key does afterwards. */
  readonly found: { readonly status: number; readonly stdout: string };
  /** Files that are there afterwards and were not before. */
  readonly made: readonly string[];
}

/** Spec sections 3 and 4, in a form that has nothing in common with the program's. */
function expectedOf(root: string, values: Combination): Expected {
  const placeOf = (variable: (typeof VARIABLES)[number]): Place | undefined => {
    const kind = values[variable];
    const path = valueOf(root, variable, kind);
    if (path === undefined || kind === 'empty' || kind === 'relative' || kind === 'unset') {
      return undefined;
    }
    return { path, kind: kind === 'file' || kind === 'unwritable' ? kind : 'usable' };
  };
  const below = ({ path, kind }: Place, name: string): Place => ({ path: join(path, name), kind });

  const home: Place | undefined =
    values.HOME === 'unset' ? { path: join(root, PASSWD_HOME), kind: 'usable' } : placeOf('HOME');
  if (home === undefined) {
    const problem = values.HOME === 'empty' ? 'empty' : 'not an absolute path';
    return {
      status: 3,
      stderr: new RegExp(`^mesa: HOME is ${problem}\nhint: set HOME to your home directory\n$`),
      found: { status: 3, stdout: '' },
      made: [],
    };
  }
  const data = below(placeOf('XDG_DATA_HOME') ?? below(home, '.local/share'), 'mesa');
  const config = below(placeOf('XDG_CONFIG_HOME') ?? below(home, '.config'), 'mesa/config.toml');
  const notSaved = 'mesa: warning: the default configuration was not saved: .*\n';
  switch (data.kind) {
    case 'file':
      return {
        status: 3,
        stderr: new RegExp(`^${notSaved}mesa: ${root}/.*-file is not a directory\nhint: set HOME .*\n$`),
        found: { status: 3, stdout: '' },
        made: [],
      };
    case 'unwritable':
      return {
        status: 1,
        stderr: new RegExp(
          `^${notSaved}mesa: cannot create ${root}/.*: permission denied\nhint: make ${root}/.* writable for you\n$`,
        ),
        found: { status: 4, stdout: '' },
        made: [],
      };
    case 'usable': {
      const saved = config.kind === 'usable';
      return {
        status: 0,
        stderr: new RegExp(
          `^${saved ? '' : notSaved}stored key for orgs/acme \\(mesa_\\*{4}acme\\) in encrypted-file\n$`,
        ),
        found: { status: 0, stdout: `${keyOf('orgs/acme')}\n` },
        made: [
          join(data.path, '.lock'),
          join(data.path, 'secrets.vault.age'),
          join(data.path, 'uses.log'),
          ...(saved ? [config.path] : []),
        ],
      };
    }
  }
}

/** These files, relative to the root, and every directory on the way to them. */
function withDirs(root: string, files: readonly string[]): readonly string[] {
  return files.flatMap((file) => {
    const names = [file.slice(root.length + 1)];
    for (let dir = dirname(file); dir !== root; dir = dirname(dir)) {
      names.push(`${dir.slice(root.length + 1)}/`);
    }
    return names;
  });
}

async function judge(home: TempHome, values: Combination): Promise<readonly Problem[]> {
  prepare(home);
  const before = home.tree();
  const expected = expectedOf(home.path, values);
  const problems: Problem[] = [];
  const stored = await run(home, values, ['auth', 'set-key', '-y', '--org', 'acme']);
  if (stored.status !== expected.status || stored.stdout !== '') {
    problems.push({ kind: 'silent', text: `status ${stored.status}: ${stored.stderr}` });
  } else if (!expected.stderr.test(stored.stderr)) {
    problems.push({ kind: 'unclear', text: stored.stderr });
  }
  const wanted = [...new Set([...before, ...withDirs(home.path, expected.made)])].toSorted();
  const found = await run(home, values, ['auth', 'get-key', '--org', 'acme']);
  if (found.status !== expected.found.status || found.stdout !== expected.found.stdout) {
    problems.push({ kind: 'damaged', text: `get-key: status ${found.status}: ${found.stderr}` });
  }
  const strange = home.tree().filter((name) => !wanted.includes(name));
  const absent = wanted.filter((name) => !home.tree().includes(name));
  if (strange.length > 0 || absent.length > 0) {
    problems.push({ kind: 'stray', text: `made ${strange.join(', ')}; not made ${absent.join(', ')}` });
  }
  return problems;
}

it('keeps keys in the place that HOME and XDG variables name, or refuses, and makes nothing anywhere else', async () => {
  const row = new FaultRow('HOME and XDG matrix');
  await inParallel(COMBINATIONS, createTempHome, async (values, home) => {
    const label = VARIABLES.map((variable) => `${variable} ${values[variable]}`).join(', ');
    row.point(label, await judge(home, values));
    // So that it can be removed.
    for (const variable of VARIABLES) {
      chmodSync(join(home.path, `${variable}-unwritable`), 0o700);
    }
  });
  row.close(HOMES.length * KINDS.length ** 2);
});
