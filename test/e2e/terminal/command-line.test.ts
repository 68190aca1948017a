import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { loadTable } from '../../../src/cli/command-line/table.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';

const { commands: COMMANDS, groups: GROUPS } = await loadTable();

const PACKAGE = readFileSync(resolve(import.meta.dirname, '../../../package.json'), 'utf8');
const { version: VERSION } = JSON.parse(PACKAGE) as { version: string };
const KEY = 'mesa_organization009f2c';

/** A home whose own config is broken, and a good one elsewhere: only `-c` can make a command work. */
function homeNeedingConfigPath(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  home.write('.config/mesa/config.toml', 'broken');
  home.write('elsewhere/good.toml', '[secrets]\nbackend = "plaintext-file"\n');
  return home;
}

describe('global flags', () => {
  it.each([
    'C auth get-key --org acme',
    'auth C get-key --org acme',
    'auth get-key C --org acme',
    'auth get-key --org acme C',
    '-y C auth get-key --org acme --non-interactive',
    'auth get-key --org=acme C',
  ])('are taken at every place of "%s"', async (line) => {
    const home = homeNeedingConfigPath();
    const path = join(home.path, 'elsewhere/good.toml');
    for (const flag of [['-c', path], ['--config-path', path], [`--config-path=${path}`]]) {
      const args = line.split(' ').flatMap((word) => (word === 'C' ? flag : [word]));
      const result = await runMesa(args, { home });
      expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    }
  });

  it('take a config path relative to the working directory', async () => {
    const home = homeNeedingConfigPath();
    const cwd = join(home.path, 'elsewhere/deep');
    mkdirSync(cwd);
    const result = await runMesa(['auth', 'get-key', '--org', 'acme', '-c', '../good.toml'], { home, cwd });
    expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n` });
  });

  it.each([['auth', 'list'], ['auth', 'get-key'], ['auth', 'set-key', KEY], []])(
    'refuse a config file that is missing: %s %s',
    async (...args) => {
      const home = createTempHome();
      const path = join(home.path, "it's missing.toml");
      expect(await runMesa([...args, '-c', path], { home })).toMatchObject({
        status: 3,
        stdout: '',
        stderr:
          `mesa: there is no config file ${path}\n` +
          `hint: mesa --config-path '${home.path}/it'\\''s missing.toml' init\n`,
      });
      expect(home.tree()).toEqual([]);
    },
  );
});

