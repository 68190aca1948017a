import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';

import { runProgram } from '../../src/cli/command-line/full.ts';
import { globalOptions, parsePlainCommandLine, type CommandSpec } from '../../src/cli/command-line/spec.ts';
import { findListed, loadTable } from '../../src/cli/command-line/table.ts';
import type { Host } from '../../src/platform/host.ts';
import type { GlobalOptions } from '../../src/session/context.ts';
import { expectShare, RUNS } from '../support/runs.ts';
import { createTempHome } from '../support/temp-home.ts';

const { commands: COMMANDS } = await loadTable();

/** What a command was started with. */
interface Start {
  readonly path: CommandSpec['path'];
  readonly flags: ReadonlyMap<string, string | readonly string[] | true>;
  readonly argument: string | undefined;
  readonly rest: readonly string[];
  readonly globals: GlobalOptions;
}

const WORDS = [
  'acme',
  'web',
  'mesa_key',
  'help',
  'auth',
  'list',
  'get-key',
  'init',
  '',
  'a b',
  'x=y',
  '=',
  'é',
];
const word = fc.constantFrom(...WORDS);
const flag = fc.oneof(
  fc.constantFrom(
    ['-y'],
    ['--non-interactive'],
    ['--json'],
    ['--explain'],
    ['-h'],
    ['--help'],
    ['-V'],
    ['--'],
  ),
  fc.constantFrom(
    ['-yc'],
    ['-cpath'],
    ['--org=acme'],
    ['--orgs'],
    ['--or'],
    ['-1'],
    ['-'],
    ['--json=x'],
    ['-yy'],
  ),
  fc
    .tuple(fc.constantFrom('--org', '--repo', '-c', '--config-path', '--backend'), word)
    .map(([name, value]) => [name, value]),
  fc.constantFrom('--org', '--repo', '-c', '--backend').map((name) => [name]),
);
const command = fc.constantFrom(...COMMANDS).map(({ path }) => [...path]);
// A command with flags and words anywhere, also between its own two words.
const argv = fc
  .tuple(
    command,
    fc.array(
      fc.tuple(
        fc.nat({ max: 6 }),
        fc.oneof(
          { weight: 4, arbitrary: flag },
          word.map((one) => [one]),
        ),
      ),
    ),
  )
  .map(([words, insertions]) =>
    insertions.reduce<readonly string[]>((line, [at, part]) => line.toSpliced(at, 0, ...part), words),
  );

function quietHost(home: string): Host {
  const stream = { isTerminal: false, write: () => undefined };
  return {
    env: { HOME: home },
    platform: 'linux',
    stdout: stream,
    stderr: stream,
    stdin: { isTerminal: false, chunks: () => [] },
    cwd: () => home,
    script: '/mesa.cjs',
    now: () => new Date(0),
  };
}

it('the quick reader of command lines and the library start the same command with the same flags', async () => {
  const host = quietHost(createTempHome().path);
  const starts: Start[] = [];
  for (const spec of COMMANDS) {
    vi.spyOn(spec, 'run').mockImplementation((context, flags, argument, rest) => {
      starts.push({ path: spec.path, flags, argument, rest, globals: context.globals });
      return Promise.resolve();
    });
  }
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(argv, async (line) => {
      const plain = parsePlainCommandLine(line, COMMANDS);
      if (plain === undefined) {
        return;
      }
      accepted += 1;
      starts.length = 0;
      await runProgram(line, host);
      const { command: spec, flags, argument, rest } = plain;
      expect(findListed(line)?.words).toBe(spec.path.join(' '));
      expect(starts).toEqual([{ path: spec.path, flags, argument, rest, globals: globalOptions(flags) }]);
    }),
    { numRuns: RUNS },
  );
  expectShare(accepted, 0.05);
});
