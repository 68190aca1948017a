import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, inject, it } from 'vitest';

import { runMesa, type RunOptions } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { countPoint } from './support/fault-row.ts';
import { clearHome, PASSPHRASE, storeKeys, storePath } from './support/key-home.ts';
import { argsIn, SCENARIO_ENV, SCENARIO_NAMES, SCENARIOS } from './support/scenarios.ts';
import { traceFileCalls } from './support/strace.ts';

function optionsFor(home: TempHome, stdin?: string, env?: RunOptions['env']): RunOptions {
  return {
    home,
    script: inject('quickMesa'),
    env: { ...SCENARIO_ENV, ...env },
    ...(stdin === undefined ? {} : { stdin }),
  };
}

const SINGLE_WRITES = SCENARIO_NAMES.filter((name) => !/^(?:migrate|backup)/.test(name));

/** What survives a power loss, on any file system: see "Ordering" in fsync(2) and rename(2). */
it.each(SINGLE_WRITES)(
  'writes a private temporary file, syncs it, renames it, syncs the directory: %s',
  async (name) => {
    countPoint('order of a write');
    const scenario = await SCENARIOS[name]();
    const home = createTempHome();
    scenario.prepare(home);
    const { calls } = await traceFileCalls(
      argsIn(scenario, home),
      optionsFor(home, scenario.stdin, scenario.env),
    );
    const target = scenario.target(home);
    const dir = dirname(target);

    const first = calls.findIndex(({ line }) => line.includes('.tmp') && line.includes('O_CREAT'));
    const temp = /"([^"]*\.tmp)"/.exec(calls[first]?.line ?? '')?.[1] ?? '';
    expect(dirname(temp)).toBe(dir);
    const write = calls.slice(first).map(({ line }) =>
      line
        .replace(/^\d+ +/, '')
        .replace(/(?<=^write\([^,]*),.*$/, '')
        .replace(/\) += .*$/, '')
        .replaceAll(temp, 'TEMP')
        .replaceAll(target, 'TARGET')
        .replaceAll(`<${dir}>`, '<DIR>')
        .replaceAll(home.path, '~')
        .replaceAll(/\d+</g, 'FD<'),
    );
    expect(write.slice(0, 8)).toEqual([
      'openat(AT_FDCWD</>, "TEMP", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600',
      'fchmod(FD<TEMP>, 0600',
      'write(FD<TEMP>',
      'fsync(FD<TEMP>',
      'close(FD<TEMP>',
      'rename("TEMP", "TARGET"',
      'fsync(FD<DIR>',
      'close(FD<DIR>',
    ]);
    // The lock outlasts the write.
    expect(write[8]).toBe('close(FD<~/.local/share/mesa/.lock>');
  },
);

it.each(['plaintext: first set-key', 'config: first init'] as const)(
  'syncs the parent of each directory that it makes: %s',
  async (name) => {
    countPoint('order of a write');
    const scenario = await SCENARIOS[name]();
    const home = createTempHome();
    scenario.prepare(home);
    const { calls } = await traceFileCalls(
      argsIn(scenario, home),
      optionsFor(home, scenario.stdin, scenario.env),
    );
    const made = calls.flatMap(({ line }) => /mkdir(?:at)?\(.*"([^"]*)", 0700\) = 0/.exec(line)?.[1] ?? []);
    expect(made.length).toBeGreaterThanOrEqual(3);
    for (const path of made) {
      const from = calls.findIndex(({ line }) => line.includes('mkdir') && line.includes(`"${path}"`));
      const next = calls.findIndex(({ line }, at) => at > from && line.includes('mkdir'));
      const between = calls.slice(from, next === -1 ? undefined : next).map(({ line }) => line);
      expect(between).toContainEqual(expect.stringMatching(`fsync\\(\\d+<${dirname(path)}>\\) += 0`));
    }
  },
);

const COMMANDS = [
  { args: ['auth', 'get-key', '--org', 'acme'] },
  { args: ['auth', 'list'] },
  { args: ['auth', 'set-key', '--org', 'new'], stdin: 'mesa_another_key' },
  { args: ['auth', 'rm-key', '--org', 'acme'] },
];

