import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, it, onTestFinished } from 'vitest';

import { formatRequest } from '../../src/agent/format-request.ts';
import { readClocks, type Moment } from '../../src/agent/two-clocks.ts';
import type { KeyScope } from '../../src/core/key-scope.ts';
import type { SecretStore } from '../../src/core/secret-store.ts';
import { Token } from '../../src/core/token.ts';
import { storeOf } from '../../src/stores/stores.ts';
import { agentFiles, exchange, isAlive, unlock } from '../support/agent.ts';
import { finishMesa, runMesa, startMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { waitUntil } from '../support/wait-until.ts';
import { attack } from './support/attack.ts';
import { countPoint, FaultRow, type Problem } from './support/fault-row.ts';
import { keyLines, keyOf, PASSPHRASE, pathsOf, readKeys, storeKeys, strayFiles } from './support/key-home.ts';
import { WORK_FACTOR } from './support/work-factor.ts';

const ENV = { MESA_VAULT_PASSPHRASE: PASSPHRASE };
const ACME: KeyScope = { kind: 'org', org: 'acme' };
/** How often the agent is asked for what takes it a moment. */
const EXCHANGES = 100;

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await storeKeys(home, 'encrypted-file', ['orgs/first']);
  return home;
}

/** Starts an agent whose derivations cost nothing. */
function unlockQuickly(home: TempHome): Promise<number> {
  return unlock(home, { env: ENV, script: inject('quickMesa') });
}

/** The store as a command opens it, in this process, with a passphrase to fall back to. */
function openWithAgent(home: TempHome, useAgent = true): Promise<SecretStore> {
  const passphrase = Promise.resolve({ text: PASSPHRASE, typed: false, mayCreate: true });
  return storeOf('encrypted-file', {
    paths: pathsOf(home),
    passphrases: () => Promise.resolve({ toOpen: () => passphrase, toCreate: () => passphrase }),
    now: () => new Date(),
    warn: () => undefined,
    onLockWait: () => undefined,
    workFactor: WORK_FACTOR,
    useAgent,
  });
}

function setAcme(store: SecretStore, value: string): Promise<unknown> {
  return store.apply([{ kind: 'set', scope: ACME, token: Token.parse(value) }]);
}

function setRequest(home: TempHome, value: string, sent: Moment): string {
  const changes = [{ kind: 'set', scope: ACME, token: Token.parse(value) }] as const;
  return formatRequest({ type: 'apply', vault: home.vault, sent, changes, last: true });
}

/** Has the agent write a value, once it has the lock and a key to seal with: while it is busy, it is asked anew. */
async function write(
  home: TempHome,
  value: string,
  sent: (now: Moment) => Moment = (now) => now,
): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await exchange(agentFiles(home).socket, setRequest(home, value, sent(readClocks())));
    if (!reply.includes('"busy"') || attempt === EXCHANGES) {
      return JSON.parse(reply);
    }
    await sleep(50);
  }
}

/** Sends a request and closes the connection at once. */
function sendAndLeave(socket: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => {
      connection.write(text, () => connection.destroy());
    });
    connection.on('error', reject);
    connection.on('close', () => resolve());
  });
}

it('a write whose client left while the agent was stopped is not performed, however fresh', async () => {
  countPoint('agent stopped');
  const home = await vaultHome();
  const pid = await unlockQuickly(home);
  // The agent is ready to write: it has the key for it, and what is on disk is what it knows.
  await write(home, 'mesa_before');
  await sleep(500);
  const before = readFileSync(home.vault);
  process.kill(pid, 'SIGSTOP');
  await sendAndLeave(agentFiles(home).socket, setRequest(home, 'mesa_stale', readClocks()));
  process.kill(pid, 'SIGCONT');
  await sleep(1_500);
  expect(readFileSync(home.vault).equals(before)).toBe(true);
  // The same request by a client that stays is performed.
  const reply = await write(home, 'mesa_after');
  expect(reply).toEqual({
    v: 3,
    type: 'outcomes',
    outcomes: ['replaced'],
    replacements: [['orgs/acme', '****', '****']],
    warnings: [],
  });
  expect(readFileSync(home.vault).equals(before)).toBe(false);
});

it('what was acknowledged while the agent was stopped survives the requests that it finds then', async () => {
  countPoint('agent stopped');
  const home = await vaultHome();
  const pid = await unlockQuickly(home);
  await setAcme(await openWithAgent(home), 'mesa_before');
  process.kill(pid, 'SIGSTOP');
  // Gives up after a second, and writes by itself.
  await setAcme(await openWithAgent(home), 'mesa_stale');
  await setAcme(await openWithAgent(home, false), 'mesa_newer');
  process.kill(pid, 'SIGCONT');
  await sleep(1_500);
  expect(await readKeys(home, 'encrypted-file')).toContain('orgs/acme=mesa_newer');
  expect([...(await (await openWithAgent(home)).read([ACME])).values()][0]?.token.reveal()).toBe(
    'mesa_newer',
  );
  expect(isAlive(pid)).toBe(true);
});

