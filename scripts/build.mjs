// Bundles src/ into dist/. Types are checked by tsc; this only builds.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { rolldown } from 'rolldown';

import { digestSources, recordBuild } from './built-from.mjs';
import { COMMAND_GROUPS, loadWhenUsed } from './command-chunks.mjs';
import { writeDeclarations } from './declarations.mjs';
import { lighterPackages } from './lighter-packages.mjs';
import { precompile } from './precompile.mjs';
import { bundledPackages, cycloneDx, thirdPartyLicenses } from './supply-chain.mjs';

const root = resolve(import.meta.dirname, '..');
const product = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const options = {
  cwd: root,
  platform: 'node',
  plugins: lighterPackages,
  transform: { target: 'node20.17', define: { MESA_VERSION: JSON.stringify(product.version) } },
  // @iarna/toml hides a require() from browser bundlers that way; it is the one known eval.
  onLog: (level, log, report) => {
    if (log.code !== 'EVAL' || log.id?.includes('@iarna/toml') !== true) {
      report(level === 'warn' ? 'error' : level, log);
    }
  },
};
// Before anything is read: what changes meanwhile is built the next time.
const digests = digestSources('mesa');
// Nobody imports the program, so that a file of the bundle may export what others of it need.
const bundle = await rolldown({ ...options, input: 'src/start.ts', preserveEntrySignatures: false });
// CommonJS, because Node starts it faster than ESM; one small entry, because even unused code in the same file costs;
// everything behind an `import()` in a file of its own. Not minified: that buys nothing, and stack traces stay readable.
const { output } = await bundle.write({
  dir: join(root, 'dist'),
  format: 'cjs',
  cleanDir: true,
  sourcemap: true,
  comments: { jsdoc: false, annotation: false },
  codeSplitting: {
    groups: [
      { name: 'start', tags: ['$initial'] },
      ...COMMAND_GROUPS,
      // What every write needs: one file is loaded faster than five.
      {
        name: 'write',
        test: /src\/(?:stores\/(?:apply-changes|format-document)|platform\/(?:create-dirs|file-lock|flock-helper|replace-file))\.ts$/,
      },
      // What a look-up through the agent loads: one file, too.
      {
        name: 'agent-client',
        test: /\/src\/(?:stores\/(?:vault-stores|agent-client-store)|agent\/(?:client|format-request|two-clocks|parse-reply|protocol|socket-path|wire))\.ts$/,
      },
    ],
  },
  entryFileNames: 'start.cjs',
  chunkFileNames: '[name].cjs',
});
await bundle.close();
output.forEach(finish);

// What others import shares no file with the program, so that neither can slow down or change the other.
const library = await rolldown({ ...options, input: 'src/access-token.ts' });
const { output: libraryOutput } = await library.write({
  file: join(root, 'dist/access-token.cjs'),
  format: 'cjs',
  sourcemap: true,
  comments: { jsdoc: false, annotation: false },
});
await library.close();
writeDeclarations(root, 'access-token.ts');

// It loads what it needs when that is needed, as the program does: a vault's code for a vault.
const api = await rolldown({ ...options, input: 'src/library.ts' });
const { output: apiOutput } = await api.write({
  dir: join(root, 'dist'),
  format: 'cjs',
  sourcemap: true,
  comments: { jsdoc: false, annotation: false },
  entryFileNames: 'library.cjs',
  chunkFileNames: 'library-[name].cjs',
});
await api.close();
writeDeclarations(root, 'library.ts');

const packages = bundledPackages(
  root,
  [...output, ...libraryOutput, ...apiOutput].flatMap((file) =>
    file.type === 'chunk' ? file.moduleIds : [],
  ),
);
writeFileSync(join(root, 'dist/sbom.cdx.json'), `${JSON.stringify(cycloneDx(product, packages), null, 2)}\n`);
writeFileSync(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), thirdPartyLicenses(packages));
try {
  await precompile(join(root, 'dist'));
} catch (error) {
  // As where flock(1) is missing. What is built is whole without it.
  process.stderr.write(`${error.message}\nmesa is built all the same, and starts more slowly\n`);
}
recordBuild('mesa', digests);

function finish({ fileName, code }) {
  if (code !== undefined) {
    writeFileSync(join(root, 'dist', fileName), toAscii(inlineRuntime(loadWhenUsed(fileName, code))));
  }
}

/**
 * Most files use one of the bundler's helpers, and loading the file with all of them takes as long as loading any other
 * one. So that helper is put where the file was loaded: on the same line, which keeps the source map right.
 */
function inlineRuntime(code) {
  const load = 'const require_rolldown_runtime = require("./rolldown-runtime.cjs");';
  const used = new Set(code.match(/(?<=require_rolldown_runtime\.)\w+/g));
  const helper =
    'const require_rolldown_runtime = { __exportAll: (all) => { const to = {}; for (const name in all) ' +
    'Object.defineProperty(to, name, { get: all[name], enumerable: true }); return to; } };';
  return used.size === 1 && used.has('__exportAll') ? code.replace(load, helper) : code;
}

/**
 * In strings and patterns, the only places where there is anything else, an escape means the same. V8 keeps and reads
 * such text in half the space, and nothing has to be decoded.
 */
function toAscii(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
