import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { expect, inject, it } from 'vitest';

import { runMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow } from './support/fault-row.ts';
import { inParallel } from './support/in-parallel.ts';
import { clearHome, readBytes } from './support/key-home.ts';
import { mountNamespace } from './support/namespace.ts';
import { argsIn, MANY_SCOPES, SCENARIO_ENV, SCENARIOS, type Scenario } from './support/scenarios.ts';

/** With every how many bytes a limit is tried: a command takes longer on a vault, and writes it by the same code. */
const ROWS = [
  { name: 'plaintext: set-key', step: 1 },
  { name: 'vault: set-key', step: 8 },
  { name: 'config: init, linked file', step: 1 },
  { name: 'migrate: to encrypted-file', step: 6 },
  { name: 'backup: vault', step: 6 },
] as const;

function runScenario(scenario: Scenario, home: TempHome, under: readonly string[]): Promise<RunResult> {
  return runMesa(argsIn(scenario, home), {
    home,
    under,
    cwd: '/',
    script: inject('quickMesa'),
    env: SCENARIO_ENV,
    ...(scenario.stdin === undefined ? {} : { stdin: scenario.stdin }),
  });
}

it.each(ROWS)(
  'keeps the old content when no file may grow to the new size: $name',
  async ({ name, step }) => {
    const row = new FaultRow(`file size limit at each byte, ${name}`);
    const scenario = await SCENARIOS[name]();
    const home = createTempHome();
    scenario.prepare(home);
    await runScenario(scenario, home, []);
    const size = readBytes(scenario.target(home))?.length ?? 0;
    const limits = Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step);

    await inParallel(limits, createTempHome, async (limit, own) => {
      clearHome(own);
      scenario.prepare(own);
      const result = await runScenario(scenario, own, ['prlimit', `--fsize=${limit}`]);
      expect(result.stderr).toContain('file size limit exceeded');
      row.point(`${limit} bytes`, await scenario.judge(own, result));
    });
    row.close(64);
  },
);

// Runs a command on a copy of a directory in a file system with room for a few pages more, and leaves what became of
// it beside the directory.
const IN_SMALL_FILE_SYSTEM = `
set -e
dir=$1 free=$2; shift 2
page=$(getconf PAGESIZE)
cp -a "$dir" "$dir.kept"
mount -t tmpfs -o "mode=700,size=$((64 * page))" none "$dir"
cp -a "$dir.kept/." "$dir/"
used=$(stat -f -c '%b - %f' "$dir")
head -c "$(((64 - ($used) - free) * page))" /dev/zero > "$dir/filler"
if "$@"; then status=0; else status=$?; fi
rm "$dir/filler"
rm -r "$dir.kept"
cp -a "$dir" "$dir.kept"
exit $status`;

// The large store takes five, its successor as many, the lock file one.
const PAGES = Array.from({ length: 13 }, (_, pages) => pages);

const namespace = mountNamespace();

// Without the right to mount, the limit on the file's size above has to do.
it
  .runIf(namespace !== undefined)
  .each(['plaintext: set-key', 'vault: set-key', 'migrate: to encrypted-file'] as const)(
  'keeps the old content when the disk is full after any of its pages: %s',
  async (name) => {
    const row = new FaultRow(`full disk at each page, ${name}`);
    const scenario = await SCENARIOS[name](MANY_SCOPES);
    const reports: string[] = [];
    await inParallel(PAGES, createTempHome, async (pages, own) => {
      clearHome(own);
      scenario.prepare(own);
      const dir = dirname(scenario.target(own));
      const result = await runScenario(scenario, own, [
        ...(namespace ?? []),
        'sh',
        '-c',
        IN_SMALL_FILE_SYSTEM,
        'sh',
        dir,
        String(pages),
      ]);
      reports.push(result.stderr);
      rmSync(dir, { recursive: true });
      renameSync(`${dir}.kept`, dir);
      row.point(`${pages} pages`, await scenario.judge(own, result));
    });
    row.close(PAGES.length);
    expect(reports.join('')).toContain('no space left on the device; nothing was changed');
    expect(reports.join('')).toMatch(/^(?:stored key|moved)/m);
  },
);
