import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { BASE, BELOW_SESSION, HOUSES, MOST_FILES } from '../../scripts/house/plan.mjs';

const OXLINT = resolve('node_modules/oxlint/bin/oxlint');
const [, CLI] = HOUSES;

/** A folder, a statement that would break a promise there, and what the linter says to it. */
type Probe = readonly [folder: string, statement: string, complaint: RegExp];

const ARROWS: readonly Probe[] = [
  ['src/core', "export { x } from '../stores/x.ts';", /^core may import errors\.ts: not stores/],
  ['src/core', "export type { X } from '../stores/x.ts';", /: not stores/],
  ['src/core', "export type X = import('../stores/x.ts').X;", /: not stores/],
  ['src/core', "export const x = import('../stores/x.ts');", /: not stores/],
  ['src/core', 'export const x = import(`../stores/x.ts`);', /by a plain text/],
  ['src/core', "export * from '../main.ts';", /: not main\.ts/],
  ['src/core', "export * from './../../src/stores/x.ts';", /outside of it/],
  ['src/core', "export * from '../../authority/src/main.ts';", /outside of it/],
  ['src/vault', "export * from '../main.ts';", /: not main\.ts/],
  ['src/vault', "export * from '../start.ts';", /: not start\.ts/],
  ['src/platform', "export const x = import('../stores/x.ts');", /: not stores/],
  ['src/access-token', "export * from '../errors.ts';", /^access-token may import core: not errors/],
  ['src/rest', "export * from '../access-token/sign.ts';", /: not access-token\/sign/],
  ['src/doctor', "export * from '../library/x.ts';", /^doctor may import .*: not library/],
  ['src/doctor', "export * from '../session/x.ts';", /: not session/],
  ['src/doctor', "export * from '../cli/show/x.ts';", /: not cli\/show/],
  ['src/session', "export * from '../cli/terminal/x.ts';", /: not cli\/terminal/],
  ['src/session', "export * from '../library/x.ts';", /: not library/],
  ['src/session', "export * from '../doctor/x.ts';", /: not doctor/],
  ['src/library', "export * from '../cli/terminal/x.ts';", /: not cli\/terminal/],
  ['src/cli/commands', "export * from '../../library/x.ts';", /: not library/],
  ['src/cli/commands', "export const x = import('./y.ts');", /do not import each other/],
  ['src/cli/terminal', "export * from '../api/x.ts';", /: not cli\/api/],
  ['src/cli/api', "export * from '../show/x.ts';", /: not cli\/show/],
  ['src/cli/whole-store', "export * from '../terminal/x.ts';", /: not cli\/terminal/],
  ['src/cli/show', "export * from '../whole-store/x.ts';", /: not cli\/whole-store/],
  ['src/cli/show', "export type * from '../command-line/x.ts';", /: not cli\/command-line/],
  ['src/cli/api', "export * from '../commands/x.ts';", /: not cli\/commands/],
  ['src/cli', 'export const x = 1;', /has no place/],
  ['src/elsewhere', "export * from '../core/x.ts';", /has no place/],
  ['authority/src/rules', "export * from '../database/x.ts';", /^rules may import errors\.ts: not database/],
  ['authority/src/secrets', "export * from '../rules/x.ts';", /: not rules/],
  ['authority/src/database', "export * from '../authentication/x.ts';", /: not authentication/],
  ['authority/src/git', "export * from '../secrets/x.ts';", /: not secrets/],
  ['authority/src/authentication', "export * from '../http/x.ts';", /: not http/],
  ['authority/src/http/routes', "export * from '../../commands/x.ts';", /: not commands/],
  ['authority/src/http', "export * from '../../../src/access-token.ts';", /outside of it/],
];