describe('help and version', () => {
  it.each([
    { args: ['--help'], text: 'Usage: mesa [options] [command]' },
    { args: ['-h'], text: 'Usage: mesa [options] [command]' },
    { args: ['help'], text: 'Usage: mesa [options] [command]' },
    { args: ['auth'], text: 'Usage: mesa auth [options] [command]' },
    { args: ['auth', '-y'], text: 'Usage: mesa auth [options] [command]' },
    { args: ['help', 'help'], text: 'Usage: mesa [options] [command]' },
    { args: ['help', 'auth', 'help'], text: 'Usage: mesa auth [options] [command]' },
    { args: ['auth', 'api-keys'], text: 'Usage: mesa auth api-keys [options] [command]' },
    { args: ['auth', 'help', 'api-keys'], text: 'Usage: mesa auth api-keys [options] [command]' },
    {
      args: ['help', 'auth', 'api-keys', 'tag'],
      text: 'Usage: mesa auth api-keys tag [options] <key-id> <tags...>',
    },
    { args: ['auth', 'api-keys', 'help', 'rotate'], text: 'Usage: mesa auth api-keys rotate [options]' },
    { args: ['help', '--help'], text: 'Usage: mesa help [options] [words...]' },
    { args: ['help', 'rotate'], text: 'Usage: mesa auth api-keys rotate [options]' },
    { args: ['help', 'api-keys', 'tag'], text: 'Usage: mesa auth api-keys tag [options]' },
    { args: ['auth', 'help', 'revoke'], text: 'Usage: mesa auth api-keys revoke [options]' },
    { args: ['help', 'completion'], text: 'Usage: mesa completion [options] <shell>' },
    { args: ['completion', 'bash'], text: '# Completion of mesa for bash' },
    { args: ['help', 'environment'], text: '  MESA_VAULT_PASSPHRASE' },
    { args: ['help', 'exit-codes'], text: '  0      done\n' },
    { args: ['help', 'auth'], text: 'Usage: mesa auth [options] [command]' },
    { args: ['init', '-h'], text: 'Usage: mesa init [options]' },
    ...['set-key', 'list', 'rm-key', 'get-key', 'status', 'doctor'].flatMap((name) => [
      { args: ['auth', name, '--help'], text: `Usage: mesa auth ${name} [options]` },
      { args: ['auth', 'help', name], text: `Usage: mesa auth ${name} [options]` },
      { args: ['help', 'auth', name], text: `Usage: mesa auth ${name} [options]` },
      { args: ['help', name], text: `Usage: mesa auth ${name} [options]` },
    ]),
    { args: ['auth', 'set-key', '--org', 'acme', '-h', 'surplus'], text: 'Usage: mesa auth set-key' },
    { args: ['-V'], text: `${VERSION}\n` },
    { args: ['auth', 'list', '--version'], text: `${VERSION}\n` },
  ])('are data and need nothing: $args', async ({ args, text }) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', 'broken');
    const before = fingerprint(home);
    const env = { HOME: '', MESA_ORGS: 'malformed', MESA_ORG: '/', MESA_API_KEY: 'two words' };
    const result = await runMesa(args, { home, env });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout.startsWith(text)).toBe(true);
    expect(fingerprint(home)).toEqual(before);
  });

  it('are what the bare program prints without a terminal, and it writes nothing', async () => {
    const home = createTempHome();
    const result = await runMesa([], { home, env: { MESA_ORGS: `acme:${KEY}` } });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain('Usage: mesa');
    expect(home.tree()).toEqual([]);
  });
});

describe('every help', () => {
  const PAGES = [
    [],
    ...Array.from(GROUPS.keys(), (name) => name.split(' ')),
    ...COMMANDS.filter(({ hidden }) => hidden !== true).map(({ path }) => [...path]),
    ['help'],
  ].map((words) => [...words, '--help']);
  const TOPICS = [
    ['help', 'environment'],
    ['help', 'exit-codes'],
  ];

  it.each(PAGES.map((args) => ({ args })))(
    'has examples, the first of them of that very command: $args',
    async ({ args }) => {
      const { stdout } = await runMesa(args, { home: createTempHome() });
      const examples = stdout.split('\nExamples:\n')[1]?.split('\n\n')[0]?.split('\n') ?? [];
      expect(examples.length).toBeGreaterThan(0);
      const words = args.slice(0, -1).join(' ');
      expect(examples[0]).toContain(`mesa ${words}`);
    },
  );

  it('is plain and fits into 80 columns in a pipe', async () => {
    const home = createTempHome();
    for (const args of [...PAGES, ...TOPICS]) {
      const { stdout } = await runMesa(args, { home });
      // oxlint-disable-next-line no-control-regex -- what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it.each([60, 200])('fits into a terminal of %i columns, and uses it', async (columns) => {
    const terminal = openTerminal({ home: createTempHome() });
    for (const args of [['auth', 'get-key', '--help'], ...TOPICS]) {
      terminal.clear();
      await terminal.run(`stty cols ${columns}; mesa ${args.join(' ')}; stty cols 120`);
      const lines = terminal
        .received()
        .split('\r\n')
        .filter((line) => /^ {2,}\S/.test(line));
      expect(lines.length).toBeGreaterThan(5);
      const longest = Math.max(...lines.map((line) => line.length));
      expect(longest).toBeLessThanOrEqual(columns);
      // The table of exit codes has no long line.
      expect(longest > 80 || columns === 60 || args.includes('exit-codes')).toBe(true);
    }
  });
});

describe('the help of a command', () => {
  it.each([
    { args: ['get-key'], text: "without it MESA_ORG, the checkout's, or global" },
    { args: ['status'], text: "without it MESA_ORG, the checkout's, or global" },
    { args: ['set-key'], text: 'without it the global scope' },
    { args: ['rm-key'], text: 'without it the global scope' },
    { args: ['set-key'], text: '[options] [key]' },
    { args: ['backup'], text: 'Usage: mesa auth backup [options] <file>' },
    { args: ['restore'], text: 'Usage: mesa auth restore [options] <file>' },
    { args: ['change-passphrase'], text: 'MESA_NEW_VAULT_PASSPHRASE' },
  ])('says what is true of it: $args, $text', async ({ args, text }) => {
    const result = await runMesa(['auth', ...args, '--help'], { home: createTempHome() });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout.replaceAll(/\s+/g, ' ')).toContain(text);
  });
});

