import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';

import { startAuthority, type Authority } from '../support/authority.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { storedKeys } from '../support/stored-keys.ts';
import { documentOf, writePlaintext } from '../support/stores.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { hitEach } from './support/hit-each.ts';
import { HELPER_CALLS } from './support/injected-row.ts';
import { clearHome } from './support/key-home.ts';
import { aimAtEach, KILL, traceFileCalls } from './support/strace.ts';

// Each point runs the command twice against a server, and asks that about keys besides.
vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 120_000 });

const ROTATE = ['auth', 'api-keys', 'rotate', '--org', 'acme'];
const FEWEST_POINTS = 20;

let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
});
afterAll(() => authority.stop());

interface OldKey {
  readonly id: string;
  readonly key: string;
}

/** An empty home directory gets a store with a new key that may manage keys. */
async function prepare(home: TempHome): Promise<OldKey> {
  const old = await authority.createKey({ scopes: ['admin'] });
  writePlaintext(home, documentOf({ 'orgs/acme': old.key }));
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
  const again = await runMesa(ROTATE, optionsFor(home));
  const last = await workingKey(home);
  if (again.status !== 0 || last === undefined || (await authority.idOf(old.key)) !== undefined) {
    problems.push({ kind: 'damaged', text: `the next run did not end it: ${again.stderr}` });
  }
  // Those that were told of in the first run need not be told of again.
  for (const id of orphans.filter((orphan) => !`${result.stderr}${again.stderr}`.includes(orphan))) {
    problems.push({ kind: 'silent', text: `the next run says nothing of ${id}` });
  }
  return problems;
}

const ERRNOS = ['ENOSPC', 'EIO', 'EACCES'];

describe('api-keys rotate', () => {
  it.each<[string, readonly string[]]>([
    ['SIGKILL at', [KILL]],
    ['errors from', ERRNOS.map((errno) => `error=${errno}`)],
  ])('leaves a stored key that works after %s each of its file-system calls', async (what, faults) => {
    const row = new FaultRow(`${what} each call, api-keys rotate`);
    const home = createTempHome();
    const old = await prepare(home);
    const clean = await traceFileCalls(ROTATE, optionsFor(home));
    expect(clean.result).toMatchObject({ status: 0 });
    expect(await judge(home, old, clean.result)).toEqual([]);
    clearHome(home);
    await prepare(home);
    // Each call once, with one fault after the other; as withoutForks, since the store is locked more than once.
    const points = aimAtEach(clean.calls, home.path)
      .filter(({ call }) => !HELPER_CALLS.has(call.syscall))
      .map((aim, at) => ({ aim, fault: { fault: faults[at % faults.length] ?? KILL } }));
    await hitEach(
      points,
      { argsIn: () => ROTATE, optionsIn: optionsFor, prepare },
      async ({ aim: { call }, fault }, own, result, key) => {
        row.point(
          `${fault.fault} from ${call.line.replaceAll(home.path, '~')}`,
          await judge(own, key, result),
        );
      },
    );
    row.close(FEWEST_POINTS);
  });
});