const PACKAGES: readonly Probe[] = [
  ['src/core', "export * from 'age-encryption';", /^age-encryption is for vault$/],
  ['src/stores', "export * from 'age-encryption';", /is for vault$/],
  [
    'src/cli/command-line',
    "export type { Command } from 'commander';",
    /is for cli\/command-line\/full\.ts$/,
  ],
  ['src/config', "export * from '@iarna/toml';", /is for toml$/],
  ['src/config', "export * from '@iarna/toml/parse.js';", /is for toml$/],
  ['src/stores', "export const x = import('toml-eslint-parser');", /is for toml$/],
  ['src/session', "export * from '@inquirer/prompts';", /is for cli\/terminal$/],
  ['src/cli/api', "export const x = import('undici');", /is for rest$/],
  ['src/minting', "export type * from '@mesadev/rest';", /is for rest$/],
  ['src/cli/show', "export * from 'mesa-authority';", /is for nobody$/],
  ['authority/src/http', "export { sql } from 'kysely';", /is for database$/],
  ['authority/src/database', "export type * from 'fastify';", /is for http$/],
  ['authority/src/http', "export * from 'mesa-auth';", /is for nobody$/],
];

const SYSTEM: readonly Probe[] = [
  ['src/core', "export const x = import('node:fs');", /^core computes: it may use none/],
  ['src/core', "export * from 'fs';", /^fs is for nobody$/],
  ['src/session', "export { createRequire } from 'node:module';", /is for nobody$/],
  ['src/session', "export { exit } from 'node:process';", /is for nobody$/],
  ['src/core', "export type * from 'node:path';", /^core computes/],
  ['src/access-token', "export * from 'node:path';", /may use node:crypto of/],
  ['src/rest', "export * from 'node:http';", /^rest computes/],
  ['src/config', "export { request } from 'node:http';", /is for nobody$/],
  ['src/cli/show', "export { connect } from 'node:net';", /^node:net is for agent/],
  ['src/session', "export const { connect } = process.getBuiltinModule('node:tls');", /is for nobody$/],
  ['src/doctor', "export { spawn } from 'node:child_process';", /^node:child_process is for platform/],
  ['src/cli/commands', "export { isatty } from 'node:tty';", /^node:tty is for platform, cli\/terminal$/],
  ['src/cli/show', "export { createInterface } from 'node:readline';", /is for nobody$/],
  ['authority/src/rules', "export { readFileSync } from 'node:fs';", /^rules computes/],
  ['authority/src/http', "export { spawn } from 'node:child_process';", /is for git$/],
];

const WRITING: readonly Probe[] = [
  ['src/stores', "export { writeFileSync } from 'node:fs';", /^writeFileSync of node:fs can change files/],
  ['src/config', "import { statSync, rmSync as x } from 'node:fs'; export { statSync, x };", /^rmSync/],
  ['src/vault', "export { rename } from 'node:fs/promises';", /^rename of node:fs\/promises/],
  ['src/doctor', "export * as fs from 'node:fs';", /^\* of node:fs can change/],
  ['src/doctor', "export * from 'node:fs';", /^\* of node:fs can change/],
  ['src/doctor', "import * as fs from 'node:fs'; export const x = fs;", /^\* of node:fs can change/],
  ['src/doctor', "import { promises } from 'node:fs'; export const x = promises;", /^promises of node:fs/],
  ['src/session', "export const { chmodSync } = await import('node:fs');", /^chmodSync/],
  ['src/session', "export const x = (await import('node:fs')).unlinkSync;", /^unlinkSync/],
  ['src/agent', "export const x = process.getBuiltinModule('node:fs').mkdirSync;", /^mkdirSync/],
  [
    'src/cli/show',
    "import { openSync } from 'node:fs'; export const x = openSync('x', 'w');",
    /^opened with 'w'/,
  ],
  [
    'src/config',
    "import { constants, openSync } from 'node:fs'; export const x = openSync('x', constants.O_RDWR);",
    /^opened with constants\.O_RDWR/,
  ],
  ['src/cli/show', "import { openSync as x } from 'node:fs'; x('x', 'w');", /^openSync as x of node:fs/],
  [
    'src/cli/show',
    "const { openSync: x } = await import('node:fs'); x('x', 'w');",
    /^openSync as x of node:fs/,
  ],
  ['src/cli/show', "import fs = require('node:fs'); export const x = fs;", /^\* of node:fs can change/],
  ['authority/src/http', "export { writeFile } from 'node:fs/promises';", /can change files/],
];

