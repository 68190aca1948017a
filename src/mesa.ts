#!/usr/bin/env node
import type * as fs from 'node:fs';
import type * as vm from 'node:vm';

import { describeOldNode } from './core/node-floor.ts';

const refusal = describeOldNode('mesa', process.version);
if (refusal !== undefined) {
  process.stderr.write(`mesa: ${refusal}\n`);
  process.exit(1);
}

// Not imported: that would come before the look at the version, and a very old Node does not know these names.
const { existsSync, readFileSync } = require('node:fs') as typeof fs;
const { Script } = require('node:vm') as typeof vm;

// What a short command does takes less time than V8 needs to compile it. So the build keeps the compiled code of the
// frequent commands, for the one Node that ran it: as Node's own module.enableCompileCache(), which Node 20 lacks, but
// never written at run time. Any other Node compiles as ever.
const compiled = `${__dirname}/compiled/${process.version}-${process.platform}-${process.arch}`;
const modules = new Map<string, { readonly exports: unknown }>();

/** What Node wraps a CommonJS module in. Its length counts: the compiled code is for this very text. */
const WRAPPER = ['(function (exports, require, module, __filename, __dirname) {', '\n})'] as const;
type Wrapped = (
  exports: unknown,
  require: (id: string) => unknown,
  module: object,
  filename: string,
  dirname: string,
) => void;

/** `require` for the files of the bundle, which lie beside this one and are named `./start.cjs`. */
function load(id: string): unknown {
  if (!id.startsWith('./')) {
    return require(id);
  }
  const known = modules.get(id);
  if (known !== undefined) {
    return known.exports;
  }
  const filename = `${__dirname}/${id.slice('./'.length)}`;
  // The build leaves nothing but ASCII.
  const script = new Script(WRAPPER.join(readFileSync(filename, 'latin1')), {
    filename,
    columnOffset: -WRAPPER[0].length,
    cachedData: readCompiled(id),
  });
  const wrapped = script.runInThisContext() as Wrapped;
  const module = { exports: {} };
  modules.set(id, module);
  wrapped.call(module.exports, module.exports, load, module, filename, __dirname);
  return module.exports;
}

/** V8 itself refuses what is cut short, or of another V8 or other flags. */
function readCompiled(id: string): Buffer | undefined {
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
  require('./start.cjs');
}
