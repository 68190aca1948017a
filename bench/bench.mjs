// `npm run bench`: the speed of mesa as ratios, measured in paired runs. Writes results.json and results.svg.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { arch, cpus, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { builtProgramOrExit } from '../scripts/built-from.mjs';
import { drawChart } from './chart.mjs';
import { measure, medianOf } from './measure.mjs';
import { ageDecrypt, ghAuthToken, passShow } from './peers.mjs';

const here = import.meta.dirname;
const mesa = builtProgramOrExit('mesa');
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '25' }, 'vault-rounds': { type: 'string', default: '7' } },
});
const PASSPHRASE = 'turbine-chrome-quilt-amber-lunar-oxide';

const scratch = mkdtempSync(join(tmpdir(), 'mesa-bench-'));
async function main() {
  const rows = [...(await withoutVault()), ...(await withAgent()), ...(await withVault())];
  print(rows);
  const machine = { node: process.version, platform: platform(), arch: arch(), cores: cpus().length };
  writeFileSync(join(here, 'results.json'), `${JSON.stringify({ machine, rows }, null, 2)}\n`);
  writeFileSync(join(here, 'results.svg'), drawChart(rows));
}

/** A home directory with a configured backend, and the keys of `MESA_ORGS` in it. */
function makeHome(name, backend, orgs) {
  const home = join(scratch, name);
  mkdirSync(home, { mode: 0o700 });
  const env = { HOME: home, PATH: process.env['PATH'] ?? '', MESA_VAULT_PASSPHRASE: PASSPHRASE };
  for (const [args, extra] of [
    [['init', '-y', '--backend', backend], {}],
    [['auth', 'list'], orgs === undefined ? {} : { MESA_ORGS: orgs }],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [mesa, ...args], { env: { ...env, ...extra } });
    if (status !== 0) {
      throw new Error(stderr.toString());
    }
  }
  return env;
}

