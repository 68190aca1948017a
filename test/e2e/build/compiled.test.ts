import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { OBEYING_MODES } from '../../support/confinement.ts';
import {
  builtDist,
  builtMesa,
  NODE,
  runMesa,
  type RunOptions,
  type RunResult,
} from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_key00000000001111';
const GET = ['auth', 'get-key', '--org', 'acme'];

const version = spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout.trim();
const FOR_THIS_NODE = `${version}-${process.platform}-${process.arch}`;

interface Copy {
  readonly home: TempHome;
  /** Where the compiled code for this Node is, or would be. */
  readonly compiled: string;
  readonly get: (options?: Pick<RunOptions, 'env' | 'under'>) => Promise<RunResult>;
}

/** The program, to be broken. */
function copyProgram(): Copy {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  const dist = join(home.path, 'dist');
  cpSync(builtDist(), dist, { recursive: true });
  cpSync(dirname(builtMesa()), join(home.path, 'bin'), { recursive: true });
  return {
    home,
    compiled: join(dist, 'compiled', FOR_THIS_NODE),
    get: (options) => runMesa(GET, { home, script: join(home.path, 'bin/mesa.cjs'), ...options }),
  };
}

/** Makes node tell which files V8 was given compiled, and whether it took that. */
function listCompiled(home: TempHome): {
  readonly env: Record<string, string>;
  readonly result: () => Record<string, boolean>;
} {
  const list = join(home.path, 'compiled.json');
  const preload = home.write(
    'list.cjs',
    `const vm = require('node:vm');
     const taken = {};
     vm.Script = class extends vm.Script {
       constructor(source, options) {
         super(source, options);
         if (options.cachedData) taken[options.filename.replace(/.*\\//, '')] = !this.cachedDataRejected;
       }
     };
     process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(taken)));`,
  );
  return {
    env: { NODE_OPTIONS: `--require ${preload}` },
    result: () => JSON.parse(readFileSync(list, 'utf8')) as Record<string, boolean>,
  };
}

/** Everything that the build may have left, replaced. */
function spoil(compiled: string, change: (bytes: Buffer) => Buffer): void {
  mkdirSync(compiled, { recursive: true });
  for (const name of new Set([...readdirSync(compiled), 'start.cjs.bin'])) {
    const path = join(compiled, name);
    const bytes = readdirSync(compiled).includes(name) ? readFileSync(path) : Buffer.from('other');
    writeFileSync(path, change(bytes));
  }
}

describe('what the build compiled beforehand', () => {
  it('is taken whole by the Node that built it, and there is none for any other', async () => {
    const { home, get } = copyProgram();
    const { env, result } = listCompiled(home);
    expect(await get({ env })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    const built = readdirSync(join(builtDist(), 'compiled')).includes(FOR_THIS_NODE);
    expect(built).toBe(version === process.version);
    expect(result()).toEqual(built ? { 'start.cjs': true } : {});
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['something else', () => Buffer.from('no code of V8')],
    [
      'of another V8',
      (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4, 0x55), bytes.subarray(8)]),
    ],
  ])('is not taken when it is %s, and the program is the same', async (_, change) => {
    const { home, compiled, get } = copyProgram();
    spoil(compiled, change);
    const { env, result } = listCompiled(home);
    expect(await get({ env })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(result()['start.cjs']).toBe(false);
  });

  it('may be missing, in part or in whole', async () => {
    const { compiled, get } = copyProgram();
    spoil(compiled, (bytes) => bytes);
    rmSync(join(compiled, 'start.cjs.bin'));
    expect(await get()).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    rmSync(compiled, { recursive: true });
    expect(await get()).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
  });

  it('may be unreadable', async () => {
    const { compiled, get } = copyProgram();
    spoil(compiled, (bytes) => bytes);
    chmodSync(join(compiled, 'start.cjs.bin'), 0);
    expect(await get({ under: OBEYING_MODES })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
  });

  it('leaves stack traces with the files and lines of the source when node is asked for source maps', async () => {
    const { home, get } = copyProgram();
    home.write('.config/mesa/config.toml', '[secrets\n');
    const { stderr } = await get({ env: { MESA_DEBUG: '1', NODE_OPTIONS: '--enable-source-maps' } });
    expect(stderr).toMatch(/\/src\/[\w/-]+\.ts:\d+:\d+/);
  });

  it('is as readable as the rest of the program', () => {
    const dist = builtDist();
    const { mode } = statSync(join(dist, 'start.cjs'));
    const files = readdirSync(join(dist, 'compiled'), { recursive: true, encoding: 'utf8' })
      .map((name) => statSync(join(dist, 'compiled', name)))
      .filter((stats) => stats.isFile());
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((stats) => stats.mode !== mode)).toEqual([]);
  });
});
