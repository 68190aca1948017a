import { chmodSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { loadTable } from '../../../src/cli/command-line/table.ts';
import { unlock } from '../../support/agent.ts';
import { builtMesa, NODE, runMesa, runShell, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { KEYS, openTerminal, type Terminal } from '../../support/terminal.ts';

const { commands: COMMANDS } = await loadTable();

const KEY = 'mesa_completion00009f2c';
const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Names that are no scopes, and that a careless script would run, split or draw. */
const ODD_NAMES = [
  'orgs/$(touch pwned)',
  'orgs/`touch pwned`',
  'orgs/acid; touch pwned',
  'orgs/ac two words',
  'orgs/ac*',
  "orgs/ac'quote",
  'orgs/ac\\\\slash',
  'orgs/ac\\nline',
  'orgs/ac\\u001b[2J',
  'orgs/ac:colon',
  'orgs/-acme',
  'orgs/acme/repos/$(touch pwned)',
];
const DOCUMENT = documentOf(
  Object.fromEntries(
    [
      'global',
      'orgs/acme',
      'orgs/acme/repos/api',
      'orgs/acme/repos/_w.e-b',
      'orgs/ac.0-rn',
      ...ODD_NAMES,
    ].map((name) => [name, KEY]),
  ),
);

/** A home directory with keys, and a `mesa` that a shell finds. */
function homeWithMesa(): { home: TempHome; env: Readonly<Record<string, string>> } {
  const home = createTempHome();
  writePlaintext(home, DOCUMENT);
  home.write('elsewhere.toml', '');
  chmodSync(home.write('bin/mesa', `#!/bin/sh\nexec '${NODE}' '${builtMesa()}' "$@"\n`), 0o700);
  // npm puts node_modules/.bin there, which has a mesa of its own.
  const others = (process.env['PATH'] ?? '').split(':').filter((dir) => !dir.endsWith('node_modules/.bin'));
  return { home, env: { PATH: [join(home.path, 'bin'), ...others].join(':') } };
}

/** Every candidate is put in the line at once: bash's insert-completions, zsh's _all_matches. */
const INTERACTIVE: Readonly<
  Record<'bash' | 'zsh', { command: string; setUp: readonly string[]; completeAll: string }>
> = {
  bash: {
    command: 'bash --norc --noprofile',
    setUp: ['set -u', 'eval "$(mesa completion bash)"'],
    completeAll: '\u001b*',
  },
  zsh: {
    command: 'zsh -f',
    setUp: [
      'setopt no_unset; bindkey -e; autoload -Uz compinit; compinit -u -d zcompdump',
      `zstyle ':completion:*' completer _all_matches _complete; zstyle ':completion:*' insert true`,
      'eval "$(mesa completion zsh)"',
    ],
    completeAll: '\t',
  },
};

async function openShell(
  shell: 'bash' | 'zsh',
  home: TempHome,
  env: Readonly<Record<string, string>>,
): Promise<Terminal> {
  const terminal = openTerminal({ home, env });
  terminal.type(`exec ${INTERACTIVE[shell].command}\r`);
  for (const line of INTERACTIVE[shell].setUp) {
    expect(await terminal.run(line)).toBe(0);
  }
  return terminal;
}

/** The words of a line after completing its last one with everything that fits. */
async function completeIn(
  shell: 'bash' | 'zsh',
  terminal: Terminal,
  home: TempHome,
  line: string,
): Promise<readonly string[]> {
  const out = join(home.path, 'out');
  rmSync(out, { force: true });
  const toStart = '\u0001';
  const toEnd = '\u0005';
  terminal.type(`${line}${INTERACTIVE[shell].completeAll}${toStart}printf '%s\\n' ${toEnd}> out; `);
  expect(await terminal.run('true')).toBe(0);
  return readFileSync(out, 'utf8').split('\n').slice(0, -1);
}

const paths = COMMANDS.filter(({ hidden }) => hidden !== true).map(({ path }) => path);
const firstWords = [...new Set(paths.map(([first]) => first))];
const authCommands = [
  ...new Set(paths.flatMap(([first, second]) => (first === 'auth' && second !== undefined ? [second] : []))),
];

/** A line up to its last word, that word, and all that the word may become. */
const LINES: readonly (readonly [before: string, word: string, found: readonly string[]])[] = [
  ['mesa', '', [...firstWords, 'help'].toSorted()],
  ['mesa', 'au', ['auth']],
  ['mesa auth', '', [...authCommands, 'help'].toSorted()],
  ['mesa -y auth', 'rm', ['rm-key']],
  ['mesa auth api-keys', 'r', ['revoke', 'rotate']],
  ['mesa auth api-keys list --status', 'a', ['active', 'all']],
  ['mesa auth list', '--', ['--config-path', '--help', '--json', '--non-interactive', '--version']],
  ['mesa auth list --json', '--n', ['--non-interactive']],
  ['mesa auth get-key --org', '', ['ac.0-rn', 'acme']],
  ['mesa auth get-key --org', 'acm', ['acme']],
  ['mesa auth get-key', '--org=acm', ['--org=acme']],
  ['mesa auth rm-key --org acme --repo', '', ['_w.e-b', 'api']],
  ['mesa auth rm-key --org "acme" --repo', 'a', ['api']],
  ['mesa auth rm-key --org=acme --repo', 'a', ['api']],
  ['mesa auth rm-key --repo', '', []],
  [`mesa auth rm-key --org '$(>pwned)' --repo`, '', []],
  ['mesa init --backend', '', ['encrypted-file', 'plaintext-file']],
  ['mesa completion', '', ['bash', 'fish', 'zsh']],
  ['mesa help', 'e', ['environment', 'exit-codes']],
  ['mesa help auth', 'get', ['get-key']],
  ['mesa -c', 'else', ['elsewhere.toml']],
  ['mesa', '--config-path=else', ['--config-path=elsewhere.toml']],
  ['mesa auth set-key', 'mesa_x', []],
];

/** What fish offers for a line; it has no key that inserts everything. */
function fishScript(line: string): string {
  return `mesa completion fish | source; complete -C ${quote(line)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Runs a script in a shell without a terminal. */
function runIn(
  shell: Shell,
  script: string,
  options: { home: TempHome; env: Readonly<Record<string, string>> },
): Promise<RunResult> {
  const command = {
    bash: 'bash --norc --noprofile -euc',
    zsh: 'zsh -f -euc',
    fish: 'fish --no-config -c',
  }[shell];
  return runShell(`exec ${command} ${quote(script)}`, options);
}

describe('completion', () => {
  it.each(['bash', 'zsh'] as const)('works in an interactive %s', async (shell) => {
    const { home, env } = homeWithMesa();
    const terminal = await openShell(shell, home, env);
    for (const [before, word, found] of LINES) {
      const words = await completeIn(shell, terminal, home, `${before} ${word}`);
      const expected = found.length > 0 ? found : word === '' ? [] : [word];
      const typed = before.split(' ').length;
      expect([before, word, ...words.slice(typed).toSorted()]).toEqual([before, word, ...expected]);
    }
    // What the shell would run when the line is entered is not run when it is completed.
    for (const word of ['$(>pwned)', '`>pwned`', '"$(>pwned)"']) {
      terminal.type(`mesa auth rm-key --org ${word} --repo \t${KEYS.ctrlU}`);
      expect(await terminal.run('true')).toBe(0);
    }
    expect(home.tree().filter((name) => name.includes('pwned'))).toEqual([]);
  });

  it('works in fish', async () => {
    const { home, env } = homeWithMesa();
    for (const [before, word, found] of LINES) {
      const line = `${before} ${word}`;
      const result = await runIn('fish', fishScript(line), { home, env });
      expect({ line, ...result }).toMatchObject({ line, status: 0, stderr: '' });
      const offered = result.stdout.split('\n').slice(0, -1);
      expect([line, ...offered.map((one) => one.replace(/\t.*/, '')).toSorted()]).toEqual([line, ...found]);
    }
    const described = await runIn('fish', fishScript('mesa auth lis'), { home, env });
    expect(described.stdout).toBe('list\tshow every scope with its masked key\n');
    expect(home.tree().filter((name) => name.includes('pwned'))).toEqual([]);
  });

  it('works as a file on the fpath of zsh', async () => {
    const { home, env } = homeWithMesa();
    mkdirSync(join(home.path, 'functions'));
    await runIn('zsh', 'mesa completion zsh > functions/_mesa', { home, env });
    const terminal = openTerminal({ home, env });
    terminal.type('exec zsh -f\r');
    for (const line of [
      'fpath+=($PWD/functions); bindkey -e',
      'autoload -Uz compinit; compinit -u -d dump',
    ]) {
      expect(await terminal.run(line)).toBe(0);
    }
    // The function is loaded by the first completion.
    for (const word of ['comp', 'ini']) {
      expect(await completeIn('zsh', terminal, home, `mesa ${word}`)).toEqual([
        'mesa',
        word === 'comp' ? 'completion' : 'init',
      ]);
    }
  });

  it.each([
    ['bash', 'COMP_WORDS=(mesa auth ""); COMP_CWORD=2; _mesa; echo "${#COMPREPLY[@]}"', '0\n'],
    ['zsh', 'words=(mesa auth ""); CURRENT=3; PREFIX=; _mesa || echo none', 'none\n'],
    ['fish', 'complete -C "mesa auth "; echo none', 'none\n'],
  ] as const)('says nothing in %s when mesa is gone', async (shell, use, stdout) => {
    const { home, env } = homeWithMesa();
    const { stdout: script } = await runMesa(['completion', shell], { home });
    home.write('script', script);
    const compdef = shell === 'zsh' ? 'compdef() { :; }; ' : '';
    const source = shell === 'bash' ? '.' : 'source';
    rmSync(join(home.path, 'bin/mesa'));
    expect(await runIn(shell, `${compdef}${source} ./script; ${use}`, { home, env })).toMatchObject({
      status: 0,
      stdout,
      stderr: '',
    });
  });

  it('needs compinit in zsh, and says so', async () => {
    const { home, env } = homeWithMesa();
    const { stderr } = await runIn('zsh', 'eval "$(mesa completion zsh)"', { home, env });
    expect(stderr).toBe('mesa: completion needs compinit first: autoload -Uz compinit && compinit\n');
  });

  it.each([
    { args: [], message: 'name the shell: bash, zsh or fish' },
    { args: ['ksh'], message: 'there is no completion for that shell; expected bash, zsh or fish' },
    { args: [KEY], message: 'there is no completion for that shell; expected bash, zsh or fish' },
  ])('is for a shell that there is a script for: $args', async ({ args, message }) => {
    const home = createTempHome();
    expect(await runMesa(['completion', ...args], { home, env: { HOME: '' } })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `mesa: ${message}\nhint: mesa completion bash\n`,
    });
  });
});

describe('what the scripts ask', () => {
  const SCOPES_WANTED = 'mesa\nauth\nget-key\n--org\n\n';

  function ask(home: TempHome, env: Readonly<Record<string, string>> = {}): Promise<RunResult> {
    return runMesa(['__complete'], { home, env, stdin: SCOPES_WANTED });
  }

  it('gives names of scopes and nothing else of a store', async () => {
    const home = createTempHome();
    writePlaintext(home, DOCUMENT);
    const before = fingerprint(home);
    const env = { MESA_ORGS: `new:${KEY}`, MESA_API_KEY: 'two words' };
    expect(await ask(home, env)).toMatchObject({ status: 0, stdout: 'ac.0-rn\nacme\n', stderr: '' });
    expect(fingerprint(home)).toEqual(before);
  });

  it.each<{ title: string; make: (home: TempHome) => Promise<void> | void }>([
    {
      title: 'of a vault, even with its passphrase at hand',
      make: (home: TempHome) => writeVault(home, DOCUMENT),
    },
    { title: 'where there is nothing yet', make: () => undefined },
    {
      title: 'when others can read the store, which stays as it is',
      make: (home: TempHome) => {
        writePlaintext(home, DOCUMENT);
        chmodSync(home.plaintext, 0o644);
      },
    },
    {
      title: 'when others can read its directory, which stays as it is',
      make: (home: TempHome) => {
        writePlaintext(home, DOCUMENT);
        chmodSync(home.dataDir, 0o755);
      },
    },
    { title: 'of a damaged store', make: (home: TempHome) => writePlaintext(home, 'version = ') },
    {
      title: 'with a broken configuration',
      make: (home: TempHome) => {
        writePlaintext(home, DOCUMENT);
        home.write('.config/mesa/config.toml', 'broken');
      },
    },
  ])('says nothing $title', async ({ make }) => {
    const home = createTempHome();
    await make(home);
    const before = fingerprint(home);
    const result = await ask(home, { ...UNLOCKED, MESA_ORGS: `acme:${KEY}` });
    expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(fingerprint(home)).toEqual(before);
  });

  it.each([
    { title: 'no HOME', env: { HOME: '' }, stdin: SCOPES_WANTED },
    { title: 'bytes that are no text', env: {}, stdin: Buffer.from([0xff, 0x0a]) },
    { title: 'no end of bytes', env: {}, stdin: 'x'.repeat(1_000_000) },
  ])('fails in silence with $title', async ({ env, stdin }) => {
    const home = createTempHome();
    const result = await runMesa(['__complete'], { home, env, stdin });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).not.toContain('acme');
  });

  it('gives the names of a vault while it is unlocked, and none when the agent hangs, within seconds', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ global: KEY, 'orgs/acme': KEY }));
    const agent = await unlock(home);
    const before = fingerprint(home);
    expect(await ask(home)).toMatchObject({ status: 0, stdout: 'acme\n', stderr: '' });
    process.kill(agent, 'SIGSTOP');
    const stopped = await ask(home);
    expect(stopped).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(stopped.milliseconds).toBeLessThan(20_000);
    process.kill(agent, 'SIGCONT');
    expect(await ask(home)).toMatchObject({ status: 0, stdout: 'acme\n', stderr: '' });
    expect(fingerprint(home)).toEqual(before);
  });

  it('does not wait for anybody on a terminal, and is not in the help', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    expect(await terminal.run('mesa __complete')).toBe(0);
    expect(home.tree()).toEqual([]);
    expect((await runMesa(['--help'], { home })).stdout).not.toContain('__complete');
  });
});
