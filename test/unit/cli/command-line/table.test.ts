import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, vi } from 'vitest';

import type { CommandSpec } from '../../../../src/cli/command-line/spec.ts';
import { findListed, loadTable, TABLE } from '../../../../src/cli/command-line/table.ts';
import { main } from '../../../../src/main.ts';
import { recordingHost } from '../../../support/recording-host.ts';
import { createTempHome } from '../../../support/temp-home.ts';

const FOLDER = resolve(import.meta.dirname, '../../../../src/cli/commands');

interface CommandFile {
  readonly file: string;
  readonly exported: Readonly<Record<string, unknown>>;
}

const files: readonly CommandFile[] = await Promise.all(
  readdirSync(FOLDER).map(async (file) => ({
    file,
    exported: (await import(join(FOLDER, file))) as CommandFile['exported'],
  })),
);

it('there are as many files of commands as commands, and no words name two', () => {
  expect(files.length).toBe(TABLE.length);
  expect(new Set(TABLE.map(({ words }) => words)).size).toBe(TABLE.length);
});

it.each(files)(
  '$file declares one command, under the words with which the table lists it',
  async ({ exported }) => {
    expect(Object.keys(exported)).toEqual(['command']);
    const command = exported['command'] as CommandSpec;
    const listed = TABLE.filter(({ words }) => words === command.path.join(' '));
    expect(listed.length).toBe(1);
    expect((await listed[0]?.load())?.command).toBe(command);
  },
);

it('help shows the commands in the order of the table', async () => {
  const { commands } = await loadTable();
  expect(commands.map(({ path }) => path.join(' '))).toEqual(TABLE.map(({ words }) => words));
});

it.each(TABLE.map(({ words }) => ({ words })))('"$words" is found by its words', ({ words }) => {
  const line = words.split(' ');
  for (const argv of [line, ['-y', ...line], ['-c', 'auth', ...line, '--json'], [...line, 'word']]) {
    expect(findListed(argv)?.words).toBe(words);
  }
  expect(findListed(line.slice(0, -1))).toBeUndefined();
  expect(findListed([...line.slice(0, -1), `${line.at(-1)}s`])).toBeUndefined();
});

it.each([
  { argv: ['auth', 'list'], loaded: ['auth list'] },
  { argv: ['auth', '-y', 'list', '--json'], loaded: ['auth list'] },
  { argv: ['completion', 'bash'], loaded: ['completion'] },
  { argv: ['auth', 'get-key', '--org', 'acme'], loaded: [] },
  { argv: ['auth', 'git-credential', 'store'], loaded: [] },
])('the plain command line "$argv" loads no file of another command: $loaded', async ({ argv, loaded }) => {
  const seen = TABLE.map((listed) => ({ words: listed.words, load: vi.spyOn(listed, 'load') }));
  const { host } = recordingHost(createTempHome(), {});
  await main(argv, host);
  expect(seen.filter(({ load }) => load.mock.calls.length > 0).map(({ words }) => words)).toEqual(loaded);
  vi.restoreAllMocks();
});
