import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { expect, it } from 'vitest';

import type { Backend } from '../../src/core/secret-store.ts';
import { NODE, runMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { keyOf, PASSPHRASE, storeKeys, storePath } from './support/key-home.ts';
import {
  FOREIGN_FILES,
  LINKS,
  snapshot,
  SPECIAL_FILES,
  UNSAFE_DIRECTORIES,
  WRITABLE_FILES,
  type Trap,
} from './support/traps.ts';

const AT_ONCE_MS = 1_000;
/** What that is where nothing else runs, in starts of node that does nothing. */
const AT_ONCE_STARTS = 20;
const ATTEMPTS = 4;

/** What a second is on this machine, as busy as it is now. */
function atOnceMs(): number {
  const started = performance.now();
  execFileSync(NODE, ['-e', '']);
  return Math.max(AT_ONCE_MS, AT_ONCE_STARTS * (performance.now() - started));
}

const READERS = [
  ['auth', 'list'],
  ['auth', 'get-key', '--org', 'acme'],
];
const WRITERS = [
  ['auth', 'set-key', '--org', 'new'],
  ['auth', 'rm-key', '--org', 'acme'],
];
const INIT = ['init', '-y', '--backend', 'plaintext-file'];

function run(args: readonly string[], home: TempHome): Promise<RunResult> {
  return runMesa(args, {
    home,
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
    ...(args.includes('set-key') ? { stdin: keyOf('orgs/new') } : {}),
  });
}

/** What is wrong with how a command refused: it ends at once, with one message, and changes nothing. */
async function judgeRefusal(
  args: readonly string[],
  home: TempHome,
  wanted: number,
): Promise<readonly Problem[]> {
  const before = snapshot(home.path);
  const problems: Problem[] = [];
  let { status, stdout, stderr, milliseconds } = await run(args, home);
  let most = AT_ONCE_MS;
  // A busy machine may take its time once, but not every time.
  for (let attempt = 2; attempt <= ATTEMPTS && milliseconds >= most; attempt += 1) {
    ({ status, stdout, stderr, milliseconds } = await run(args, home));
    most = atOnceMs();
  }
  if (milliseconds >= most) {
    problems.push({ kind: 'damaged', text: `took ${milliseconds} ms` });
  }
  if (status !== wanted || stdout !== '') {
    problems.push({ kind: status === 0 ? 'silent' : 'damaged', text: `exit ${status}: ${stderr}` });
  }
  if (
    !/^mesa: [^\n]+\n(hint: [^\n]+\n)?$/.test(stderr) ||
    /mesa_key_of|root:|a bug|: E[A-Z]+$/m.test(stderr)
  ) {
    problems.push({ kind: 'unclear', text: stderr });
  }
  const after = snapshot(home.path);
  if (after.join('\n') !== before.join('\n')) {
    problems.push({ kind: 'damaged', text: `was ${before.join('\n')}, is ${after.join('\n')}` });
  }
  return problems;
}

async function judgeAcceptance(args: readonly string[], home: TempHome): Promise<readonly Problem[]> {
  const { status, stderr } = await run(args, home);
  return status === 0 ? [] : [{ kind: 'damaged', text: `exit ${status}: ${stderr}` }];
}

/** A home directory with a store of each backend. */
async function fullHome(backend: Backend): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend(backend);
  await storeKeys(home, 'plaintext-file', ['global', 'orgs/acme']);
  await storeKeys(home, 'encrypted-file', ['global', 'orgs/acme']);
  return home;
}

/** Moves a file to where no command looks, puts the trap into its place, and gives the new place. */
async function spring(trap: Trap, path: string, home: TempHome): Promise<string> {
  const decoy = join(home.path, 'elsewhere', basename(path));
  mkdirSync(dirname(decoy));
  renameSync(path, decoy);
  await trap(path, decoy);
  return decoy;
}