it.each([['wall'], ['monotonic']] as const)(
  'a write is not performed when it is older than 5 seconds by the %s clock',
  async (clock) => {
    countPoint('agent stopped');
    const home = await vaultHome();
    await unlockQuickly(home);
    await write(home, 'mesa_before');
    const before = readFileSync(home.vault);
    const reply = await write(home, 'mesa_stale', (now) => ({ ...now, [clock]: now[clock] - 5_500 }));
    expect(reply).toEqual({ v: 3, type: 'refused', reason: 'request' });
    expect(readFileSync(home.vault).equals(before)).toBe(true);
  },
);

it('a remove that was done and not answered counts as done when it is done again', async () => {
  countPoint('agent killed');
  const home = await vaultHome();
  const vault = await openWithAgent(home, false);
  // Performs what it is asked, and dies before it says so.
  const server = createServer((connection) => {
    void vault.apply([{ kind: 'remove', scope: { kind: 'org', org: 'first' } }]).then(() => {
      server.close();
      connection.destroy();
    });
  });
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(agentFiles(home).socket, resolve);
  });
  const store = await openWithAgent(home);
  expect(await store.apply([{ kind: 'remove', scope: { kind: 'org', org: 'first' } }])).toEqual(['removed']);
  expect(await store.apply([{ kind: 'remove', scope: { kind: 'org', org: 'first' } }])).toEqual(['absent']);
  expect(await readKeys(home, 'encrypted-file')).toEqual([]);
});

const WORKERS = 50;
const ROUNDS = 2;
const AT_ONCE = 12;
const ATTEMPTS = 8;
const KILL_EVERY_MS = 150;
/** Of so many victims one is the agent. */
const AGENT_TURN = 20;
const FEWEST_KILLS = 10;

it('loses no acknowledged update of 50 readers and writers, half through the agent, while both are killed', async () => {
  const row = new FaultRow(`kill -9 of clients and of the agent, ${WORKERS} readers and writers`);
  const home = await vaultHome();
  const script = inject('quickMesa');
  await unlockQuickly(home);
  const living = new Set<ChildProcess>();
  const acknowledged = new Map<string, string>();
  /** By organization: what was acknowledged last, and what was tried since, which may have been done. */
  const possible = new Map<string, readonly string[]>();
  const observed = new AbortController();
  let ended = 0;
  const damaged = (text: string): void => row.point('between kills', [{ kind: 'damaged', text }]);

  const start = (args: readonly string[], env: Record<string, string>, stdin: string): Promise<RunResult> => {
    const child = startMesa(args, { home, env, script });
    living.add(child);
    return finishMesa(child, stdin)
      .then((result) => {
        ended += result.signal === 'SIGKILL' ? 0 : 1;
        return result;
      })
      .finally(() => living.delete(child));
  };
  /**
   * Writes a new value of its own key each round, anew until it was acknowledged, and reads it back. Exit 6: the agent was
   * gone or too busy, and there is nobody to ask.
   */
  const work = async (number: number): Promise<void> => {
    const env = number % 2 === 0 ? {} : ENV;
    const org = `org-${number}`;
    for (let round = 0; round < ROUNDS; round += 1) {
      const value = `mesa_${org}_round_${round}`;
      for (let attempt = 0; attempt < ATTEMPTS && acknowledged.get(org) !== value; attempt += 1) {
        possible.set(org, [...(possible.get(org) ?? []), value]);
        const { status, signal, stderr } = await start(['auth', 'set-key', '--org', org], env, value);
        if (status === 0) {
          acknowledged.set(org, value);
          possible.set(org, [value]);
        } else if (signal !== 'SIGKILL' && status !== 6) {
          damaged(`exit ${status}: ${stderr}`);
        } else {
          await sleep(KILL_EVERY_MS);
        }
      }
      const { status, signal, stdout, stderr } = await start(['auth', 'get-key', '--org', org], env, '');
      const isRight = possible.get(org)?.includes(stdout.trim()) === true;
      const isMissing = status === 4 && !acknowledged.has(org);
      if (!(status === 0 && isRight) && !isMissing && signal !== 'SIGKILL' && status !== 6) {
        damaged(`${org} is ${stdout} instead of ${possible.get(org)?.join()}; exit ${status}: ${stderr}`);
      }
    }
  };
  const killer = async (): Promise<void> => {
    let kills = 0;
    for (let turn = 0; !observed.signal.aborted; turn += 1) {
      await sleep(KILL_EVERY_MS);
      if (turn % AGENT_TURN === AGENT_TURN - 1) {
        const pid = Number(readFileSync(agentFiles(home).lock, 'utf8'));
        if (isAlive(pid)) {
          process.kill(pid, 'SIGKILL');
          row.point('the agent killed', []);
        }
        await runMesa(['auth', 'unlock'], { home, env: ENV, script });
      } else {
        // On a busy machine nobody would live long enough.
        const victims = kills <= ended + AT_ONCE ? [...living] : [];
        if (victims[Math.floor(Math.random() * victims.length)]?.kill('SIGKILL') === true) {
          kills += 1;
          row.point('a client killed', []);
        }
      }
    }
  };
  const queue = Array.from({ length: WORKERS }, (_, number) => number);
  const worker = async (): Promise<void> => {
    for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
      await work(number);
    }
  };
  const killing = killer();
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  observed.abort();
  await killing;

  const found = new Map(
    (await readKeys(home, 'encrypted-file')).map((line) => line.split('=') as [string, string]),
  );
  for (const org of acknowledged.keys()) {
    const kept = found.get(`orgs/${org}`) ?? 'nothing';
    if (possible.get(org)?.includes(kept) !== true) {
      damaged(`${org} is ${kept} instead of ${possible.get(org)?.join()}`);
    }
  }
  expect(acknowledged.size).toBeGreaterThan(WORKERS / 3);
  const throughAgent = [...acknowledged.keys()].filter((org) => Number(org.slice(4)) % 2 === 0);
  expect(throughAgent.length).toBeGreaterThan(WORKERS / 10);
  await runMesa(['auth', 'lock'], { home, script });
  const next = await storeKeys(home, 'encrypted-file', ['orgs/next']);
  expect(next.waited).toBe(false);
  expect(await readKeys(home, 'encrypted-file')).toEqual(
    expect.arrayContaining([...keyLines(['orgs/next'])]),
  );
  expect(strayFiles(home.vault)).toEqual(['agent.lock', 'uses.log']);
  row.close(FEWEST_KILLS);
});