const GLOBALS: readonly Probe[] = [
  ['src/core', 'export const x = Date.now();', /^Date\.now is for platform/],
  ['src/core', 'export const x = new Date();', /^Date\(\) is for platform/],
  ['src/core', 'export const { now } = Date;', /^Date\.now is for platform/],
  ['src/core', "export const x = process.env['HOME'];", /^process is for/],
  ['src/core', 'export const x = globalThis.process;', /^process is for/],
  ['src/core', 'export const x = Math.random();', /^Math\.random is for nobody/],
  ['src/core', 'export const x = crypto.randomUUID();', /^crypto is for nobody/],
  ['src/core', 'setTimeout(() => undefined, 1);', /^setTimeout is for/],
  ['src/core', 'export const x = performance.now();', /^performance is for/],
  ['src/stores', 'export const x = Date.now();', /^Date\.now is for platform/],
  ['src/cli/commands', "export const x = fetch('http://localhost');", /^fetch is for rest$/],
  ['src/cli/show', "export const x = globalThis.fetch('http://localhost');", /^fetch is for rest$/],
  ['src/session', "export const x = new WebSocket('ws://localhost');", /^WebSocket is for rest$/],
  ['src/session', 'process.exit(1);', /^process\.exit is for platform, start\.ts/],
  ['src/session', 'export const x = process;', /^process\.\w+ is for platform/],
  ['src/agent', "process.stderr.write('x');", /^process\.stderr is for/],
  ['src/library', 'export const { env } = process;', /^process\.env is for/],
  ['src/session', "export const x = globalThis['fetch'];", /^fetch is for rest$/],
  ['src/session', 'export const x = globalThis;', /is for/],
  ['src/session', 'export const { fetch: x } = globalThis;', /^fetch is for rest$/],
  ['src/stores', 'const D = Date; export const x = new D();', /^Date\.now is for platform/],
  ['src/stores', "export const x = require('node:path');", /^require is for nobody/],
  ['src/core', 'export const x = (Date as any).now();', /^Date\.now is for/],
  ['src/core', 'export const x = [1].map(Math.random);', /^Math\.random is for nobody/],
  ['src/library', "process.stdout.write('x');", /^process\.stdout is for/],
  ['src/platform', "globalThis.console.log('x');", /^console is for nobody/],
  ['authority/src/rules', 'export const x = Date.now();', /^Date\.now is for commands$/],
  ['authority/src/rules', 'export const x = process.pid;', /^process is for/],
  ['authority/src/http', "export const x = fetch('http://localhost');", /^fetch is for nobody/],
  ['authority/src/http', 'process.exit(1);', /^process is for/],
];

const OTHERS: readonly Probe[] = [
  [
    'src/stores',
    'export const x = `orgs/${String(1)}`;',
    /^orgs\/\.\.\. is spelled by core\/key-scope\.ts alone/,
  ],
  ['src/cli/show', "export const x = ''.startsWith('orgs/');", /^orgs\/\.\.\. is spelled/],
  [
    'src/stores',
    "export const x = (b: string) => b === 'plaintext-file';",
    /^plaintext-file is told apart by core/,
  ],
  [
    'src/doctor',
    "export const x = (b: string) => { switch (b) { case 'encrypted-file': } };",
    /told apart by core/,
  ],
  ['authority/src/http', "export const x = (db: any) => db.selectFrom('x');", /^selectFrom is for database$/],
];

