// `npm run test:nodes`: the end-to-end tests of the built program on real Node binaries of every supported line, and on
// the oldest that package.json allows. They come from npm, as the packages that carry one binary each, into
// node_modules/.cache. `npm run test:nodes -- --quick` runs a choice of tests; other arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { builtProgramOrExit } from './built-from.mjs';

const VERSIONS = ['20.17.0', '20', '22', '24', '26'];
// What Node's own modules do for mesa: files and locks, terminals, processes, sockets, requests, scrypt, and the bundle as such.
const QUICK = [
  'keys',
  'agent',
  'git-credential',
  'mint-token',
  'package',
  'stdin-key',
  'terminal-passphrase',
  'terminal-signals',
  'vault-errors',
];
const root = resolve(import.meta.dirname, '..');

/** @returns {string} the path of a node binary of that line */
function install(version) {
  const prefix = join(root, 'node_modules/.cache/nodes', version);
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(prefix, 'node_modules', name, 'bin/node');
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true });
    run('npm', [
      'install',
      '--silent',
      '--no-save',
      '--no-package-lock',
      '--prefix',
      prefix,
      `${name}@${version}`,
    ]);
  }
  return binary;
}

function run(program, args, env = {}) {
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}

builtProgramOrExit('authority');
const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
const tests = isQuick ? QUICK.map((name) => `test/e2e/${name}.test.ts`) : ['test/e2e'];
for (const version of VERSIONS) {
  const node = install(version);
  process.stdout.write(`\nend-to-end tests on Node ${spawnSync(node, ['--version']).stdout.toString()}`);
  run('npx', ['vitest', 'run', ...tests, ...args.filter((arg) => arg !== '--quick')], {
    MESA_TEST_NODE: node,
  });
}
