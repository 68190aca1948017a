// `npm run test:nodes`: the end-to-end tests of the built program on real Node binaries of every supported line, and on
// the oldest that package.json allows; and that both programs refuse older ones. They come from npm, as the packages that carry one binary each, into
// node_modules/.cache. `npm run test:nodes -- --quick` runs a choice of tests; other arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { builtProgramOrExit } from './built-from.mjs';

const VERSIONS = ['20.17.0', '20', '22', '24', '26'];
const TOO_OLD = ['12', '16', '18', '20.16.0'];
// The library is refused as a whole by a Node that cannot read the language that it is written in.
const READS_LIBRARY = 16;
// What Node's own modules do for mesa: files and locks, terminals, processes, sockets, requests, scrypt, and the bundle as such.
const QUICK = [
  'keys/keys',
  'agent/agent',
  'keys/git-credential',
  'server/mint-token',
  'build/package',
  'keys/stdin-key',
  'terminal/terminal-passphrase',
  'terminal/terminal-signals',
  'stores/vault-errors',
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

/** Both programs say one sentence, and the library throws it where it can be read. */
function expectRefusal(node) {
  const version = spawnSync(node, ['--version']).stdout.toString().trim().slice(1);
  const library = `try { require('./dist/library.cjs'); } catch (error) { console.error(error.message); process.exit(1); }`;
  const programs = [
    ['mesa', 'bin/mesa.cjs', 'auth', 'doctor'],
    ['mesa-authority', 'authority/bin/mesa-authority.mjs', 'serve'],
  ];
  if (Number(version.split('.')[0]) >= READS_LIBRARY) {
    programs.push(['mesa-auth', '-e', library]);
  }
  for (const [program, ...args] of programs) {
    const { status, stderr } = spawnSync(node, args, { cwd: root, encoding: 'utf8' });
    const expected = `${program}: Node ${version} is too old; ${program} needs Node 20.17 or newer\n`;
    if (status !== 1 || stderr !== expected) {
      process.stderr.write(`${program} on Node ${version}: exit ${status}\n${stderr}`);
      process.exit(1);
    }
  }
  process.stdout.write(`Node ${version} is refused\n`);
}

builtProgramOrExit('authority');
const args = process.argv.slice(2);
const isQuick = args.includes('--quick');
TOO_OLD.map(install).forEach(expectRefusal);
const tests = isQuick ? QUICK.map((name) => `test/e2e/${name}.test.ts`) : ['test/e2e'];
for (const version of VERSIONS) {
  const node = install(version);
  process.stdout.write(`\nend-to-end tests on Node ${spawnSync(node, ['--version']).stdout.toString()}`);
  run('npx', ['vitest', 'run', ...tests, ...args.filter((arg) => arg !== '--quick')], {
    MESA_TEST_NODE: node,
  });
}
