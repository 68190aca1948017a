import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { isAlive } from '../../support/agent.ts';
import { runMesa, runShell } from '../../support/run-mesa.ts';
import { documentOf, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

const KEY = 'mesa_Lq8sN2pX9f2c';
/** On a busy machine, and without reading what is too large. */
const PROMPTLY_MS = 20_000;
const GET = ['auth', 'get-key', '--org', 'acme'];

interface LogDocument {
  readonly schema_version: number;
  readonly recording: boolean;
  readonly damaged_lines: number;
  readonly uses: readonly Readonly<Record<string, unknown>>[];
}

function homeWithKey(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  return home;
}

function logOf(home: TempHome): string {
  return join(home.dataDir, 'uses.log');
}

async function readLog(home: TempHome, ...args: readonly string[]): Promise<LogDocument> {
  const { stdout, status } = await runMesa(['auth', 'log', '--json', ...args], { home });
  expect(status).toBe(0);
  return JSON.parse(stdout) as LogDocument;
}

function line(fields: Readonly<Record<string, unknown>>): string {
  const use = { time: Date.now(), action: 'get-key', scope: 'global', source: 'global', outcome: 'used' };
  return `${JSON.stringify({ ...use, program: 'sh', pid: 1, ...fields })}\n`;
}

describe('the log of uses', () => {
  it('has a line for each key that was handed out: when, what for, which, and by whom, and never the key', async () => {
    const home = homeWithKey();
    const before = Date.now();
    await runShell('mesa auth get-key --org acme --repo web; mesa auth exec --org acme -- true', { home });
    await runMesa(GET, { home, env: { MESA_API_KEY: 'mesa_environment0000' } });
    const log = await readLog(home);
    const { time } = log.uses[0] ?? {};
    expect(Date.parse(String(time))).toBeGreaterThanOrEqual(before);
    expect(log).toMatchObject({
      schema_version: 1,
      recording: true,
      damaged_lines: 0,
      uses: [
        {
          action: 'get-key',
          scope: 'orgs/acme/repos/web',
          source: 'orgs/acme',
          outcome: 'used',
          program: 'sh',
        },
        { action: 'exec', scope: 'orgs/acme', source: 'orgs/acme', outcome: 'used', program: 'sh' },
        { action: 'get-key', scope: 'orgs/acme', source: 'MESA_API_KEY', outcome: 'used' },
      ],
    });
    expect(readFileSync(logOf(home), 'utf8')).not.toMatch(/Lq8s|9f2c|environment0/);
    expect(statSync(logOf(home)).mode & 0o777).toBe(0o600);
  });

  it('tells of keys that were not to be had: none there, vault locked, passphrase wrong', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({ 'orgs/acme': KEY }));
    await runMesa(['auth', 'get-key', '--org', 'other'], { home, env: UNLOCKED });
    await runMesa(GET, { home });
    await runMesa(GET, { home, env: { MESA_VAULT_PASSPHRASE: 'wrong' } });
    const { uses } = await readLog(home);
    expect(uses.map(({ scope, source, outcome }) => [scope, source, outcome])).toEqual([
      ['orgs/other', null, 'key_not_found'],
      ['orgs/acme', null, 'locked'],
      ['orgs/acme', null, 'wrong_passphrase'],
    ]);
  });

  it('does not grow by what uses no key', async () => {
    const home = homeWithKey();
    for (const args of [
      ['auth', 'list'],
      ['auth', 'status'],
      ['auth', 'get-key', '--explain'],
      ['auth', 'log'],
    ]) {
      await runMesa(args, { home });
    }
    expect(readIfExists(logOf(home))).toBeUndefined();
  });

  it('is shown as a table, the oldest use first, and since a time', async () => {
    const home = homeWithKey();
    const hour = 60 * 60 * 1_000;
    writeFileSync(logOf(home), line({ time: Date.now() - 30 * hour, scope: 'orgs/old' }), { mode: 0o600 });
    writeFileSync(join(home.dataDir, 'uses.1.log'), line({ time: 1_000, scope: 'orgs/oldest' }), {
      mode: 0o600,
    });
    await runMesa(GET, { home });
    const all = await runMesa(['auth', 'log'], { home });
    expect(all.stdout).toMatch(
      /^TIME +ACTION +FOR +KEY FROM +OUTCOME +BY\n1970-01-01T00:00:01Z +get-key +orgs\/oldest +global +used +sh \(1\)\n.* orgs\/old .*\n.* orgs\/acme +orgs\/acme +used +\S+ \(\d+\)\n$/,
    );
    const day = await readLog(home, '--since', '1d');
    expect(day.uses.map(({ scope }) => scope)).toEqual(['orgs/acme']);
    expect(await runMesa(['auth', 'log', '--since', 'yesterday'], { home })).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        "mesa: --since takes a length of time in w, d, h, m and s, not 'yesterday'\nhint: mesa auth log --since 1d\n",
    });
  });

  it('says that there is nothing to show', async () => {
    expect(await runMesa(['auth', 'log'], { home: createTempHome() })).toMatchObject({
      status: 0,
      stdout: '',
      stderr: 'no key was used yet\n',
    });
  });

  it('is off with [secrets] audit = false, and says so', async () => {
    const home = homeWithKey();
    appendFileSync(home.config, 'audit = false\n');
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(await runMesa(GET, { home, env: { MESA_API_KEY: KEY } })).toMatchObject({ status: 0 });
    expect(readIfExists(logOf(home))).toBeUndefined();
    const { stderr } = await runMesa(['auth', 'log'], { home });
    expect(stderr).toContain('hint: nothing is recorded now: [secrets] audit = false');
    writeFileSync(home.config, '[secrets]\naudit = "no"\n');
    expect(await runMesa(GET, { home })).toMatchObject({ status: 3, stdout: '' });
  });

  it('makes no directory: without a store there is no log', async () => {
    const home = createTempHome();
    expect(await runMesa(GET, { home, env: { MESA_API_KEY: KEY } })).toMatchObject({
      stdout: `${KEY}\n`,
      stderr: '',
    });
    expect(home.tree()).toEqual([]);
  });

  it.each<[string, (path: string, home: TempHome) => void]>([
    ['a link', (path, home) => symlinkSync(home.write('decoy', 'kept'), path)],
    ['a directory', (path) => mkdirSync(path)],
    [
      'writable by others',
      (path) => {
        writeFileSync(path, '');
        chmodSync(path, 0o666);
      },
    ],
    ['a FIFO', (path) => execFileSync('mkfifo', ['-m', '600', path])],
  ])(
    'that is %s is left alone: the key is handed out, with one warning, and doctor tells of it',
    async (_, spoil) => {
      const home = homeWithKey();
      spoil(logOf(home), home);
      const { size } = statSync(logOf(home));
      const result = await runMesa(GET, { home });
      expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n` });
      expect(result.stderr).toMatch(/^mesa: warning: this use is not in the log: [^\n]+ is [^\n]+\n$/);
      expect(result.stderr).toContain(logOf(home));
      expect((await runMesa(['auth', 'doctor'], { home })).stdout).toContain(logOf(home));
      expect(statSync(logOf(home)).size).toBe(size);
      expect(readIfExists(join(home.path, 'decoy')) ?? 'kept').toBe('kept');
    },
  );

  it.each([
    ['2.3 MB in one line', 2_300_000],
    ['17 MiB', 17 * 1024 * 1024],
    ['10 GB with holes', 10_000_000_000],
  ])('that came to hold %s is put aside by the next use, which is recorded', async (_title, size) => {
    const home = homeWithKey();
    writeFileSync(logOf(home), '', { mode: 0o600 });
    truncateSync(logOf(home), size);
    expect((await runMesa(['auth', 'doctor'], { home, env: { CI: '1' } })).stderr).toBe(
      'mesa: nothing is wrong\n',
    );
    const used = await runMesa(GET, { home });
    expect(used).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(used.milliseconds).toBeLessThan(PROMPTLY_MS);
    expect(statSync(join(home.dataDir, 'uses.1.log')).size).toBe(size);
    const shown = await runMesa(['auth', 'log', '--json'], { home });
    expect(shown.milliseconds).toBeLessThan(PROMPTLY_MS);
    expect((JSON.parse(shown.stdout) as LogDocument).uses).toMatchObject([
      { action: 'get-key', outcome: 'used' },
    ]);
    expect(shown.stderr.includes('only its end is shown')).toBe(size > 4 * 1024 * 1024);
    expect((await runMesa(['auth', 'doctor'], { home, env: { CI: '1' } })).stderr).toBe(
      'mesa: nothing is wrong\n',
    );
  });

  it('that is too large loses no use while somebody else holds the lock, and is put aside afterwards', async () => {
    const home = homeWithKey();
    writeFileSync(logOf(home), '\n'.repeat(2_300_000), { mode: 0o600 });
    const lock = home.write('.local/share/mesa/.lock', '');
    const holder = spawn('flock', [lock, 'sleep', '60'], { stdio: 'ignore', detached: true });
    onTestFinished(() => {
      if (isAlive(Number(holder.pid))) {
        process.kill(-Number(holder.pid), 'SIGKILL');
      }
    });
    await waitUntil('the lock is taken', () => spawnSync('flock', ['-n', lock, 'true']).status === 1);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(readFileSync(logOf(home), 'utf8')).toMatch(/\n\{"time":[^\n]+\n$/);
    process.kill(-Number(holder.pid), 'SIGTERM');
    await waitUntil('the lock is free', () => spawnSync('flock', ['-n', lock, 'true']).status === 0);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stderr: '' });
    expect((await readLog(home)).uses).toHaveLength(2);
    expect(readFileSync(logOf(home), 'utf8').split('\n')).toHaveLength(2);
  });

  it('that cannot be put aside has the use all the same while it is not too large, and says so truly', async () => {
    const home = homeWithKey();
    mkdirSync(join(home.dataDir, 'uses.1.log'));
    for (const [size, warning, uses] of [
      [1_500_000, 'the log of uses cannot be put aside', 1],
      [2_300_000, 'this use is not in the log', 0],
    ] as const) {
      writeFileSync(logOf(home), '\n'.repeat(size), { mode: 0o600 });
      expect(await runMesa(GET, { home })).toMatchObject({
        status: 0,
        stdout: `${KEY}\n`,
        stderr: `mesa: warning: ${warning}: ${home.dataDir}/uses.1.log is a directory\n`,
      });
      expect(readFileSync(logOf(home), 'utf8').split('{"time":')).toHaveLength(uses + 1);
    }
    expect((await runMesa(['auth', 'doctor'], { home })).stdout).toContain('uses.1.log');
  });

  it('has what became of a key that was found and not used', async () => {
    const home = createTempHome();
    writePlaintext(
      home,
      `${documentOf({ 'orgs/acme': KEY })}key-id = "key_1"\nexpires = 2020-01-01T00:00:00Z\n`,
    );
    const early = home.write(
      'early.cjs',
      `const Real = Date; globalThis.Date = class extends Real {
        constructor(...args) { super(...(args.length === 0 ? [-86_400_000] : args)); }
        static now() { return -86_400_000; }
      };`,
    );
    const env = { NODE_OPTIONS: `--require=${early}` };
    const mint = ['auth', 'mint-token', '--repo', 'acme/web'];
    expect(await runMesa(mint, { home, env })).toMatchObject({ status: 2, stdout: '' });
    expect(await runMesa(mint, { home })).toMatchObject({ status: 0 });
    const request = 'protocol=https\nhost=api.mesa.dev\npath=acme/web.git\n\n';
    expect(await runMesa(['auth', 'git-credential', 'get'], { home, stdin: request })).toMatchObject({
      status: 9,
      stdout: 'quit=1\n',
    });
    const { uses } = await readLog(home);
    expect(uses.map(({ action, source, outcome }) => [action, source, outcome])).toEqual([
      ['mint-token', 'orgs/acme', 'usage'],
      ['mint-token', 'orgs/acme', 'used'],
      ['git-credential', 'orgs/acme', 'key_expires'],
    ]);
  });

  it('that others can read is closed to them', async () => {
    const home = homeWithKey();
    writeFileSync(logOf(home), '');
    chmodSync(logOf(home), 0o644);
    expect((await runMesa(['auth', 'doctor'], { home })).stdout).toContain(
      'uses.log can be read by other users',
    );
    const result = await runMesa(GET, { home });
    expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n` });
    expect(statSync(logOf(home)).mode & 0o777).toBe(0o600);
  });

  it('is put aside when it is full, once, and both parts are shown', async () => {
    const home = homeWithKey();
    const old = line({ scope: 'orgs/old' });
    writeFileSync(logOf(home), old.repeat(Math.ceil((1024 * 1024) / old.length)), { mode: 0o600 });
    writeFileSync(join(home.dataDir, 'uses.1.log'), line({ scope: 'orgs/oldest' }), { mode: 0o600 });
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(readIfExists(logOf(home))).toBeUndefined();
    expect(readFileSync(join(home.dataDir, 'uses.1.log'), 'utf8')).not.toContain('oldest');
    await runMesa(GET, { home });
    const { uses } = await readLog(home);
    expect(uses.slice(-3).map(({ scope }) => scope)).toEqual(['orgs/old', 'orgs/acme', 'orgs/acme']);
  });

  it('with hostile or broken lines shows what can be shown, escaped', async () => {
    const home = homeWithKey();
    const hostile = '\u001b]52;c;x\u0007\u202e';
    const lines = [
      line({ scope: hostile, program: hostile, outcome: hostile, action: hostile, source: hostile }),
      `{"time":1,"action":"cut of${line({ scope: 'orgs/whole' })}`,
      'nonsense\n[]\n{"time":1e300,"action":"a","scope":"b","outcome":"c"}\n',
      '{"time":1,"__proto__":{"action":"a"},"scope":"b","outcome":"c"}\n',
    ];
    writeFileSync(logOf(home), Buffer.concat([Buffer.from(lines.join('')), Buffer.from([0xff, 0x0a])]), {
      mode: 0o600,
    });
    const { stdout, stderr, status } = await runMesa(['auth', 'log'], { home });
    expect(status).toBe(0);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout).toContain('\\u{1b}]52;c;x');
    expect(stdout).toContain('orgs/whole');
    expect(stderr).toBe('mesa: warning: 6 lines of the log cannot be read\n');
    expect((await readLog(home)).uses).toHaveLength(2);
  });
});
