import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, inject, it } from 'vitest';

import { startAuthority, type Authority } from '../support/authority.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { storedKeys } from '../support/stored-keys.ts';
import { documentOf, writePlaintext } from '../support/stores.ts';
import type { TempHome } from '../support/temp-home.ts';
import type { Problem } from './support/fault-row.ts';
import { judgeErrors, judgeKills, type OnlineCommand } from './support/online-row.ts';

const ROTATE = ['auth', 'api-keys', 'rotate', '--org', 'acme'];

let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
});
afterAll(() => authority.stop());

interface OldKey {
  readonly id: string;
  readonly key: string;
}

function storeWith({ key }: OldKey): string {
  return documentOf({ 'orgs/acme': key });
}

/** An empty home directory gets a store with a new key that may manage keys. */
async function prepare(home: TempHome): Promise<OldKey> {
  const old = await authority.createKey({ scopes: ['admin'] });
  writePlaintext(home, storeWith(old));
  return old;
}

function optionsFor(home: TempHome): RunOptions {
  return { home, script: inject('quickMesa'), env: { MESA_API_URL: authority.url } };
}

/** The id of the stored key, when the server accepts it. */
async function workingKey(home: TempHome): Promise<string | undefined> {
  return authority.idOf(storedKeys(home)['orgs/acme'] ?? 'none');
}

async function madeFrom({ id }: OldKey): Promise<readonly string[]> {
  const keys = await authority.activeKeys();
  return keys.filter(({ tags }) => tags['rotated-from'] === id).map((key) => key.id);
}

/** A key works at any moment; what nobody has is told of; the next run brings it to its end. */
async function judge(home: TempHome, old: OldKey, result: RunResult): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const stored = await workingKey(home);
  if (stored === undefined) {
    problems.push({ kind: 'damaged', text: 'the stored key does not work' });
  }
  const orphans = (await madeFrom(old)).filter((id) => id !== stored);
  const wasKilled = result.signal !== null || result.status === 137;
  if (!wasKilled) {
    for (const id of orphans.filter((orphan) => !result.stderr.includes(orphan))) {
      problems.push({ kind: 'silent', text: `nothing was said of ${id}` });
    }
    if (/bug in mesa|mesa_(?!\*)/.test(result.stderr) || (result.status !== 0 && result.stderr === '')) {
      problems.push({ kind: 'unclear', text: result.stderr });
    }
  }
  if (result.status === 0 && (await authority.idOf(old.key)) !== undefined) {
    problems.push({ kind: 'silent', text: 'the old key was not revoked' });
  }
  if (orphans.length === 0 && readFileSync(home.plaintext, 'utf8') === storeWith(old)) {
    // As before the first run, so the next one is the first one again.
    await authority.revoke(old.id);
    return problems;
  }
  const again = await runMesa(ROTATE, optionsFor(home));
  const last = await workingKey(home);
  if (again.status !== 0 || last === undefined || (await authority.idOf(old.key)) !== undefined) {
    problems.push({ kind: 'damaged', text: `the next run did not end it: ${again.stderr}` });
  }
  // Those that were told of in the first run need not be told of again.
  for (const id of orphans.filter((orphan) => !`${result.stderr}${again.stderr}`.includes(orphan))) {
    problems.push({ kind: 'silent', text: `the next run says nothing of ${id}` });
  }
  // The command reads the list of active keys, which would grow with each point.
  await Promise.all([...orphans, ...(last === undefined ? [] : [last])].map((id) => authority.revoke(id)));
  return problems;
}

const COMMAND: OnlineCommand<OldKey> = {
  name: 'api-keys rotate',
  argsIn: () => ROTATE,
  optionsIn: optionsFor,
  prepare,
  judge,
};

describe('api-keys rotate', () => {
  it('leaves a stored key that works when it is killed at any of its file-system calls', () =>
    judgeKills(COMMAND));

  it('leaves a stored key that works when a file-system call fails after it made the new key', () =>
    judgeErrors(COMMAND));
});