describe('a word of another program', () => {
  it.each([
    ['login', 'auth set-key'],
    ['auth login acme', 'auth set-key --org acme'],
    ['auth add acme', 'auth set-key --org acme'],
    ['auth insert acme/web', 'auth set-key --org acme --repo web'],
    [`auth add acme ${KEY}`, 'auth set-key --org acme'],
    [`auth set acme=${KEY}`, 'auth set-key'],
    ['edit', 'auth set-key'],
    ['logout', 'auth rm-key --org ORG'],
    ['auth rm acme', 'auth rm-key --org acme'],
    ['auth remove --org acme --repo web', 'auth rm-key --org acme --repo web'],
    ['delete acme/web', 'auth rm-key --org acme --repo web'],
    ['auth key rm acme', 'auth rm-key --org acme'],
    ['token', 'auth get-key'],
    ['auth show acme', 'auth get-key --org acme'],
    ['auth get acme --explain', 'auth get-key --org acme --explain'],
    ['ls', 'auth list'],
    ['keys', 'auth list'],
    ['status', 'auth status'],
    ['whoami --org acme', 'auth whoami --org acme'],
    ['run --org acme npm test', 'auth exec --org acme -- npm test'],
    ['auth passwd', 'auth change-passphrase'],
    ['auth api-keys rm key_01ABC --org acme', 'auth api-keys revoke --org acme key_01ABC'],
    ['version', '--version'],
    ['environment', 'help environment'],
    ['setkey', 'auth set-key'],
    ['auth setkey', 'auth set-key'],
    ['auth Get_Key', 'auth get-key'],
    ['--org acme auth get-key', 'auth get-key --org acme'],
  ])('is told what does it here: mesa %s', async (line, command) => {
    const home = createTempHome();
    const result = await runMesa(line.split(' '), { home });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /^mesa: unknown (?:command|option) (?:'[a-z-]+'|\(not shown\))\nhint: .+\n$/,
    );
    expect(result.stderr).toContain(`\nhint: mesa ${command}\n`);
    expect(home.tree()).toEqual([]);
  });
});

describe('an argument where a flag is needed', () => {
  it.each([
    ['auth get-key acme', 'auth get-key --org acme'],
    ['auth get-key acme/web', 'auth get-key --org acme --repo web'],
    ['auth get-key --org acme web', 'auth get-key --org acme --repo web'],
    ['auth rm-key acme', 'auth rm-key --org acme'],
    ['auth status acme --offline', 'auth status --org acme --offline'],
    ['auth mint-token acme/web --ttl 15m', 'auth mint-token --org acme --repo web --ttl 15m'],
    [`auth get-key ${KEY}`, 'auth get-key --help'],
    ['auth unlock hunter2', 'auth unlock --help'],
    ['auth exec --org acme echo hi', 'auth exec --org acme -- echo hi'],
    ['auth exec acme -- echo hi', 'auth exec --org acme -- echo hi'],
    ['auth exec ls -l', 'auth exec -- ls -l'],
    [`auth exec --org acme curl -H ${KEY}`, 'auth exec --org acme -- "$SHELL"'],
    ['auth set-key --org acme -Jkey0123456789', 'auth set-key --org acme -- "$TOKEN"'],
  ])('is put where it belongs by the hint: mesa %s', async (line, command) => {
    const home = createTempHome();
    const result = await runMesa(line.split(' '), { home });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain(`\nhint: mesa ${command}\n`);
    expect(home.tree()).toEqual([]);
  });
});

