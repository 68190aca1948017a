import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, inject, it } from 'vitest';

import { finishMesa, startMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow } from './support/fault-row.ts';
import {
  keyLines,
  keyOf,
  modeProblems,
  PASSPHRASE,
  readKeys,
  storeKeys,
  storePath,
  strayFiles,
} from './support/key-home.ts';

function startWriter(home: TempHome, org: string): { child: ChildProcess; end: Promise<RunResult> } {
  const child = startMesa(['auth', 'set-key', '--org', org], {
    home,
    // The lock is what is looked at here, and derivations of a second each would be most of the time.
    script: inject('quickMesa'),
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
  });
  return { child, end: finishMesa(child, keyOf(`orgs/${org}`)) };
}

/** On a slow disk the last of many has to wait for longer than a writer does, and says so: then it is started anew. */
async function writePatiently(home: TempHome, org: string): Promise<RunResult> {
  for (;;) {
    const result = await startWriter(home, org).end;
    if (result.status !== 8 || !result.stderr.includes('has been writing to the secret store for too long')) {
      return result;
    }
  }
}

function orgNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `org-${number}`);
}

it.each([
  ['plaintext-file', 100],
  ['encrypted-file', 40],
] as const)('keeps the key of every one of many writers at once: %s, %i', async (backend, count) => {
  const row = new FaultRow(`writers at once, ${backend}`);
  const home = createTempHome();
  home.useBackend(backend);
  const results = await Promise.all(orgNames(count).map((org) => writePatiently(home, org)));
  for (const { status, stderr } of results) {
    row.point('a writer', status === 0 ? [] : [{ kind: 'damaged', text: `exit ${status}: ${stderr}` }]);
  }
  expect((await readKeys(home, backend)).toSorted()).toEqual(
    keyLines(orgNames(count).map((org) => `orgs/${org}`)).toSorted(),
  );
  expect([...modeProblems(storePath(home, backend)), ...strayFiles(storePath(home, backend))]).toEqual([]);
  row.close(count);
});

const WRITERS = 100;
const AT_ONCE = 12;
const KILL_EVERY_MS = 60;
const READ_EVERY_MS = 15;
// A fast machine is done sooner.
const FEWEST_KILLS = 10;

it('loses no acknowledged key while writers are killed at random', async () => {
  const row = new FaultRow(`kill -9 every ${KILL_EVERY_MS} ms, ${WRITERS} writers`);
  const home = createTempHome();
  home.useBackend('plaintext-file');
  const living = new Set<ChildProcess>();
  const waiting = [...orgNames(WRITERS)];
  const acknowledged: string[] = [];
  let ended = 0;
  const damaged = (text: string): void => row.point('between kills', [{ kind: 'damaged', text }]);
  const observed = new AbortController();

  // Starts each writer anew until it has done its work, as a person would.
  const worker = async (): Promise<void> => {
    for (let org = waiting.shift(); org !== undefined; org = waiting.shift()) {
      const { child, end } = startWriter(home, org);
      living.add(child);
      const { status, signal, stderr } = await end;
      living.delete(child);
      ended += signal === 'SIGKILL' ? 0 : 1;
      if (status === 0) {
        acknowledged.push(`orgs/${org}`);
      } else {
        waiting.push(org);
        if (signal !== 'SIGKILL') {
          damaged(`exit ${status}: ${stderr}`);
        }
      }
    }
  };
  const killer = async (): Promise<void> => {
    for (let kills = 0; !observed.signal.aborted;) {
      await sleep(KILL_EVERY_MS);
      // The last few could otherwise be killed forever, and on a busy machine all.
      const victims = waiting.length > AT_ONCE && kills <= ended + AT_ONCE ? [...living] : [];
      const victim = victims[Math.floor(Math.random() * victims.length)];
      if (victim?.kill('SIGKILL') === true) {
        kills += 1;
        row.point('a kill', []);
      }
    }
  };
  const reader = async (): Promise<void> => {
    while (!observed.signal.aborted) {
      const known = keyLines(acknowledged);
      const found = await readKeys(home, 'plaintext-file').catch((error: unknown) => [String(error)]);
      const missing = known.filter((line) => !found.includes(line));
      if (missing.length > 0) {
        damaged(`missing ${missing.join(', ')} in ${found.join(', ')}`);
      }
      await sleep(READ_EVERY_MS);
    }
  };
  const observers = [killer(), reader()];
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  observed.abort();
  await Promise.all(observers);

  const next = await storeKeys(home, 'plaintext-file', ['orgs/next']);
  expect(next.waited).toBe(false);
  expect((await readKeys(home, 'plaintext-file')).toSorted()).toEqual(
    keyLines([...acknowledged, 'orgs/next']).toSorted(),
  );
  expect(strayFiles(home.plaintext)).toEqual([]);
  row.close(FEWEST_KILLS);
});
