import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { childEnv, NODE, runMesa, runShell, startMesa } from '../../support/run-mesa.ts';
import { Secrets } from '../../support/secrets.ts';
import { documentOf, sealDocument, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { COOKED, KEYS, openTerminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';

const SECRETS = new Secrets();
const KEY = SECRETS.add('the key');
const PASSPHRASE = SECRETS.add('the passphrase', 'pass_');

const WITH_CORES = ['/bin/sh', '-c', 'ulimit -c unlimited && exec "$@"', 'sh'];
const EXEC = ['auth', 'exec', '--org', 'acme'];
const SIGNALS = ['SIGQUIT', 'SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGTRAP'] as const;
const MOST_NOTES = 16 * 1024 * 1024;
/** Where else a core goes, nobody but the system's own collector reads it: what decides of its content is looked at. */
const IS_IN_CWD = !/^[|/]/.test(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'));

function withWork(home: TempHome): { home: TempHome; work: string } {
  const work = join(home.path, 'work');
  mkdirSync(work);
  return { home, work };
}

/** A vault that takes a while to open, and does not open. */
async function slowVault(): Promise<{ home: TempHome; work: string }> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  const quick = Buffer.from(await sealDocument(documentOf({}), PASSPHRASE)).toString('latin1');
  const slow = Buffer.from(quick.replace(/^(-> scrypt \S+) 10$/m, '$1 20'), 'latin1');
  home.write('.local/share/mesa/secrets.vault.age', slow);
  return withWork(home);
}

function residentMebibytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

function filterOf(pid: number): string {
  return readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim();
}

/** Every file that a process left where it ran. */
function coresIn(work: string): readonly Buffer[] {
  return readdirSync(work).map((name) => readFileSync(join(work, name)));
}

function expectNoSecretIn(cores: readonly Buffer[]): void {
  // Notes about threads and maps, and nothing of what is in them. With it, a core has hundreds of MiB.
  expect(cores.filter((core) => core.length > MOST_NOTES).map((core) => core.length)).toEqual([]);
  expect(cores.flatMap((core) => SECRETS.findIn(core))).toEqual([]);
}

it.runIf(IS_IN_CWD)('any other program leaves a core file with what it knows', () => {
  const { home, work } = withWork(createTempHome());
  const script = `ulimit -c unlimited && exec '${NODE}' --eval 'process.abort()'`;
  spawnSync('/bin/sh', ['-c', script], { cwd: work, env: { ...childEnv({ home }), KNOWN: KEY } });
  expect(coresIn(work).map((core) => core.includes(KEY))).toEqual([true]);
});

describe('a core file', () => {
  it.each(SIGNALS)('of %s during a derivation has no passphrase in it', async (signal) => {
    const { home, work } = await slowVault();
    const child = startMesa(['auth', 'list'], {
      home,
      cwd: work,
      env: { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_API_KEY: KEY },
      under: WITH_CORES,
    });
    const pid = child.pid ?? 0;
    const ended = once(child, 'exit');
    await waitUntil('the key is derived', () => residentMebibytes(pid) > 300);
    expect(filterOf(pid)).toBe('00000000');
    child.kill(signal);
    // Ctrl-\ is an everyday way to end a program: no file is left at all.
    expect(await ended).toEqual(
      signal === 'SIGQUIT' ? [128 + constants.signals.SIGQUIT, null] : [null, signal],
    );
    const cores = coresIn(work);
    expect(cores).toHaveLength(IS_IN_CWD && signal !== 'SIGQUIT' ? 1 : 0);
    expectNoSecretIn(cores);
  });

  it.each(SIGNALS.filter((signal) => signal !== 'SIGQUIT'))(
    'of %s while a command has the key has no key in it',
    async (signal) => {
      for (const mask of [[], ['--mask']]) {
        const { home, work } = withWork(createTempHome());
        writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
        const child = startMesa([...EXEC, ...mask, '--', 'sh', '-c', 'echo ready; exec sleep 5'], {
          home,
          cwd: work,
          under: WITH_CORES,
        });
        const ended = once(child, 'exit');
        await new Promise((ready) => child.stdout?.once('data', ready));
        await waitUntil('mesa itself goes on', () => filterOf(child.pid ?? 0) === '00000000');
        child.kill(signal);
        expect(await ended).toEqual([null, signal]);
        const cores = coresIn(work);
        expect(cores).toHaveLength(IS_IN_CWD ? 1 : 0);
        expectNoSecretIn(cores);
      }
    },
  );

  it.each(['SIGQUIT', 'SIGSEGV'] as const)(
    'of %s while mesa waits with a key has no key in it',
    async (signal) => {
      const { home, work } = withWork(createTempHome());
      home.useBackend('plaintext-file');
      const lock = openSync(home.write('.local/share/mesa/.lock', ''), 'r+');
      expect(spawnSync('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] }).status).toBe(
        0,
      );
      const child = startMesa(['auth', 'set-key', KEY, '--org', 'acme'], {
        home,
        cwd: work,
        env: { MESA_ORGS: `acme:${KEY}` },
        under: WITH_CORES,
      });
      const ended = once(child, 'exit');
      // It says that it waits for the lock.
      await new Promise((waits) => child.stderr?.once('data', waits));
      child.kill(signal);
      expect(await ended).toEqual([null, signal]);
      closeSync(lock);
      const cores = coresIn(work);
      expect(cores).toHaveLength(IS_IN_CWD ? 1 : 0);
      expectNoSecretIn(cores);
    },
  );
});

it('Ctrl-\\ during a derivation ends mesa, leaves no core file and restores the terminal', async () => {
  const { home } = await slowVault();
  const terminal = openTerminal({ home });
  await terminal.run('ulimit -c unlimited; cd work');
  terminal.type('mesa auth list\r');
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  await waitUntil('the key is derived', () => residentMebibytes(terminal.foreground()) > 300);
  terminal.type(KEYS.ctrlBackslash);
  expect(await terminal.ended()).toBe(128 + constants.signals.SIGQUIT);
  expect(terminal.modes()).toEqual(COOKED);
  expect(coresIn(join(home.path, 'work'))).toEqual([]);
});

it('what a command of exec leaves in its core files is what it would without mesa', async () => {
  const { home, work } = withWork(createTempHome());
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  for (const filter of ['0x33', '0x1', '0x7f', '0x0']) {
    for (const mask of [[], ['--mask']]) {
      const { stdout } = await runMesa([...EXEC, ...mask, '--', 'cat', '/proc/self/coredump_filter'], {
        home,
        cwd: work,
        under: ['/bin/sh', '-c', `echo ${filter} > /proc/self/coredump_filter; exec "$@"`, 'sh'],
      });
      expect(Number(`0x${stdout.trim()}`)).toBe(Number(filter));
    }
  }
  const { stdout } = await runShell(
    `cd work; ulimit -c unlimited; mesa auth exec --org acme -- '${NODE}' --eval 'process.abort()'; echo $?`,
    { home },
  );
  expect(stdout).toBe(`${128 + constants.signals.SIGABRT}\n`);
  const cores = coresIn(work);
  // It was given the key.
  expect(cores.map((core) => core.includes(KEY))).toEqual(IS_IN_CWD ? [true] : []);
});