it.each(['plaintext-file', 'encrypted-file'] as const)(
  'examines a store only after opening it, so that nobody can swap it in between: %s',
  async (backend) => {
    const home = createTempHome();
    const store = storePath(home, backend);
    for (const { args, stdin } of COMMANDS) {
      countPoint('order of a write');
      clearHome(home);
      home.useBackend(backend);
      await storeKeys(home, backend, ['global', 'orgs/acme']);
      const { result, calls } = await traceFileCalls(args, optionsFor(home, stdin));
      expect(result).toMatchObject({ status: 0 });
      const byPath = calls.filter(({ line }) => line.includes(`"${store}"`));
      expect(byPath.length).toBeGreaterThan(0);
      for (const { syscall, line } of byPath) {
        expect(line).toMatch(
          syscall === 'openat' ? /O_RDONLY\|O_NONBLOCK\|O_NOFOLLOW/ : `.tmp", "${store}")`,
        );
      }
      // One open, one look at it, then the content.
      const opened = calls.findIndex(({ line }) => line.includes(`"${store}"`));
      expect(calls.slice(opened, opened + 3).map(({ syscall }) => syscall)).toEqual([
        'openat',
        expect.stringMatching(/^(statx|newfstatat|fstat)$/),
        'read',
      ]);
    }
  },
);

it('gives its helper an empty environment, and starts no other program', async () => {
  countPoint('environment of the helper');
  const home = createTempHome();
  home.useBackend('encrypted-file');
  const log = join(home.path, 'strace.log');
  const result = await runMesa(['auth', 'set-key'], {
    ...optionsFor(home, 'mesa_another_key'),
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_ORGS: 'acme:mesa_key_in_the_environment' },
    under: ['strace', '-f', '-qq', '-v', '-s', '65536', '-e', 'trace=execve,execveat', '-o', log],
  });
  expect(result).toMatchObject({ status: 0 });
  const [own, ...others] = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('execve'));
  expect(own).toContain(PASSPHRASE);
  // One for the keys in the environment, one for the key given.
  expect(others.map((line) => line.replace(/^\d+ +/, ''))).toEqual(
    Array.from({ length: 2 }, () =>
      expect.stringMatching(/^execve\("([^"]*\/flock)", \["\1", "-x", "3"\], \[\]\) = 0$/),
    ),
  );
});

it.each(['migrate: to encrypted-file', 'migrate: to plaintext-file'] as const)(
  'makes the target durable, then the configuration, and only then removes the source: %s',
  async (name) => {
    countPoint('order of a write');
    const scenario = await SCENARIOS[name]();
    const home = createTempHome();
    scenario.prepare(home);
    const { calls } = await traceFileCalls(argsIn(scenario, home), optionsFor(home));
    const target = scenario.target(home);
    const source = target === home.vault ? home.plaintext : home.vault;
    const names = new Map([
      [target, 'target'],
      [source, 'source'],
      [home.config, 'config'],
      [home.dataDir, 'data'],
      [dirname(home.config), 'config directory'],
    ]);
    const steps = calls.flatMap(({ line }) => {
      const renamed = /rename\("[^"]*", "([^"]*)"\) += 0/.exec(line)?.[1];
      const removed = /unlink(?:at)?\((?:AT_FDCWD[^,]*, )?"([^"]*)"/.exec(line)?.[1];
      const synced = /fsync\(\d+<([^>]*)>\) += 0/.exec(line)?.[1];
      const opened = /openat\([^"]*"([^"]*)", O_RDONLY\|O_NONBLOCK\|O_NOFOLLOW/.exec(line)?.[1];
      return [
        ['replace', renamed],
        ['remove', removed],
        ['sync', synced],
        ['read', opened],
      ].flatMap(([verb = '', path]) => {
        const known = path === undefined ? undefined : names.get(path);
        return known === undefined ? [] : [`${verb} ${known}`];
      });
    });
    expect(steps.slice(steps.indexOf('replace target'))).toEqual([
      'replace target',
      'sync data',
      'read target',
      'replace config',
      'sync config directory',
      'remove source',
      'sync data',
    ]);
  },
);