/** What stands beside the probes and is not refused. */
const ALLOWED: readonly (readonly [folder: string, statement: string])[] = [
  ['src/core', "export * from '../errors.ts'; export const x = new Date(0), fetch = 1;"],
  [
    'src/core',
    'export const f = (x: Date, { process = 1 }) => x instanceof Date && process * Math.max(1, Date.UTC(1));',
  ],
  ['src/platform', "export { writeFileSync } from 'node:fs'; export const x = Date.now(); process.exit(1);"],
  ['src/rest', "export const x = fetch('http://localhost');"],
  ['src/doctor', "export { readFileSync, type WriteStream } from 'node:fs';"],
  ['src/session', "import { constants, openSync } from 'node:fs'; openSync('x', constants.O_RDONLY);"],
  ['src/cli/api', "export * from '../terminal/x.ts'; export const x = { backend: 'plaintext-file' };"],
  ['src/cli/terminal', "export const x = import('@inquirer/prompts');"],
  [
    'src/agent',
    "export const { connect } = process.getBuiltinModule('node:net'); export const y = process.pid;",
  ],
  ['src/cli/show', "export type { Socket } from 'node:net';"],
  [
    'authority/src/database',
    "export { sql } from 'kysely'; export const x = (db: any) => db.selectFrom('x');",
  ],
];

/** Files that together break a promise, by their paths. */
const TOGETHER: Readonly<Record<string, string>> = {
  'src/vault/circle-1.ts': "export type { X } from './circle-2.ts';",
  'src/vault/circle-2.ts': "export type X = Awaited<typeof import('./circle-3.ts')>;",
  'src/vault/circle-3.ts': "export const x = import('./circle-1.ts');",
  'src/vault/outside-of-it.ts': "// from './outside-of-it.ts'\nexport * from './circle-1.ts';",
  ...Object.fromEntries(
    Array.from({ length: MOST_FILES + 1 }, (_, at) => [
      `src/toml/many-${at + 10}.ts`,
      `export const x = ${at};`,
    ]),
  ),
};

const PROBES = [...ARROWS, ...PACKAGES, ...SYSTEM, ...WRITING, ...GLOBALS, ...OTHERS];

interface Complaint {
  readonly message: string;
  readonly code: string;
  readonly filename: string;
}

