import { expect } from 'vitest';

import type { RunOptions, RunResult } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { FaultRow, type Problem } from './fault-row.ts';
import { hitEach } from './hit-each.ts';
import { HELPER_CALLS } from './injected-row.ts';
import { clearHome } from './key-home.ts';
import { aimAtEach, KILL, traceFileCalls, type Aim } from './strace.ts';

/** A command that makes a key on a server and puts it into the store. */
export interface OnlineCommand<State> {
  readonly name: string;
  readonly argsIn: (home: TempHome, state: State) => readonly string[];
  readonly optionsIn: (home: TempHome) => RunOptions;
  /** Gives an empty home directory a store. */
  readonly prepare: (home: TempHome) => State | Promise<State>;
  readonly judge: (home: TempHome, state: State, result: RunResult) => Promise<readonly Problem[]>;
}

const FEWEST_POINTS = 20;

/** Asserts that nothing is wrong when the command is killed at any of its file-system calls. */
export function judgeKills<State>(command: OnlineCommand<State>): Promise<void> {
  return judgePoints('SIGKILL at each call', command, [KILL], (aims) => aims);
}

/**
 * The same for errors once there is a new key: from the last time that the store is locked. Until then an error is a
 * refusal as of any other command.
 */
export function judgeErrors<State>(command: OnlineCommand<State>): Promise<void> {
  const faults = ['ENOSPC', 'EIO', 'EACCES'].map((errno) => `error=${errno}`);
  return judgePoints('errors from each call with a new key', command, faults, (aims) =>
    aims.slice(aims.findLastIndex(({ call }) => /openat.*\/\.lock"/.test(call.line))),
  );
}

async function judgePoints<State>(
  what: string,
  command: OnlineCommand<State>,
  faults: readonly string[],
  choose: (aims: readonly Aim[]) => readonly Aim[],
): Promise<void> {
  const { name, argsIn, optionsIn, prepare, judge } = command;
  const row = new FaultRow(`${what}, ${name}`);
  const home = createTempHome();
  const state = await prepare(home);
  const clean = await traceFileCalls(argsIn(home, state), optionsIn(home));
  expect(clean.result).toMatchObject({ status: 0 });
  expect(await judge(home, state, clean.result)).toEqual([]);
  clearHome(home);
  await prepare(home);
  // As withoutForks: the store is locked more than once.
  const aims = choose(aimAtEach(clean.calls, home.path)).filter(
    ({ call }) => !HELPER_CALLS.has(call.syscall),
  );
  const points = faults.flatMap((fault) => aims.map((aim) => ({ aim, fault: { fault } })));
  await hitEach(
    points,
    { argsIn, optionsIn, prepare },
    async ({ aim: { call }, fault: { fault } }, own, result, itsState) => {
      row.point(`${fault} from ${call.line.replaceAll(home.path, '~')}`, await judge(own, itsState, result));
    },
  );
  row.close(FEWEST_POINTS);
}
