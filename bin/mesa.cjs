#!/usr/bin/env node
// @ts-check
// What is started. An old Node must be able to read all of it: nothing here is newer than ES2019.
'use strict';

const [major = 0, minor = 0] = process.version.slice(1).split('.').map(Number);
if (major < 20 || (major === 20 && minor < 17)) {
  process.stderr.write(`mesa: Node ${process.version.slice(1)} is too old; mesa needs Node 20.17 or newer\n`);
  process.exit(1);
}

// Not before the look at the version: a very old Node does not know these names.
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { Script } = require('node:vm');

// What a short command does takes less time than V8 needs to compile it. So the build keeps the compiled code of the
// frequent commands, for the one Node that ran it: as Node's own module.enableCompileCache(), which Node 20 lacks, but
// never written at run time. Any other Node compiles as ever.
const dist = path.join(__dirname, '../dist');
const compiled = `${dist}/compiled/${process.version}-${process.platform}-${process.arch}`;
/** @type {Map<string, { readonly exports: unknown }>} */
const modules = new Map();

/** What Node wraps a CommonJS module in. Its length counts: the compiled code is for this very text. */
const HEAD = '(function (exports, require, module, __filename, __dirname) {';
const TAIL = '\n})';

/**
 * `require` for the files of the bundle, which lie side by side and are named `./start.cjs`.
 * @param {string} id
 * @returns {unknown}
 */
function load(id) {
  if (!id.startsWith('./')) {
    return require(id);
  }
  const known = modules.get(id);
  if (known !== undefined) {
    return known.exports;
  }
  const filename = `${dist}/${id.slice('./'.length)}`;
  // The build leaves nothing but ASCII.
  const script = new Script(HEAD + readFileSync(filename, 'latin1') + TAIL, {
    filename,
    columnOffset: -HEAD.length,
    cachedData: readCompiled(id),
  });
  const module = { exports: {} };
  modules.set(id, module);
  script.runInThisContext().call(module.exports, module.exports, load, module, filename, dist);
  return module.exports;
}

/**
 * V8 itself refuses what is cut short, or of another V8 or other flags.
 * @param {string} id
 * @returns {Buffer | undefined}
 */
function readCompiled(id) {
  try {
    return readFileSync(`${compiled}/${id}.bin`);
  } catch {
    return undefined;
  }
}

// Only Node's own loader finds source maps.
if (existsSync(compiled) && !process.sourceMapsEnabled) {
  load('./start.cjs');
} else {
  require(`${dist}/start.cjs`);
}
