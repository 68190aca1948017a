import { randomUUID } from 'node:crypto';

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

const FEWEST_POINTS = 20;

let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
});
afterAll(() => authority.stop());

/** An empty home directory gets a store with a key that may make others. @returns what tells the new keys apart */
function prepare(home: TempHome): string {
  writePlaintext(home, documentOf({ global: authority.adminKey }));
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
  if (!wasKilled) {
    const untold = (await madeAt(point)).filter((id) => id !== stored && !stderr.includes(id));
    problems.push(...untold.map((id) => ({ kind: 'silent', text: `nothing was said of ${id}` }) as const));
  }
  const isSaid = wasKilled || status === 0 || stderr !== '';
  if (!isSaid || /bug in mesa|mesa_(?!\*)/.test(stderr) || stdout !== '') {
    problems.push({ kind: 'unclear', text: `exit ${status}: ${stdout}${stderr}` });
  }
  const again = await runMesa([...create(point), '--yes'], optionsIn(home));
  if (again.status !== 0 || (await authority.idOf(storedKeys(home)['orgs/acme'] ?? '')) === undefined) {
    problems.push({ kind: 'damaged', text: `the next run fails: ${again.stderr}` });
  }
  return problems;
}

const ERRNOS = ['ENOSPC', 'EIO', 'EACCES'];

describe('api-keys create --store', () => {
  it.each<[string, readonly string[]]>([
    ['SIGKILL at', [KILL]],
    ['errors from', ERRNOS.map((errno) => `error=${errno}`)],
  ])('loses no key and keeps none to itself after %s each of its file-system calls', async (what, faults) => {
    const row = new FaultRow(`${what} each call, api-keys create --store`);
    const home = createTempHome();
    const clean = await traceFileCalls(create(prepare(home)), optionsIn(home));
    expect(clean.result).toMatchObject({ status: 0, stdout: '' });
    clearHome(home);
    prepare(home);
    // Each call once, with one fault after the other; as withoutForks, since the store is locked more than once.
    const points = aimAtEach(clean.calls, home.path)
      .filter(({ call }) => !HELPER_CALLS.has(call.syscall))
      .map((aim, at) => ({ aim, fault: { fault: faults[at % faults.length] ?? KILL } }));
    await hitEach(
      points,
      { argsIn: (_home, point) => create(point), optionsIn, prepare },
      async ({ aim: { call }, fault }, own, result, point) => {
        row.point(
          `${fault.fault} from ${call.line.replaceAll(home.path, '~')}`,
          await judge(own, point, result),
        );
      },
    );
    row.close(FEWEST_POINTS);
  });
});
