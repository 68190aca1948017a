import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, inject, it } from 'vitest';

import { startGate } from '../support/api-gate.ts';
import { startAuthority, type Authority } from '../support/authority.ts';
import { runMesa, type RunOptions, type RunResult } from '../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../support/stores.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';

const PRECIOUS = 'mesa_precious000000009f2c';
const NEW = 'mesa_new0000000000000c0de';

/** Makes every clock of a Node program show one time. */
const CLOCK = `
const at = Date.parse(process.env.TEST_CLOCK);
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...args) { super(...(args.length === 0 ? [at] : args)); }
  static now() { return at; }
};
`;

function withClock(home: TempHome, time: string): Record<string, string> {
  const script = home.write('clock.cjs', CLOCK);
  return { NODE_OPTIONS: `--require=${script}`, TEST_CLOCK: time };
}

/** As they are, but for the lock, which a writer makes. */
function files(home: TempHome): readonly string[] {
  return fingerprint(home).filter((line) => !line.endsWith('/.lock'));
}

function judgeText({ status, stderr }: RunResult): readonly Problem[] {
  const unclear =
    /bug in mesa|mesa_(?!\*)|unexpected/.test(stderr) || (status !== 0 && !stderr.startsWith('mesa: '));
  return unclear ? [{ kind: 'unclear', text: stderr }] : [];
}

/** What was there before is there, and what was acknowledged, too. */
async function judgeStore(
  before: readonly string[],
  home: TempHome,
  result: RunResult,
  options: RunOptions,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [...judgeText(result)];
  const get = (org: string): Promise<RunResult> => runMesa(['auth', 'get-key', '--org', org], options);
  const precious = await get('precious');
  if (precious.stdout !== `${PRECIOUS}\n`) {
    problems.push({ kind: 'damaged', text: precious.stderr });
  }
  if (result.status === 0 && (await get('acme')).stdout !== `${NEW}\n`) {
    problems.push({ kind: 'silent', text: 'the key that was acknowledged is not there' });
  }
  if (result.status !== 0 && files(home).join() !== before.join()) {
    problems.push({ kind: 'damaged', text: 'the command failed, and something changed' });
  }
  return problems;
}

const WRITERS: Readonly<
  Record<string, { readonly args: readonly string[]; readonly env?: Record<string, string> }>
> = {
  'set-key': { args: ['auth', 'set-key', '--org', 'acme', NEW] },
  MESA_ORGS: { args: ['auth', 'list'], env: { MESA_ORGS: `acme:${NEW}` } },
};

describe('a clock', () => {
  it.each(['plaintext-file', 'encrypted-file'] as const)(
    'that is far off destroys no %s, whatever is stored meanwhile',
    async (backend) => {
      const row = new FaultRow('clocks that are far off');
      for (const time of [
        '-271821-04-20T00:00:00.000Z',
        '-000001-12-31T23:59:59.999Z',
        '0000-06-01T00:00:00.000Z',
        '0001-01-01T00:00:00.000Z',
        '1969-12-31T23:59:59.999Z',
        '2038-01-19T03:14:08.000Z',
        '2106-02-07T06:28:16.000Z',
        '9999-12-31T23:59:59.999Z',
        '+010000-01-01T00:00:00.000Z',
        '+010016-11-27T00:00:00.000Z',
        '+275760-09-13T00:00:00.000Z',
      ]) {
        for (const [name, { args, env }] of Object.entries(WRITERS)) {
          const home = createTempHome();
          const document = documentOf({ 'orgs/precious': PRECIOUS });
          if (backend === 'plaintext-file') {
            writePlaintext(home, document);
          } else {
            await writeVault(home, document);
          }
          const options = { home, script: inject('quickMesa'), env: UNLOCKED };
          const clock = withClock(home, time);
          const before = files(home);
          const result = await runMesa(args, { ...options, env: { ...UNLOCKED, ...clock, ...env } });
          row.point(`${name} in ${time}`, await judgeStore(before, home, result, options));
        }
      }
      row.close(22);
    },
  );
});

describe('a server', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority();
  });
  afterAll(() => authority.stop());

  const TIMES = [
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '0000-01-01T00:00:00+01:00',
    '+275760-09-13T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'never',
  ];

  it('that answers with times that no store can hold costs no key', async () => {
    const row = new FaultRow('strange times in answers of a server');
    for (const field of ['expires_at', 'created_at', 'last_used_at']) {
      for (const time of TIMES) {
        for (const from of ['POST', 'GET'] as const) {
          const old = await authority.createKey({ scopes: ['admin'], expires_in_seconds: 100_000 });
          const home = createTempHome();
          writePlaintext(home, documentOf({ 'orgs/acme': old.key, 'orgs/precious': PRECIOUS }));
          const gate = await startGate(
            authority.url,
            () => true,
            (request, answer) =>
              request.startsWith(`${from} /v1/acme/api-keys`) ? forge(answer, field, time) : answer,
          );
          const options = { home, script: inject('quickMesa'), env: { MESA_API_URL: gate.url } };
          const result = await runMesa(['auth', 'api-keys', 'rotate', '--org', 'acme'], options);
          const problems = [...judgeText(result)];
          const stored = await runMesa(['auth', 'get-key', '--org', 'acme'], options);
          const precious = await runMesa(['auth', 'get-key', '--org', 'precious'], options);
          if (
            (await authority.idOf(stored.stdout.trim())) === undefined ||
            precious.stdout !== `${PRECIOUS}\n`
          ) {
            problems.push({
              kind: 'damaged',
              text: `${stored.stderr}${readFileSync(home.plaintext, 'utf8')}`,
            });
          }
          const active = await authority.activeKeys();
          const orphans = active.filter(({ tags }) => tags['rotated-from'] === old.id);
          if (result.status !== 0 && orphans.length > 0) {
            problems.push({ kind: 'silent', text: 'a key that nobody has was left on the server' });
          }
          for (const { id } of orphans) {
            await authority.revoke(id);
          }
          row.point(`${from} ${field} ${time}`, problems);
        }
      }
    }
    row.close(42);
  });
});

/** The answer with another value in every object that is a key. */
function forge(answer: string, field: string, time: string): string {
  const value = JSON.parse(answer) as Record<string, unknown>;
  const keys = Array.isArray(value['api_keys']) ? (value['api_keys'] as Record<string, unknown>[]) : [value];
  for (const key of keys) {
    key[field] = time;
  }
  return JSON.stringify(value);
}
