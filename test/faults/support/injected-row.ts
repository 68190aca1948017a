import { expect, inject } from 'vitest';

import type { RunOptions, RunResult } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { FaultRow, type Problem } from './fault-row.ts';
import { hitEach } from './hit-each.ts';
import { judgeDurability } from './judge.ts';
import { clearHome, OLD_STRAY, strayFiles } from './key-home.ts';
import {
  argsIn,
  SCENARIO_ENV,
  type SCENARIO_NAMES,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from './scenarios.ts';
import type { FileCall } from './strace-log.ts';
import { aimAtEach, KILL, traceFileCalls, type Injection } from './strace.ts';

export interface Fault extends Injection {
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

export const KILLED: readonly Fault[] = [
  {
    fault: KILL,
    alsoJudge: (_scenario, _home, { signal, stderr }, { syscall }) =>
      signal === 'SIGKILL' || HELPER_CALLS.has(syscall)
        ? []
        : [{ kind: 'unclear', text: `was not killed: ${stderr}` }],
  },
];

/** Of the helper that locks, and of libuv between fork and exec. */
export const HELPER_CALLS: ReadonlySet<string> = new Set(['dup2', 'flock']);

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
export const ERRORS_IN_TURN: readonly Fault[] = [
  ...ERRNOS.map((errno, turn) => ({
    fault: `error=${errno}`,
    alsoJudge: failed,
    concerns: (_call: FileCall, at: number) => at % ERRNOS.length === turn,
  })),
  FAILED_WITH_ITS_CLEANING_UP,
];

/** For a command that starts no other programs. What changes files by itself meets every error. */
export function errorsFor(name: (typeof SCENARIO_NAMES)[number]): readonly Fault[] {
  return /^(?:plaintext: (?!restore)|config)/.test(name) ? EVERY_ERROR : ERRORS_IN_TURN;
}

export const INTERRUPTED: readonly Fault[] = [
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
export function withoutForks(faults: readonly Fault[]): readonly Fault[] {
  return faults.map((fault) => ({
    ...fault,
    concerns: (call, at) => !HELPER_CALLS.has(call.syscall) && (fault.concerns?.(call, at) ?? true),
  }));
}

const FEWEST_POINTS = 20;

/** Asserts that a command leaves the old content or the new, whichever of its file-system calls meets a fault. */
export async function judgeEachCall(
  what: string,
  name: ScenarioName,
  faults: readonly Fault[],
): Promise<void> {
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

  clearHome(home);
  scenario.prepare(home);
  const aims = aimAtEach(clean.calls, home.path);
  const points = faults.flatMap((fault) =>
    aims.filter(({ call }, at) => fault.concerns?.(call, at) ?? true).map((aim) => ({ aim, fault })),
  );
  await hitEach(
    points,
    { argsIn: (own) => argsIn(scenario, own), optionsIn: optionsFor, prepare: scenario.prepare },
    async ({ aim: { call }, fault }, own, result) => {
      row.point(`${fault.fault} from ${call.line.replaceAll(home.path, '~')}`, [
        ...(fault.alsoJudge?.(scenario, own, result, call) ?? []),
        ...(await scenario.judge(own, result)),
      ]);
    },
  );
  row.close(FEWEST_POINTS);
}