it.each(['plaintext-file', 'encrypted-file'] as const)(
  'refuses a store that is no private regular file: %s',
  async (backend) => {
    const row = new FaultRow(`unsafe store, ${backend}`);
    const traps = { ...LINKS, ...SPECIAL_FILES, ...FOREIGN_FILES, ...WRITABLE_FILES };
    for (const [title, trap] of Object.entries(traps)) {
      const home = await fullHome(backend);
      await spring(trap, storePath(home, backend), home);
      for (const args of [...READERS, ...WRITERS]) {
        row.point(`${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
      }
    }
    row.close(40);
  },
);

it('refuses to write with a lock file that is no regular file of its own, and reads all the same', async () => {
  const row = new FaultRow('unsafe lock file');
  for (const [title, trap] of Object.entries({ ...LINKS, ...SPECIAL_FILES, ...FOREIGN_FILES })) {
    const home = await fullHome('plaintext-file');
    const lock = join(home.dataDir, '.lock');
    await spring(trap, lock, home);
    for (const args of [...WRITERS, INIT]) {
      row.point(`${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
    }
    for (const args of READERS) {
      row.point(`${title}: ${args.join(' ')}`, await judgeAcceptance(args, home));
    }
  }
  row.close(40);
});

it('makes a lock file private that others could open', async () => {
  const row = new FaultRow('unsafe lock file');
  for (const [title, trap] of Object.entries(WRITABLE_FILES)) {
    const home = await fullHome('plaintext-file');
    const lock = join(home.dataDir, '.lock');
    await spring(trap, lock, home);
    row.point(title, await judgeAcceptance(['auth', 'set-key', '--org', 'new'], home));
    expect(lstatSync(lock).mode & 0o777).toBe(0o600);
  }
  row.close(3);
});

it('removes what lies under the name of a temporary file, and follows nothing', async () => {
  const row = new FaultRow('unsafe temporary file');
  for (const [title, trap] of Object.entries({ ...LINKS, ...SPECIAL_FILES, ...FOREIGN_FILES })) {
    const home = await fullHome('plaintext-file');
    const decoy = home.write('elsewhere/decoy', 'untouched');
    const planted = join(home.dataDir, '.secrets.plaintext.toml.12345678901234.tmp');
    await trap(planted, decoy);
    row.point(title, await judgeAcceptance(['auth', 'set-key', '--org', 'new'], home));
    expect(readFileSync(decoy, 'utf8')).toBe('untouched');
    expect(existsSync(`${decoy}.absent`)).toBe(false);
    // No writer of ours leaves a directory behind; it is in nobody's way.
    expect(lstatSync(planted, { throwIfNoEntry: false }) === undefined).toBe(title !== 'a directory');
  }
  row.close(8);
});

it('refuses a data directory that is no private directory', async () => {
  const row = new FaultRow('unsafe data directory');
  const replaced = { ...LINKS, ...SPECIAL_FILES, ...FOREIGN_FILES };
  for (const [title, trap] of Object.entries(replaced)) {
    if (title === 'a directory') {
      continue;
    }
    const home = await fullHome('plaintext-file');
    const kept = join(home.path, 'kept');
    renameSync(home.dataDir, kept);
    const target = title === "another user's file" ? home.write('elsewhere/decoy', '') : kept;
    await trap(home.dataDir, target);
    for (const args of [...READERS, ...WRITERS, INIT]) {
      row.point(`${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
    }
  }
  for (const [title, spoil] of Object.entries(UNSAFE_DIRECTORIES)) {
    const home = await fullHome('plaintext-file');
    spoil(home.dataDir);
    for (const args of [...READERS, ...WRITERS, INIT]) {
      row.point(`${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
    }
  }
  row.close(35);
});

const PARENTS = ['.', '.local', '.local/share'];

it.each(PARENTS)('refuses a store below a directory in which others can put things: ~/%s', async (parent) => {
  const row = new FaultRow('unsafe parent directory');
  for (const [title, spoil] of Object.entries(UNSAFE_DIRECTORIES)) {
    const home = await fullHome('plaintext-file');
    spoil(join(home.path, parent));
    for (const args of [...READERS, ...WRITERS, INIT]) {
      row.point(`${parent} ${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
    }
  }
  row.close(5);
});

it('follows a link to a parent directory, and judges what it leads to', async () => {
  const row = new FaultRow('linked parent directory');
  const home = await fullHome('plaintext-file');
  renameSync(join(home.path, '.local'), join(home.path, 'moved'));
  symlinkSync('moved', join(home.path, '.local'));
  for (const args of [...READERS, ...WRITERS, INIT]) {
    row.point(args.join(' '), await judgeAcceptance(args, home));
  }
  chmodSync(join(home.path, 'moved'), 0o777);
  for (const args of [...READERS, ...WRITERS, INIT]) {
    row.point(`writable: ${args.join(' ')}`, await judgeRefusal(args, home, 8));
  }
  // Others can put things there and cannot take ours away: /tmp.
  chmodSync(join(home.path, 'moved'), 0o1777);
  row.point('sticky', await judgeAcceptance(['auth', 'list'], home));
  row.close(11);
});

it('follows a link to the config file, and refuses what is no file in its place', async () => {
  const row = new FaultRow('unsafe config file');
  const writable = Object.entries(WRITABLE_FILES).filter(([title]) => title !== 'a file of mode 620');
  const traps = { ...LINKS, ...SPECIAL_FILES, ...FOREIGN_FILES, ...Object.fromEntries(writable) };
  for (const [title, trap] of Object.entries(traps)) {
    const home = await fullHome('plaintext-file');
    const decoy = await spring(trap, home.config, home);
    if (title === 'a link to a file') {
      row.point(title, await judgeAcceptance([...INIT.slice(0, -1), 'encrypted-file'], home));
      expect(lstatSync(home.config).isSymbolicLink()).toBe(true);
      expect(readFileSync(decoy, 'utf8')).toContain('"encrypted-file"');
      continue;
    }
    for (const args of [...READERS, ...WRITERS, INIT]) {
      row.point(`${title}: ${args.join(' ')}`, await judgeRefusal(args, home, 3));
    }
  }
  row.close(30);
});
