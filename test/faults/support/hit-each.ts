import type { RunOptions, RunResult } from '../../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { inParallel } from './in-parallel.ts';
import { clearHome } from './key-home.ts';
import { runInjected, type Aim, type Injection } from './strace.ts';

/** A fault, and the call that it is to meet. */
export interface Point<Fault extends Injection = Injection> {
  readonly aim: Aim;
  readonly fault: Fault;
}

/** A command that can be run again and again. */
export interface Rehearsal<State> {
  /** @param state what `prepare` gave */
  readonly argsIn: (home: TempHome, state: State) => readonly string[];
  readonly optionsIn: (home: TempHome) => RunOptions;
  /** Makes what the command finds, in an empty home directory. */
  readonly prepare: (home: TempHome) => State | Promise<State>;
}

// What is written to a temporary file may take several.
const ATTEMPTS = 40;

/**
 * Runs a command once and again for each point, in a home directory made anew each time, until the fault meets the call
 * that was aimed at. Whatever other call it met on the way counts as well.
 */
export async function hitEach<State, Fault extends Injection>(
  points: Iterable<Point<Fault>>,
  { argsIn, optionsIn, prepare }: Rehearsal<State>,
  judge: (point: Point<Fault>, home: TempHome, result: RunResult, state: State) => Promise<void>,
): Promise<void> {
  await inParallel(points, createTempHome, async (point, home) => {
    let { aim } = point;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      clearHome(home);
      const state = await prepare(home);
      const { result, hit, next } = await runInjected(argsIn(home, state), optionsIn(home), aim, point.fault);
      if (hit !== undefined) {
        await judge(point, home, result, state);
        if (hit.index === aim.index) {
          return;
        }
      }
      aim = next;
    }
    throw new Error(`never hit: ${point.aim.call.line}`);
  });
}
