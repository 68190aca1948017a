import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { isAlive } from '../../support/agent.ts';
import { CAN_MOUNT, withMounts } from '../../support/confinement.ts';
import { builtMesa, NODE, runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';

const KEY = 'mesa_organization009f2c';
/** A machine that does not last, where keys may be kept in plain text. */
const CI = { CI: '1' };
const NO_FILE_LOCKS = 'keep the data directory on a file system that supports locks';
const INSTALL = 'install util-linux';

interface FoundProblem {
  readonly check: string;
  readonly severity: string;
  readonly what: string;
  readonly mend: string;
}

interface Trouble {
  /** What runs mesa where locks do not work. */
  readonly under: (home: TempHome) => readonly string[];
  readonly what: RegExp;
  readonly mend: string;
}

const injected = (errno: string): readonly string[] => {
  const trace = ['-e', 'trace=flock', '-e', `inject=flock:error=${errno}`];
  return ['strace', '-f', '-qq', '-o', '/dev/null', ...trace];
};

const TROUBLES: readonly (readonly [string, Trouble])[] = ['ENOLCK', 'ENOSYS', 'EOPNOTSUPP'].map((errno) => [
  `answers ${errno}`,
  {
    under: () => injected(errno),
    what: /^cannot lock .*\.lock: flock ended with status \d+$/,
    mend: NO_FILE_LOCKS,
  },
]);

const withProgram = (home: TempHome, mode: number, content: string): readonly string[] => {
  const path = join(home.path, '../', `flock-${home.path.split('-').at(-1)}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  onTestFinished(() => rmSync(path));
  return withMounts(`mount --bind ${path} /usr/bin/flock`);
};

const MOUNTED: readonly (readonly [string, Trouble])[] = [
  [
    'cannot be executed',
    {
      under: (home) => withProgram(home, 0o644, '#!/bin/sh\n'),
      what: /^cannot lock the secret store: \/usr\/bin\/flock cannot be run: permission denied$/,
      mend: INSTALL,
    },
  ],
  [
    'is another program',
    {
      under: (home) => withProgram(home, 0o755, '#!/bin/sh\nexit 3\n'),
      what: /^cannot lock .*\.lock: flock ended with status 3$/,
      mend: INSTALL,
    },
  ],
  [
    'is not there',
    {
      // The directory as it is, without that one.
      under: () =>
        withMounts(
          'mount -t tmpfs none /mnt; mkdir /mnt/u /mnt/w; ' +
            'mount -t overlay none -o lowerdir=/usr/bin,upperdir=/mnt/u,workdir=/mnt/w /usr/bin; rm /usr/bin/flock',
        ),
      what: /^cannot lock the secret store: flock\(1\) is not installed$/,
      mend: INSTALL,
    },
  ],
];

function plaintextHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  return home;
}

async function lockProblems(home: TempHome, under: readonly string[]): Promise<readonly FoundProblem[]> {
  const before = fingerprint(home);
  const { stdout } = await runMesa(['auth', 'doctor', '--json'], { home, env: CI, under });
  expect(fingerprint(home)).toEqual(before);
  const { findings } = JSON.parse(stdout) as { findings: readonly FoundProblem[] };
  return findings;
}

async function expectTrouble(home: TempHome, { under, what, mend }: Trouble): Promise<void> {
  const confined = under(home);
  const before = readFileSync(home.plaintext, 'utf8');
  const set = await runMesa(['auth', 'set-key', '--org', 'other'], { home, under: confined, stdin: KEY });
  expect(set).toMatchObject({ status: 8, stdout: '' });
  const [sentence = '', hint] = set.stderr.split('\n');
  expect(sentence.replace('mesa: ', '')).toMatch(what);
  expect(hint).toBe(`hint: ${mend}`);
  for (const _run of ['without a lock file', 'with one']) {
    const findings = await lockProblems(home, confined);
    expect(findings).toMatchObject([
      { check: 'lock', severity: 'error', what: expect.stringMatching(what), mend },
    ]);
    home.write('.local/share/mesa/.lock', '');
  }
  const status = await runMesa(['auth', 'status', '--offline'], { home, env: CI, under: confined });
  expect(status.status).toBe(0);
  const [warning = '', advice] = status.stderr.split('\n');
  expect(warning.replace('mesa: warning: no key can be stored or removed: ', '')).toMatch(what);
  expect(advice).toBe(`hint: ${mend}`);
  // Reading needs no lock.
  expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, under: confined })).toMatchObject({
    status: 0,
    stdout: `${KEY}\n`,
  });
  expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
}

describe('where flock', () => {
  it.each(TROUBLES)('%s, writing fails, and doctor and status name it', async (_title, trouble) => {
    await expectTrouble(plaintextHome(), trouble);
  });

  it.runIf(CAN_MOUNT).each(MOUNTED)(
    '%s, writing fails, and doctor and status name it',
    async (_title, trouble) => {
      await expectTrouble(plaintextHome(), trouble);
    },
  );

  it('does not work, doctor says so before there is anything, and leaves nothing there', async () => {
    const home = createTempHome();
    const under = injected('ENOLCK');
    expect(await lockProblems(home, under)).toMatchObject([{ check: 'lock', mend: NO_FILE_LOCKS }]);
    expect(home.tree()).toEqual([]);
  });

  it('does not work, doctor names a log of uses that cannot be put aside', async () => {
    const home = plaintextHome();
    home.write('.local/share/mesa/uses.log', '\n'.repeat(1_100_000));
    expect(await lockProblems(home, injected('ENOLCK'))).toMatchObject([
      { check: 'lock' },
      {
        check: 'lock',
        severity: 'warning',
        what: expect.stringContaining('uses.log is full, and cannot be put aside'),
      },
    ]);
    expect(await lockProblems(home, [])).toEqual([]);
  });

  it('does not work, the wizard says so before it asks anything', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    expect(await terminal.run(`${injected('ENOLCK').join(' ')} '${NODE}' '${builtMesa()}' init`)).toBe(8);
    expect(terminal.screen()).toContain('flock ended with status');
    expect(terminal.screen()).toContain(NO_FILE_LOCKS.slice(0, 40));
    expect(terminal.screen()).not.toContain('Where should');
    expect(home.tree()).toEqual([]);
  });

  it('has the lock given to another writer, nothing is wrong', async () => {
    const home = plaintextHome();
    const lock = home.write('.local/share/mesa/.lock', '');
    const holder = spawn('flock', [lock, 'sleep', '60'], { stdio: 'ignore', detached: true });
    onTestFinished(() => {
      if (isAlive(Number(holder.pid))) {
        process.kill(-Number(holder.pid), 'SIGKILL');
      }
    });
    await waitUntil('the lock is taken', () => spawnSync('flock', ['-n', lock, 'true']).status === 1);
    expect(await lockProblems(home, [])).toEqual([]);
    const { stderr } = await runMesa(['auth', 'status', '--offline'], { home, env: CI });
    expect(stderr).not.toContain('no key can be stored');
  });
});

describe('without /proc', () => {
  it.runIf(CAN_MOUNT)('exec --mask hides the key as ever', async () => {
    const home = plaintextHome();
    const under = withMounts('mount -t tmpfs none /proc');
    const args = [
      'auth',
      'exec',
      '--mask',
      '--org',
      'acme',
      '--',
      'sh',
      '-c',
      'echo "$MESA_API_KEY"; echo b >&2',
    ];
    expect(await runMesa(args, { home, under })).toMatchObject({
      status: 0,
      stdout: 'mesa_****9f2c\n',
      stderr: 'b\n',
    });
  });
});

describe('a pipe that cannot be made', () => {
  it.runIf(CAN_MOUNT)('is told with its cause: mkfifo that cannot be run, or fails', async () => {
    for (const [mode, content, sentence] of [
      [0o644, '', 'mesa: cannot make a pipe: /usr/bin/mkfifo cannot be run: permission denied\n'],
      [0o755, '#!/bin/sh\nexit 1\n', 'mesa: cannot make a pipe in /tmp: mkfifo ended with status 1\n'],
      [0o755, '#!/bin/sh\nkill -KILL $$\n', 'mesa: cannot make a pipe in /tmp: mkfifo ended with SIGKILL\n'],
    ] as const) {
      const home = plaintextHome();
      const bin = join(home.path, 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'mkfifo'), content);
      chmodSync(join(bin, 'mkfifo'), mode);
      const under = withMounts(`mount --bind ${bin}/mkfifo /usr/bin/mkfifo`);
      const args = ['auth', 'exec', '--mask', '--org', 'acme', '--', 'echo', 'ran'];
      const result = await runMesa(args, { home, under, env: { TMPDIR: '/tmp' } });
      expect(result).toMatchObject({ status: 1, stdout: '' });
      expect(result.stderr.startsWith(sentence), result.stderr).toBe(true);
    }
  });
});