describe('the promises of docs/architecture.md', () => {
  // Apart from the sources, so that whoever is killed leaves nothing in them.
  const root = mkdtempSync(join(tmpdir(), 'mesa-house-'));
  let complaints: readonly Complaint[] = [];

  const heard = (path: string): readonly string[] =>
    complaints.filter(({ filename }) => filename === path).map(({ message }) => message);

  beforeAll(async () => {
    cpSync('.oxlintrc.json', join(root, '.oxlintrc.json'));
    cpSync('scripts/house', join(root, 'scripts/house'), { recursive: true });
    const files = [
      ...PROBES.map(([folder, statement], at) => [pathOf(folder, at), statement] as const),
      ...ALLOWED.map(([folder, statement], at) => [pathOf(folder, PROBES.length + at), statement] as const),
      ...Object.entries(TOGETHER),
    ];
    for (const [path, text] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
    complaints = await lint(root);
  });

  afterAll(() => rmSync(root, { recursive: true }));

  it.each(PROBES.map(([folder, statement, complaint], at) => ({ folder, statement, complaint, at })))(
    'are kept: $folder is refused $statement',
    ({ folder, complaint, at }) => {
      expect(heard(pathOf(folder, at))).toEqual([expect.stringMatching(complaint)]);
    },
  );

  it.each(ALLOWED.map(([folder, statement], at) => ({ folder, statement, at: PROBES.length + at })))(
    'forbid nothing else: $folder may have $statement',
    ({ folder, at }) => {
      expect(heard(pathOf(folder, at))).toEqual([]);
    },
  );

  it('are kept: a circle is refused, also through types and import(), and not who only leads into one', () => {
    const [one, two, three] = [1, 2, 3].map((at) => `src/vault/circle-${at}.ts`);
    expect(heard('src/vault/circle-1.ts')).toContain(
      `a circle of imports: ${[one, two, three, one].join(' -> ')}`,
    );
    expect(heard('src/vault/circle-2.ts')).toContain(
      `a circle of imports: ${[two, three, one, two].join(' -> ')}`,
    );
    expect(heard('src/vault/circle-3.ts')).toContain(
      `a circle of imports: ${[three, one, two, three].join(' -> ')}`,
    );
    expect(heard('src/vault/outside-of-it.ts')).toEqual([]);
  });

  it(`are kept: a folder with more than ${MOST_FILES} files is refused, once`, () => {
    const about = complaints.filter(({ filename }) => filename.startsWith('src/toml/'));
    expect(about.map(({ message }) => message)).toEqual([
      `src/toml has ${MOST_FILES + 1} files, more than ${MOST_FILES}`,
    ]);
  });

  it('are kept by the sources as they are', async () => {
    expect(await lint('.', 'src', 'authority/src')).toEqual([]);
    const files = ['src', 'authority/src'].flatMap((house) =>
      readdirSync(house, { recursive: true, encoding: 'utf8' }).map((path) => join(house, path)),
    );
    const sources = files.filter((path) => path.endsWith('.ts'));
    expect(sources.length).toBeGreaterThan(300);
    expect(sources.filter((path) => /lint-disable.*house/.test(readFileSync(path, 'utf8')))).toEqual([]);
  });

  it.each(HOUSES)(
    'name no file of $root that is gone',
    ({ root: house, rooms, unrelated, pure, writers, ...lists }) => {
      const named = [
        ...Object.keys(rooms),
        ...Object.keys(pure),
        ...unrelated,
        ...writers,
        ...[rooms, lists.packages, lists.modules, lists.globals].flatMap((list) =>
          Object.values(list).flat(),
        ),
      ];
      expect(named.length).toBeGreaterThan(50);
      expect(named.filter((path) => !existsSync(join(house, path)))).toEqual([]);
    },
  );

  it('are those of the table in docs/architecture.md', () => {
    const [, table = ''] =
      /^\| folder \| may import \|\n.*\n((?:\|.*\n)+)/m.exec(readFileSync('docs/architecture.md', 'utf8')) ??
      [];
    const told = table
      .trim()
      .split('\n')
      .flatMap((line) => {
        const [, rooms = '', may = ''] = line.split('|');
        const beyond = may.includes('everything below `session`') ? BELOW_SESSION : [];
        const named = namesIn(may.replace('everything below `session`', ''));
        return namesIn(rooms).map((room) => [room, sorted([...beyond, ...named])] as const);
      });
    const planned = Object.entries(CLI.rooms).map(([room, may]) => [room, sorted(may)] as const);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(planned));
  });
});

function pathOf(folder: string, at: number): string {
  return `${folder}/probe-${at}.ts`;
}

/** What stands in backquotes and is none of Node's modules. */
function namesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, name = '']) => name).filter(
    (name) => !name.startsWith('node:'),
  );
}

/** Without what goes without saying. */
function sorted(places: readonly string[]): readonly string[] {
  return [...new Set(places)].filter((place) => !BASE.includes(place)).toSorted();
}

/** What the rules of scripts/house complain of. */
function lint(root: string, ...paths: readonly string[]): Promise<readonly Complaint[]> {
  return new Promise((done, fail) => {
    execFile(
      process.execPath,
      [OXLINT, '--format', 'json', ...paths],
      { cwd: root, maxBuffer: 1e8 },
      (_error, stdout, stderr) => {
        try {
          const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Complaint[] };
          done(diagnostics.filter(({ code }) => code.startsWith('house(')));
        } catch {
          fail(new Error(`oxlint said: ${stdout}${stderr}`));
        }
      },
    );
  });
}
