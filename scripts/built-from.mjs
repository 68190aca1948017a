// What a build was made from. Tests, tour and measurements run what is in `dist`; without this they would pass on a
// program that was built before the last change. Contents are compared, not times, which a clone or a copy changes.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

const PROGRAMS = {
  mesa: {
    start: 'bin/mesa.cjs',
    record: 'dist/built-from.json',
    command: 'npm run build',
    // The lock file, because packages are in the bundle; `bin`, because what is compiled beforehand is for its reading.
    sources: [
      'bin',
      'src',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.types.json',
      'scripts/build.mjs',
      'scripts/command-chunks.mjs',
      'scripts/declarations.mjs',
      'scripts/keep-compiled.cjs',
      'scripts/lighter-packages.mjs',
      'scripts/precompile.mjs',
      'scripts/supply-chain.mjs',
    ],
    builtOn: [],
  },
  authority: {
    start: 'authority/bin/mesa-authority.mjs',
    record: 'authority/dist/built-from.json',
    command: 'npm run build -w authority',
    sources: [
      'authority/src',
      'authority/package.json',
      'authority/tsconfig.json',
      'authority/tsconfig.build.json',
      'authority/scripts/build.mjs',
      'tsconfig.json',
    ],
    builtOn: ['mesa'],
  },
};

/**
 * The sources of a program as they are now.
 * @param {'mesa' | 'authority'} name
 * @param {string} [root] the checkout
 * @returns {Record<string, string>} of each file, by its path below the root, the SHA-256 in hexadecimal
 */
export function digestSources(name, root = ROOT) {
  const files = PROGRAMS[name].sources.flatMap((source) => filesIn(join(root, source)));
  return Object.fromEntries(
    files.map((file) => [
      relative(root, file),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    ]),
  );
}

/**
 * Keeps, beside what was built, what it was built from. Last: a build that was cut short has no record.
 * @param {'mesa' | 'authority'} name
 * @param {Record<string, string>} digests of the sources before the build
 * @param {string} [root] the checkout
 */
export function recordBuild(name, digests, root = ROOT) {
  writeFileSync(join(root, PROGRAMS[name].record), `${JSON.stringify(digests, null, 1)}\n`);
}

/**
 * What starts a program that was built from the sources that are there.
 * @param {'mesa' | 'authority'} name
 * @param {string} [root] the checkout
 * @returns {string} an absolute path
 * @throws {Error} where it is not built, or from other sources; the message names a file and the command that builds
 */
export function builtProgram(name, root = ROOT) {
  const { start, record, command, builtOn } = PROGRAMS[name];
  builtOn.forEach((other) => builtProgram(other, root));
  const path = join(root, record);
  if (!existsSync(path)) {
    throw new Error(`${name} is not built: ${command}`);
  }
  const then = JSON.parse(readFileSync(path, 'utf8'));
  const now = digestSources(name, root);
  const changed = Object.keys({ ...then, ...now }).filter((file) => then[file] !== now[file]);
  if (changed.length > 0) {
    const others = changed.length === 1 ? '' : ` and ${changed.length - 1} more`;
    throw new Error(`${name} was built before ${changed[0]}${others} changed: ${command}`);
  }
  return join(root, start);
}

/**
 * `builtProgram` for a script: where there is none, it says so and ends.
 * @param {'mesa' | 'authority'} name
 * @returns {string}
 */
export function builtProgramOrExit(name) {
  try {
    return builtProgram(name);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** @returns {string[]} the path itself where it is a file; what is below a directory, hidden files of editors apart */
function filesIn(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    return found === undefined ? [] : [path];
  }
  return readdirSync(path)
    .filter((name) => /^[^.].*(?<!~)$/.test(name))
    .toSorted()
    .flatMap((name) => filesIn(join(path, name)));
}