describe('a command line that is none', () => {
  it.each([
    { args: ['nothing'], message: "unknown command 'nothing'", hint: 'mesa --help' },
    { args: ['auht', 'list'], message: "unknown command 'auht'", hint: 'mesa auth list' },
    { args: ['auth', 'lsit'], message: "unknown command 'lsit'", hint: 'mesa auth list' },
    { args: ['auth', 'get-keys'], message: "unknown command 'get-keys'", hint: 'mesa auth get-key' },
    { args: ['help', 'nothing'], message: "unknown command 'nothing'", hint: 'mesa --help' },
    { args: ['auth', 'help', 'nothing'], message: "unknown command 'nothing'", hint: 'mesa auth --help' },
    { args: ['help', 'auth', 'nothing'], message: "unknown command 'nothing'", hint: 'mesa auth --help' },
    {
      args: ['help', 'auth', 'list', 'more'],
      message: "unknown command 'more'",
      hint: 'mesa auth list --help',
    },
    {
      args: ['help', 'auth', 'environment'],
      message: "unknown command 'environment'",
      hint: 'mesa auth --help',
    },
    {
      args: ['help', 'environment', 'x'],
      message: "'environment' is a topic; no other word comes behind it",
      hint: 'mesa help environment',
    },
    { args: ['auth', 'completion'], message: "unknown command 'completion'", hint: 'mesa completion bash' },
    { args: ['get-key'], message: "unknown command 'get-key'", hint: 'mesa auth get-key' },
    {
      args: ['auth', 'api-keys', 'rm'],
      message: "unknown command 'rm'",
      hint: 'mesa auth api-keys revoke --help',
    },
    { args: ['auth', 'rotate'], message: "unknown command 'rotate'", hint: 'mesa auth api-keys rotate' },
    {
      args: ['-c', 'auth', 'auth', 'migrate', '--nothing'],
      message: "unknown option '--nothing'",
      hint: 'mesa auth migrate --help',
    },
    { args: ['auth', 'restore'], message: 'no file was named', hint: 'mesa auth restore FILE' },
    { args: ['auth', 'list', '--jsno'], message: "unknown option '--jsno'", hint: 'mesa auth list --json' },
    {
      args: ['auth', 'get-key', '--orgs', 'acme'],
      message: "unknown option '--orgs'",
      hint: 'mesa auth get-key --org acme',
    },
    {
      args: ['auth', 'get-key', '--org'],
      message: "option '--org <organization>' argument missing",
      hint: 'mesa auth get-key --help',
    },
    {
      args: ['auth', 'list', '-c'],
      message: "option '-c, --config-path <path>' argument missing",
      hint: 'mesa auth list --help',
    },
    {
      args: ['auth', 'list', 'acme'],
      message: "too many arguments for 'list'. Expected 0 arguments but got 1",
      hint: 'mesa auth list --help',
    },
    {
      args: ['auth', 'rm-key', '--repo', 'web'],
      message: '--repo needs --org',
      hint: 'name its organization, too: --repo acme/web',
    },
    {
      args: ['auth', 'get-key', '--repo', 'web'],
      message: '--repo needs --org',
      hint: 'name its organization, too: --repo acme/web',
    },
    {
      args: ['auth', 'get-key', '--repo=web', '--json'],
      message: '--repo needs --org',
      hint: 'name its organization, too: --repo acme/web',
    },
    {
      args: ['auth', 'set-key', KEY, '--repo', 'web'],
      message: '--repo needs --org',
      hint: 'name its organization, too: --repo acme/web',
    },
  ])('is told in words and ends with 2: $args', async ({ args, message, hint }) => {
    const home = createTempHome();
    // Even keys that wait to be registered are left alone.
    const result = await runMesa(args, { home, env: { MESA_ORGS: `acme:${KEY}` } });
    expect(result).toMatchObject({ status: 2, stdout: '', stderr: `mesa: ${message}\nhint: ${hint}\n` });
    expect(home.tree()).toEqual([]);
  });

  it.each(
    [
      [KEY],
      ['auth', KEY],
      ['help', KEY],
      ['help', 'auth', KEY],
      ['completion', KEY],
      ['auth', 'set-key', `--key=${KEY}`],
      ['auth', 'set-key', `--${KEY}`],
      ['auth', 'set-key', `-${KEY}`],
      ['auth', 'set-key', 'first', KEY],
      ['auth', 'get-key', KEY],
    ].map((args) => ({ args })),
  )('does not repeat what may be a key: $args', async ({ args }) => {
    const home = createTempHome();
    const result = await runMesa(args, { home, env: { MESA_DEBUG: '1' } });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: /);
    expect(result.stderr).not.toContain(KEY.slice(0, 12));
    expect(home.tree()).toEqual([]);
  });

  it.each(
    [
      ['--org', ''],
      ['--org', '.'],
      ['--org', 'a..b'],
      ['--org', 'a/b'],
      ['--org', 'a"b'],
      ['--org', '-a'],
      ['--org', 'a-'],
      ['--org', '__proto__'],
      ['--org', '\u0430cme'],
      ['--org', 'a\u001b[2Jb'],
      ['--org', 'x'.repeat(65)],
      ['--org', 'acme', '--repo', ''],
      ['--org', 'acme', '--repo', '..'],
      ['--org', 'acme', '--repo', 'web.git'],
      ['--org', 'acme', '--repo', 'web.GIT'],
      ['--org', 'acme', '--repo', '-web'],
      ['--org', 'acme', '--repo', 'a/b/c'],
      ['--org', 'acme', '--repo', 'x'.repeat(101)],
    ].map((flags) => ({ flags })),
  )('refuses a name that no scope can have: $flags', async ({ flags }) => {
    const home = createTempHome();
    for (const command of [['set-key', KEY], ['rm-key'], ['get-key']]) {
      const result = await runMesa(['auth', ...command, ...flags], {
        home,
      });
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toMatch(
        /^mesa: (?:(?:'.*'|what was given) is not|what was given is too long for) an? (?:organization|repository) name(?:: it has \d+ characters, at most \d+ are allowed)?\nhint: use 1 to /,
      );
      // oxlint-disable-next-line no-control-regex -- what must not be there
      expect(result.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
    expect(home.tree()).toEqual([]);
  });
});

describe('colour', () => {
  it.each([
    { env: {}, coloured: false },
    { env: { FORCE_COLOR: '' }, coloured: false },
    { env: { FORCE_COLOR: '1' }, coloured: true },
    { env: { NO_COLOR: '1' }, coloured: false },
    { env: { NO_COLOR: '' }, coloured: false },
  ])('is off without a terminal unless it is forced: $env', async ({ env, coloured }) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ global: KEY }));
    const list = await runMesa(['auth', 'list'], { home, env });
    const failed = await runMesa(['auth', 'rm-key', '--org', 'acme'], { home, env });
    expect([list.stdout.includes('\u001b'), failed.stderr.includes('\u001b')]).toEqual([coloured, coloured]);
    // The key itself is never dressed up: it goes into variables.
    expect((await runMesa(['auth', 'get-key'], { home, env })).stdout).toBe(`${KEY}\n`);
  });
});
