import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, inject, it } from 'vitest';

import { startAuthority, type Authority } from '../support/authority.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { storedKeys } from '../support/stored-keys.ts';
import { documentOf, writePlaintext } from '../support/stores.ts';
import type { TempHome } from '../support/temp-home.ts';
import type { Problem } from './support/fault-row.ts';
import { judgeErrors, judgeKills, type OnlineCommand } from './support/online-row.ts';

let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
});
afterAll(() => authority.stop());

function storeBefore(): string {
  return documentOf({ global: authority.adminKey });
}

/** An empty home directory gets a store with a key that may make others. @returns what tells the new keys apart */
function prepare(home: TempHome): string {
  writePlaintext(home, storeBefore());
  return randomUUID();
}

function create(point: string): readonly string[] {
  return [
    'auth',
    'api-keys',
    'create',
    '--org',
    'acme',
    '--store',
    '--scope',
    'admin',
    '--tag',
    `point=${point}`,
  ];
}

function optionsIn(home: TempHome): RunOptions {
  return { home, script: inject('quickMesa'), env: { MESA_API_URL: authority.url } };
}

async function madeAt(point: string): Promise<readonly string[]> {
  const keys = await authority.activeKeys();
  return keys.filter(({ tags }) => tags['point'] === point).map(({ id }) => id);
}

/** No key is lost, a new one that nobody has is told of, and the next run makes one that works. */
async function judge(home: TempHome, point: string, result: RunResult): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const { status, signal, stdout, stderr } = result;
  const wasKilled = signal !== null || status === 137;
  const { global: admin, 'orgs/acme': key } = storedKeys(home);
  const stored = key === undefined ? undefined : await authority.idOf(key);
  if (admin !== authority.adminKey || (key !== undefined && stored === undefined)) {
    problems.push({ kind: 'damaged', text: 'a stored key is gone, or does not work' });
  }
  if (status === 0 && stored === undefined) {
    problems.push({ kind: 'silent', text: 'the new key is not in the store' });
  }
  const made = await madeAt(point);
  if (!wasKilled) {
    const untold = made.filter((id) => id !== stored && !stderr.includes(id));
    problems.push(...untold.map((id) => ({ kind: 'silent', text: `nothing was said of ${id}` }) as const));
  }
  const isSaid = wasKilled || status === 0 || stderr !== '';
  if (!isSaid || /bug in mesa|mesa_(?!\*)/.test(stderr) || stdout !== '') {
    problems.push({ kind: 'unclear', text: `exit ${status}: ${stdout}${stderr}` });
  }
  if (made.length === 0 && readFileSync(home.plaintext, 'utf8') === storeBefore()) {
    // As before the first run, so the next one is the first one again.
    return problems;
  }
  const again = await runMesa([...create(point), '--yes'], optionsIn(home));
  if (again.status !== 0 || (await authority.idOf(storedKeys(home)['orgs/acme'] ?? '')) === undefined) {
    problems.push({ kind: 'damaged', text: `the next run fails: ${again.stderr}` });
  }
  // So that the list of active keys does not grow with each point.
  await Promise.all((await madeAt(point)).map((id) => authority.revoke(id)));
  return problems;
}

const COMMAND: OnlineCommand<string> = {
  name: 'api-keys create --store',
  argsIn: (_home, point) => create(point),
  optionsIn,
  prepare,
  judge,
};

describe('api-keys create --store', () => {
  it('loses no key and keeps none to itself when it is killed at any of its file-system calls', () =>
    judgeKills(COMMAND));

  it('loses no key and keeps none to itself when a file-system call fails after it made the key', () =>
    judgeErrors(COMMAND));
});
