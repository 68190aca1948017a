import { describe, expect, inject, it } from 'vitest';

import type { RunOptions, RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { inParallel } from './support/in-parallel.ts';
import { judgeDurability } from './support/judge.ts';
import { clearHome, OLD_STRAY, strayFiles } from './support/key-home.ts';
import {
  argsIn,
  LEGACY_KEYS,
  SCENARIO_ENV,
  SCENARIO_NAMES,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './support/scenarios.ts';
import { runInjected, traceCallsOf, traceFileCalls, type FileCall } from './support/strace.ts';

interface Fault {
  /** As in strace. */
  readonly fault: string;
  readonly more?: readonly string[];
  /** Which calls it makes sense for; all when absent. */
  readonly concerns?: (call: FileCall, at: number) => boolean;
  /** What is wrong, besides what is wrong after any fault. */
  readonly alsoJudge?: (
    scenario: Scenario,
    home: TempHome,
    result: RunResult,
    call: FileCall,
  ) => readonly Problem[];
}

function failed(
  scenario: Scenario,
  home: TempHome,
  result: RunResult,
  { syscall }: FileCall,
): readonly Problem[] {
  return [...ownStrays(scenario, home, result), ...judgeDurability(syscall, result)];
}

/** A command that goes on after an error removes its temporary file itself. */
function ownStrays({ target }: Scenario, home: TempHome, { status }: RunResult): readonly Problem[] {
  return status === 0
    ? []
    : strayFiles(target(home))
        .filter((name) => !name.endsWith(OLD_STRAY))
        .map((name) => ({ kind: 'stray', text: `${name} right after the error` }));
}

const ERRNOS = ['ENOSPC', 'EIO', 'EACCES', 'EROFS'];

const KILLED: readonly Fault[] = [{ fault: 'signal=KILL' }];

const FAILED_WITH_ITS_CLEANING_UP: Fault = {
  fault: 'error=EIO',
  more: ['unlink:error=EIO', 'unlinkat:error=EIO'],
  concerns: ({ line, syscall }) => line.includes('.tmp') && !syscall.startsWith('unlink'),
  alsoJudge: (_scenario, _home, result, { syscall }) => judgeDurability(syscall, result),
};

const EVERY_ERROR: readonly Fault[] = [
  ...ERRNOS.map((errno) => ({ fault: `error=${errno}`, alsoJudge: failed })),
  FAILED_WITH_ITS_CLEANING_UP,
];

/** Each call once, with one errno after the other: for what is the same code as elsewhere, and slower. */
const ERRORS_IN_TURN: readonly Fault[] = [
  ...ERRNOS.map((errno, turn) => ({
    fault: `error=${errno}`,
    alsoJudge: failed,
    concerns: (_call: FileCall, at: number) => at % ERRNOS.length === turn,
  })),
  FAILED_WITH_ITS_CLEANING_UP,
];

const INTERRUPTED: readonly Fault[] = [
  {
    fault: 'error=EINTR',
    // libuv's own, between fork and exec.
    concerns: ({ syscall }) => syscall !== 'dup2',
    alsoJudge: (_scenario, _home, { status, stderr }) =>
      status === 0 ? [] : [{ kind: 'damaged', text: `not tried again: ${stderr}` }],
  },
];

/**
 * For a command that starts several programs: strace counts the calls of each by itself, so that none but the first
 * program can be meant.
 */
function withoutForks(faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => ({
    ...fault,
    concerns: (call, at) => !['dup2', 'flock'].includes(call.syscall) && (fault.concerns?.(call, at) ?? true),
  }));
}

const ROWS: readonly (readonly [string, ScenarioName, readonly Fault[]])[] = [
  ...SCENARIO_NAMES.map((name) => ['SIGKILL at', name, KILLED] as const),
  ...SCENARIO_NAMES.map(
    (name) =>
      [
        'errors from',
        name,
        /^(?:plaintext: (?!restore)|config)/.test(name) ? EVERY_ERROR : ERRORS_IN_TURN,
      ] as const,
  ),
  ['SIGKILL at', LEGACY_KEYS, withoutForks(KILLED)],
  ['errors from', LEGACY_KEYS, withoutForks(ERRORS_IN_TURN)],
  ['EINTR from', 'plaintext: set-key', INTERRUPTED],
  ['EINTR from', 'vault: set-key', INTERRUPTED],
  ['EINTR from', 'config: init, linked file', INTERRUPTED],
];

// Two derivations and more in one command move a call's number about.
const ATTEMPTS = 40;
const FEWEST_POINTS = 20;

describe('a command that writes', () => {
  it.each(ROWS)(
    'leaves the old content or the new after %s each of its file-system calls (%s)',
    async (what, name, faults) => {
      const row = new FaultRow(`${what} each call, ${name}`);
      const scenario = await SCENARIOS[name]();
      const optionsFor = (home: TempHome): RunOptions => ({
        home,
        script: inject('quickMesa'),
        env: { ...SCENARIO_ENV, ...scenario.env },
        ...(scenario.stdin === undefined ? {} : { stdin: scenario.stdin }),
      });

      const home = createTempHome();
      scenario.prepare(home);
      const clean = await traceFileCalls(argsIn(scenario, home), optionsFor(home));
      expect(clean.result).toMatchObject({ status: 0 });
      expect(await scenario.judge(home, clean.result)).toEqual([]);

      const quickNumbers = new Map<string, readonly FileCall[]>();
      for (const syscall of new Set(clean.calls.map((call) => call.syscall))) {
        clearHome(home);
        scenario.prepare(home);
        quickNumbers.set(syscall, await traceCallsOf(syscall, argsIn(scenario, home), optionsFor(home)));
      }

      const points = faults.flatMap((fault) =>
        clean.calls.filter((call, at) => fault.concerns?.(call, at) ?? true).map((call) => ({ call, fault })),
      );
      await inParallel(points, createTempHome, async ({ call, fault }, own) => {
        // Threads wake each other by read and write, so a call's number may differ from run to run.
        const quick = fault.fault.startsWith('error=') ? quickNumbers.get(call.syscall) : undefined;
        let when = quick?.[call.index]?.when ?? call.when;
        for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
          clearHome(own);
          scenario.prepare(own);
          const { result, hit, calls } = await runInjected(argsIn(scenario, own), optionsFor(own), {
            ...fault,
            syscall: call.syscall,
            when,
          });
          if (hit !== undefined) {
            row.point(`${fault.fault} from ${call.line.replaceAll(home.path, '~')}`, [
              ...(fault.alsoJudge?.(scenario, own, result, call) ?? []),
              ...(await scenario.judge(own, result)),
            ]);
            if (hit.index === call.index) {
              return;
            }
          }
          when = calls.find(({ index }) => index === call.index)?.when ?? when + 1;
        }
        throw new Error(`never hit: ${call.line}`);
      });
      row.close(FEWEST_POINTS);
    },
  );
});
