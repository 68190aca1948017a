import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, inject, it } from 'vitest';

import { parseKeyUses, type KeyUse } from '../../src/core/key-use.ts';
import { runMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, readIfExists, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { keyOf, storeKeys } from './support/key-home.ts';
import { aimAtEach, KILL, runInjected, traceFileCalls } from './support/strace.ts';

const FULL_BYTES = 1024 * 1024;
const GET = ['auth', 'get-key', '--org', 'acme'];
const OLD_LINE = `${JSON.stringify({ time: 1, action: 'old', scope: 'global', outcome: 'used' })}\n`;

async function homeWithKey(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  await storeKeys(home, 'plaintext-file', ['orgs/acme']);
  return home;
}

async function homeWithLog(): Promise<TempHome> {
  const home = await homeWithKey();
  home.write('.local/share/mesa/uses.log', '');
  return home;
}

function logs(home: TempHome): { readonly uses: readonly KeyUse[]; readonly damaged: number } {
  const parts = ['uses.1.log', 'uses.log'].map((name) =>
    parseKeyUses(readIfExists(join(home.dataDir, name)) ?? ''),
  );
  return {
    uses: parts.flatMap(({ uses }) => uses),
    damaged: parts.reduce((sum, { damaged }) => sum + damaged, 0),
  };
}

it('has every line of a hundred uses at once, whole, while it is put aside', async () => {
  const row = new FaultRow('uses at once while the log is put aside');
  const home = await homeWithKey();
  const old = Math.floor(FULL_BYTES / OLD_LINE.length) - 20;
  home.write('.local/share/mesa/uses.log', OLD_LINE.repeat(old));
  const results = await Promise.all(
    Array.from({ length: 100 }, () => runMesa(GET, { home, script: inject('quickMesa') })),
  );
  for (const { status, stdout, stderr } of results) {
    const right = status === 0 && stdout === `${keyOf('orgs/acme')}\n` && stderr === '';
    row.point('a use', right ? [] : [{ kind: 'damaged', text: `exit ${status}: ${stderr}` }]);
  }
  const { uses, damaged } = logs(home);
  expect(damaged).toBe(0);
  expect(uses.filter(({ action }) => action === 'old')).toHaveLength(old);
  expect(uses.filter(({ action }) => action === 'get-key')).toHaveLength(100);
  expect(readIfExists(join(home.dataDir, 'uses.1.log'))).toBeDefined();
  row.close(100);
});

it('loses no use of a hundred at once that find the log too large', async () => {
  const row = new FaultRow('uses at once while the log is too large');
  const home = await homeWithKey();
  const old = Math.ceil((2.2 * FULL_BYTES) / OLD_LINE.length);
  home.write('.local/share/mesa/uses.log', OLD_LINE.repeat(old));
  const results = await Promise.all(
    Array.from({ length: 100 }, () => runMesa(GET, { home, script: inject('quickMesa') })),
  );
  for (const { status, stdout, stderr } of results) {
    const right = status === 0 && stdout === `${keyOf('orgs/acme')}\n` && stderr === '';
    row.point('a use', right ? [] : [{ kind: 'damaged', text: `exit ${status}: ${stderr}` }]);
  }
  const { uses, damaged } = logs(home);
  expect(damaged).toBe(0);
  expect(uses.filter(({ action }) => action === 'old')).toHaveLength(old);
  expect(uses.filter(({ action }) => action === 'get-key')).toHaveLength(100);
  row.close(100);
});

/** A key is handed out whatever becomes of the log, and what is not in it is told. */
function judge(home: TempHome, result: RunResult, killed: boolean): readonly Problem[] {
  const problems: Problem[] = [];
  const { uses, damaged } = logs(home);
  const recorded = uses.some(({ action }) => action === 'get-key');
  if (damaged > 0 || readIfExists(home.plaintext)?.includes(keyOf('orgs/acme')) !== true) {
    problems.push({ kind: 'damaged', text: 'the log or the store' });
  }
  if (!killed && (result.status !== 0 || result.stdout !== `${keyOf('orgs/acme')}\n`)) {
    problems.push({ kind: 'damaged', text: `no key: exit ${result.status}, ${result.stderr}` });
  }
  if (!killed && !recorded && !result.stderr.includes('this use is not in the log: ')) {
    problems.push({ kind: 'silent', text: result.stderr });
  }
  if (/bug|\n.*\n/.test(result.stderr)) {
    problems.push({ kind: 'unclear', text: result.stderr });
  }
  return problems;
}

it.each(['error=ENOSPC', 'error=EIO', 'error=EACCES', 'error=EROFS', KILL])(
  'keeps no key from anybody when its calls fail: %s',
  async (fault) => {
    const row = new FaultRow(`log of uses, ${fault}`);
    const script = inject('quickMesa');
    const traced = await homeWithLog();
    const { calls } = await traceFileCalls(GET, { home: traced, script });
    const aims = aimAtEach(calls, traced.path).filter(({ file }) => file?.endsWith('/uses.log') === true);
    for (const aim of aims) {
      const home = await homeWithLog();
      const { result, hit } = await runInjected(GET, { home, script }, aim, { fault });
      if (hit !== undefined) {
        row.point(aim.call.syscall, judge(home, result, fault === KILL));
      }
    }
    // Opening, looking, writing, closing.
    row.close(3);
  },
);

it('says that a line was cut short, and the next one is whole again', async () => {
  const row = new FaultRow('log of uses, full in the middle of a line');
  const home = await homeWithKey();
  const path = home.write(
    '.local/share/mesa/uses.log',
    OLD_LINE.repeat(8)
      .slice(0, 500 - 1)
      .concat('\n'),
  );
  const before = logs(home).uses.length;
  const cut = await runMesa(GET, { home, under: ['sh', '-c', 'ulimit -f 1; exec "$@"', 'sh'] });
  expect(cut).toMatchObject({
    status: 0,
    stdout: `${keyOf('orgs/acme')}\n`,
    stderr: `mesa: warning: this use is not in the log: ${path} was cut short\n`,
  });
  expect(readFileSync(path)).toHaveLength(512);
  row.point('cut', []);
  expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stderr: '' });
  const { uses } = logs(home);
  expect(uses).toHaveLength(before + 1);
  expect(uses.at(-1)).toMatchObject({ action: 'get-key', scope: 'orgs/acme' });
  row.point('after it', []);
  row.close(2);
});