const CONNECTIONS = 10_000;
const RSS_LIMIT_KIB = 100 * 1024;
const LONG = 70_000;

it.each([
  ['nothing at all', ''],
  ['half a message', '{"v":3,"type":"sta'],
  ['a line that is too long', 'x'.repeat(LONG)],
  ['many lines', '{"v":3}\n'.repeat(LONG / 8)],
  ['a write without end', ''],
  ['one byte after the other', '\u0000'],
])('a client that sends %s, 10,000 times, neither stops the agent nor makes it grow', async (what, text) => {
  const row = new FaultRow('hostile client of the agent');
  const home = await vaultHome();
  const pid = await unlockQuickly(home);
  const { socket } = agentFiles(home);
  const message =
    what === 'a write without end'
      ? formatRequest({
          type: 'apply',
          vault: home.vault,
          sent: readClocks(),
          changes: [{ kind: 'set', scope: ACME, token: Token.parse('x'.repeat(16_000)) }],
          last: false,
        })
      : text;
  await attack({ socket, message, count: CONNECTIONS, drip: what === 'one byte after the other' });
  expect(isAlive(pid)).toBe(true);
  await untilAnswered(socket);
  const result = await runMesa(['auth', 'get-key', '--org', 'first'], { home, script: inject('quickMesa') });
  expect(result).toMatchObject({ status: 0, stdout: `${keyOf('orgs/first')}\n`, stderr: '' });
  row.point(what, await rssProblems(pid, socket));
  row.close(1);
});

it('a client that does not read what it asked for is cut off, and the others are answered meanwhile', async () => {
  const row = new FaultRow('hostile client of the agent');
  const home = await vaultHome();
  const pid = await unlockQuickly(home);
  const orgs = Array.from({ length: 300 }, (_, index) => `orgs/o${index}`);
  await storeKeys(home, 'encrypted-file', orgs);
  const { socket } = agentFiles(home);
  const list = formatRequest({ type: 'list', vault: home.vault, after: undefined });
  let closed = 0;
  const connections = Array.from({ length: 50 }, () => {
    const connection = connect(socket, () => connection.write(list));
    connection.pause();
    connection.on('error', () => undefined);
    connection.on('close', () => {
      closed += 1;
    });
    return connection;
  });
  const result = await runMesa(['auth', 'list'], { home, script: inject('quickMesa') });
  expect(result).toMatchObject({ status: 0, stderr: '' });
  expect(result.stdout.trim().split('\n')).toHaveLength(302);
  await sleep(5_500);
  connections.forEach((connection) => connection.resume());
  await waitUntil('the agent closes all connections', () => closed === connections.length);
  expect(isAlive(pid)).toBe(true);
  row.point('slow readers', await rssProblems(pid, socket));
  row.close(1);
});

/** Waits until the agent has seen what the kernel kept for it. */
async function untilAnswered(socket: string): Promise<void> {
  for (let attempt = 0; attempt < EXCHANGES; attempt += 1) {
    if ((await exchange(socket, '{"v":3,"type":"status"}\n')).includes('"pid"')) {
      return;
    }
    await sleep(50);
  }
  throw new Error('the agent answers nobody any more');
}

/** What the agent holds once it has given back what it can, which it does when it likes. */
async function rssProblems(pid: number, socket: string): Promise<readonly Problem[]> {
  let rss = Infinity;
  for (let reading = 0; reading < EXCHANGES && rss >= RSS_LIMIT_KIB; reading += 1) {
    await untilAnswered(socket);
    rss = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  }
  return rss < RSS_LIMIT_KIB ? [] : [{ kind: 'damaged', text: `the agent holds ${rss} KiB` }];
}
