import { setTimeout as sleep } from 'node:timers/promises';

import { inject, it } from 'vitest';

import { builtMesa, finishMesa, startMesa } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { inParallel } from './support/in-parallel.ts';
import { clearHome } from './support/key-home.ts';
import { argsIn, SCENARIO_ENV, SCENARIOS } from './support/scenarios.ts';

const ROWS = [
  { name: 'plaintext: set-key', what: 'the program', tries: 80 },
  { name: 'vault: set-key', what: 'the program', tries: 12 },
  { name: 'vault: set-key', what: 'a build with quick derivations', tries: 60 },
  { name: 'config: init, linked file', what: 'the program', tries: 40 },
  { name: 'migrate: to encrypted-file', what: 'a build with quick derivations', tries: 40 },
] as const;

it.each(ROWS)(
  'leaves the old content or the new when it is interrupted at any moment: $name of $what',
  async ({ name, what, tries }) => {
    const row = new FaultRow(`INT and TERM at random, ${name}${what === 'the program' ? '' : ', quick'}`);
    const scenario = await SCENARIOS[name]();
    const start = (home: TempHome) => {
      const child = startMesa(argsIn(scenario, home), {
        home,
        script: what === 'the program' ? builtMesa() : inject('quickMesa'),
        env: SCENARIO_ENV,
      });
      return { child, end: finishMesa(child, scenario.stdin) };
    };
    const home = createTempHome();
    scenario.prepare(home);
    const { milliseconds: whole } = await start(home).end;

    const signals = Array.from({ length: tries }, (_, index) => (index % 2 === 0 ? 'SIGINT' : 'SIGTERM'));
    await inParallel(signals, createTempHome, async (signal, own) => {
      clearHome(own);
      scenario.prepare(own);
      const { child, end } = start(own);
      const delay = Math.random() * whole * 1.2;
      await sleep(delay);
      child.kill(signal);
      const result = await end;
      const problems: Problem[] = [];
      if (result.status !== 0 && result.signal !== signal) {
        problems.push({
          kind: 'unclear',
          text: `ended with ${result.status ?? result.signal}: ${result.stderr}`,
        });
      }
      row.point(`${signal} after ${Math.round(delay)} ms`, [
        ...problems,
        ...(await scenario.judge(own, result)),
      ]);
    });
    row.close(tries);
  },
);
