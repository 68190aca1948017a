import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_key00000000001111';
const HELP = ['commands', 'full', 'rolldown-runtime', 'set-key', 'start'];

/** Names of the bundle's files that a command line loads, in alphabetical order. */
async function loadedFiles(args: readonly string[], stdin = ''): Promise<readonly string[]> {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  const list = join(home.path, 'loaded.json');
  // The program compiles its files itself where the build has compiled them beforehand; else Node does.
  const preload = home.write(
    'list.cjs',
    `const vm = require('node:vm');
     const { prototype } = require('node:module');
     const loaded = new Set();
     const { _compile } = prototype;
     prototype._compile = function (content, filename) {
       loaded.add(filename);
       return _compile.apply(this, arguments);
     };
     vm.Script = class extends vm.Script {
       constructor(source, options) {
         super(source, options);
         loaded.add(options.filename);
       }
     };
     process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify([...loaded])));`,
  );
  const result = await runMesa(args, { home, stdin, env: { NODE_OPTIONS: `--require ${preload}` } });
  expect(result.status).toBe(0);
  return (JSON.parse(readFileSync(list, 'utf8')) as readonly string[])
    .flatMap((path) => /\/dist\/([^/]+)\.cjs$/.exec(path)?.[1] ?? [])
    .filter((name) => name !== 'mesa')
    .toSorted();
}

it.each([
  { args: ['--version'], files: ['start'] },
  { args: ['auth', 'get-key', '--org', 'acme'], files: ['start'] },
  { args: ['auth', 'git-credential', 'store'], files: ['start'] },
  { args: ['auth', 'list'], files: ['commands', 'start'] },
  { args: ['auth', 'rm-key', '--org', 'acme'], files: ['commands', 'start', 'write'] },
  { args: ['--help'], files: HELP },
  { args: ['auth', '--help'], files: HELP },
  { args: ['auth', 'doctor', '--help'], files: HELP },
  { args: ['auth', 'api-keys', 'rotate', '--help'], files: HELP },
])('$args loads $files of the program, and nothing of any other command', async ({ args, files }) => {
  expect(await loadedFiles(args)).toEqual(files);
});

it('Tab loads every declaration, and of what commands work with only what completes', async () => {
  expect(await loadedFiles(['__complete'], 'mesa\nauth\n')).toEqual([
    'commands',
    'complete',
    'set-key',
    'start',
  ]);
});