function someOrgs(count, prefix = 'org') {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}:mesa_${String(i).padStart(20, '0')}`).join(
    ',',
  );
}

/** More keys than MESA_ORGS takes: a document as mesa writes it. */
function writeKeys(env, count) {
  const entries = Array.from(
    { length: count },
    (_, i) =>
      `\n[keys."orgs/org${String(i).padStart(6, '0')}"]\nkey = "mesa_${String(i).padStart(20, '0')}"\nadded = 2026-11-21T10:00:00.000Z\n`,
  );
  const path = join(env.HOME, '.local/share/mesa/secrets.plaintext.toml');
  writeFileSync(path, `version = 1\n${entries.join('')}`, { mode: 0o600 });
}

/** What git writes to a helper. */
const REQUEST = 'protocol=https\nhost=api.mesa.dev\npath=org5/web.git\n\n';
const CREDENTIAL = ['auth', 'git-credential', 'get'];

const bare = (env) => ({
  name: 'B',
  argv: [process.execPath, join(here, 'empty.cjs')],
  env: { HOME: env.HOME },
});
const run = (name, env, args, extra = {}) => ({
  name,
  argv: [process.execPath, mesa, ...args],
  env,
  ...extra,
});

async function withoutVault() {
  const ten = makeHome('ten', 'plaintext-file', someOrgs(10));
  const thousand = makeHome('thousand', 'plaintext-file', someOrgs(1000));
  const tenThousand = makeHome('ten-thousand', 'plaintext-file', undefined);
  writeKeys(tenThousand, 10_000);
  const get = ['auth', 'get-key', '--org', 'org5'];
  const commands = [
    bare(ten),
    run('get-key, 10 keys', ten, get),
    run('git-credential get, 10 keys', ten, CREDENTIAL, { stdin: REQUEST }),
    run('--version', ten, ['--version']),
    run('--help', ten, ['--help']),
    run('list, 10 keys', ten, ['auth', 'list']),
    run('set-key, plaintext', ten, ['auth', 'set-key', '--org', 'org5'], {
      stdin: 'mesa_00000000000000000005',
    }),
    {
      name: 'a locked, durable write by itself',
      argv: [process.execPath, join(here, 'locked-write.cjs'), ten.HOME],
      env: { HOME: ten.HOME },
    },
    run('list, 1,000 keys', thousand, ['auth', 'list']),
    run('list, 1,000 keys, MESA_ORGS of 1,000', { ...thousand, MESA_ORGS: someOrgs(1000) }, ['auth', 'list']),
    run('list, 10,000 keys', tenThousand, ['auth', 'list']),
  ];
  const gh = ghAuthToken(scratch);
  const pass = passShow(scratch);
  const times = await measure(
    [...commands, ...[gh, pass].filter((one) => one !== undefined)],
    Number(options.rounds),
  );
  const ratio = (name) => medianOf(times, (of) => of(name) / of('B'));
  const row = (name, target) => judged({ name, ratio: ratio(name), unit: 'B', target });
  return [
    row('get-key, 10 keys', 1.25),
    gh === undefined
      ? missing('get-key, 10 keys / gh auth token', 'gh')
      : judged({
          name: 'get-key, 10 keys / gh auth token',
          ratio: medianOf(times, (of) => of('get-key, 10 keys') / of('gh auth token')),
          unit: 'gh',
          target: 0.7,
        }),
    row('git-credential get, 10 keys', 1.25),
    row('--version', 1.7),
    row('--help', 1.7),
    row('list, 10 keys', 1.7),
    row('set-key, plaintext', 1.5),
    row('a locked, durable write by itself'),
    row('list, 1,000 keys', 2.0),
    row('list, 10,000 keys', 4.5),
    judged({
      name: 'MESA_ORGS of 1,000, beside the same command',
      ratio: medianOf(
        times,
        (of) => (of('list, 1,000 keys, MESA_ORGS of 1,000') - of('list, 1,000 keys')) / of('B'),
      ),
      unit: 'B more',
      target: 0.3,
    }),
    gh === undefined ? missing('gh auth token', 'gh') : row('gh auth token'),
    pass === undefined ? missing('pass show', 'pass') : row('pass show'),
  ];
}

/** A derivation takes about a second; the agent makes the key for the next write ahead of time. */
const UNTIL_READY_MS = 3_000;

async function withAgent() {
  const { MESA_VAULT_PASSPHRASE: passphrase, ...env } = makeHome('agent', 'encrypted-file', someOrgs(10));
  const auth = (word, more = {}) =>
    spawnSync(process.execPath, [mesa, 'auth', word], { env: { ...env, ...more } });
  const { status, stderr } = auth('unlock', { MESA_VAULT_PASSPHRASE: passphrase });
  if (status !== 0) {
    throw new Error(stderr.toString());
  }
  try {
    const get = run('get-key, agent', env, ['auth', 'get-key', '--org', 'org5']);
    const credential = run('git-credential get, agent', env, CREDENTIAL, { stdin: REQUEST });
    const set = run('set-key, agent', env, ['auth', 'set-key', '--org', 'org5'], {
      stdin: 'mesa_00000000000000000005',
      before: () => sleep(UNTIL_READY_MS),
    });
    const reads = await measure([bare(env), get, credential], Number(options.rounds));
    const writes = await measure([bare(env), set], Number(options['vault-rounds']));
    const row = (name, times, target) =>
      judged({ name, ratio: medianOf(times, (of) => of(name) / of('B')), unit: 'B', target });
    return [row(get.name, reads, 1.45), row(credential.name, reads, 1.45), row(set.name, writes, 1.7)];
  } finally {
    auth('lock');
  }
}

async function withVault() {
  const env = makeHome('vault', 'encrypted-file', someOrgs(10));
  const vault = join(env.HOME, '.local/share/mesa/secrets.vault.age');
  const age = ageDecrypt(vault, PASSPHRASE);
  const commands = [
    {
      name: 'V',
      argv: [process.execPath, join(here, 'vault-floor.cjs'), vault],
      env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
    },
    run('get-key, vault', env, ['auth', 'get-key', '--org', 'org5']),
    run('set-key, vault', env, ['auth', 'set-key', '--org', 'org5'], { stdin: 'mesa_00000000000000000005' }),
    ...(age === undefined ? [] : [age]),
  ];
  const times = await measure(commands, Number(options['vault-rounds']));
  const ratio = (name) => medianOf(times, (of) => of(name) / of('V'));
  const row = (name, target) => judged({ name, ratio: ratio(name), unit: 'V', target });
  return [
    row('get-key, vault', 1.1),
    age === undefined
      ? missing('get-key, vault / age -d', 'age')
      : judged({
          name: 'get-key, vault / age -d',
          ratio: medianOf(times, (of) => of('get-key, vault') / of('age -d')),
          unit: 'age',
          target: 1.1,
        }),
    row('set-key, vault', 1.25),
    age === undefined ? missing('age -d', 'age') : row('age -d'),
  ];
}

function judged(row) {
  return row.target === undefined ? row : { ...row, met: row.ratio <= row.target };
}

function missing(name, program) {
  return { name, ratio: null, unit: '', note: `${program} is not installed` };
}

function print(rows) {
  const width = Math.max(...rows.map(({ name }) => name.length));
  process.stdout.write(`${'what'.padEnd(width)}  ratio        target\n`);
  for (const { name, ratio, unit, target, met, note } of rows) {
    const value = ratio === null ? note : `${ratio.toFixed(2)} ${unit}`.padEnd(11);
    const goal = target === undefined ? '' : `  <= ${target.toFixed(2)}  ${met ? 'met' : 'MISSED'}`;
    process.stdout.write(`${name.padEnd(width)}  ${value}${goal}\n`);
  }
}

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
