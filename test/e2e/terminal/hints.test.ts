import { describe, expect, it } from 'vitest';

import { commandsInHint, faultsOfHint, isCommand } from '../../support/hints.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_organization009f2c';
const SOON = new Date(Date.now() + 60 * 60 * 1_000).toISOString();

/** Slips of every kind: words, flags, values, places, and what is missing. */
const LINES: readonly string[] = [
  'login',
  'auth logout',
  'auth token acme',
  'auth add acme/web',
  'auth rm acme',
  'auth show acme',
  'keys rm acme',
  'api-keys rm',
  'auth api-keys rm key_1',
  'auth setkey',
  'auht lsit',
  'nothing',
  'help nothing',
  'help rm',
  'help environment x',
  'auth completion',
  'completion tcsh',
  'completion',
  'auth list --jsno',
  'auth list acme',
  'auth get-key acme',
  'auth get-key acme/web',
  'auth get-key --orgs acme',
  'auth get-key --org',
  'auth get-key --org a..b',
  `auth get-key --org ${'x'.repeat(65)}`,
  'auth get-key --org acme --repo web.git',
  'auth get-key --repo web',
  'auth get-key',
  'auth get-key --org none',
  'auth get-key --explain',
  'auth rm-key',
  'auth rm-key --org none',
  'auth set-key',
  'auth set-key --org acme --repo web',
  'auth set-key --org acme -Jkey0123456789',
  'auth set-key --org acme a"b c',
  `auth set-key first ${KEY}`,
  'auth exec',
  'auth exec --org acme --mint',
  'auth exec --org acme echo hi',
  'auth exec --org acme --ttl 15m -- true',
  'auth exec --org acme --mint -- true',
  'auth exec --org acme -- no-such-command',
  'auth mint-token',
  'auth mint-token --org acme --repo web --ttl 90d',
  'auth mint-token --org acme --repo web --scope reed',
  'auth mint-token --repo acme/web --repo other/api',
  'auth status --offline --fail-within soon',
  'auth status --offline --fail-within 7d',
  'auth status --offline --fail-within 7d --org soon',
  'auth status --offline --fail-within 7d --org known',
  'auth status --offline',
  'auth log --since soon',
  'auth unlock',
  'auth unlock --json',
  'auth unlock --check --timeout 15m',
  'auth unlock --timeout 2d',
  'auth change-passphrase',
  'auth backup',
  'auth backup -',
  'auth backup no/such/dir',
  'auth backup keys.toml --plaintext',
  'auth restore',
  'auth restore none',
  'auth restore .local/share/mesa/secrets.plaintext.toml --json',
  'auth migrate',
  'auth migrate --to keychain',
  'auth migrate --to encrypted-file --prefer both',
  'auth migrate --to encrypted-file --prefer source',
  'auth migrate --to encrypted-file --json',
  'auth git-credential',
  'auth setup-git --remove --mint',
  'auth doctor',
  'auth api-keys list --status nope',
  'auth api-keys list --scope reed --org acme',
  'auth api-keys list --query=',
  'auth api-keys create --expires 90',
  'auth api-keys create --tag none',
  'auth api-keys create --yes',
  'auth api-keys revoke',
  `auth api-keys revoke ${KEY} --org acme`,
  'auth api-keys tag key_1',
  'auth api-keys rotate',
  'auth whoami',
  'init',
  '-c none.toml auth list',
];

function homeWithKeys(): TempHome {
  const home = createTempHome();
  writePlaintext(
    home,
    `${documentOf({ 'orgs/acme': KEY, 'orgs/acme/repos/web': KEY })}
[keys."orgs/soon"]
key = "${KEY}"
expires = ${SOON}
[keys."orgs/known"]
key = "${KEY}"
expires = ${SOON}
key-id = "key_1"
`,
  );
  return home;
}

/** What mesa says to type, and what doctor does. */
function hintsIn(stderr: string, stdout: string): readonly string[] {
  return [...stderr.matchAll(/^hint: (.*)$/gm), ...stdout.matchAll(/^ {2}mend: (.*)$/gm)].map(
    ([, hint = '']) => hint,
  );
}

async function collect(
  home: TempHome,
  env: Record<string, string> = {},
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const line of LINES) {
    const { stderr, stdout } = await runMesa(line.split(' '), { home, env });
    expect(stderr).not.toContain(KEY.slice(0, 16));
    for (const hint of hintsIn(stderr, stdout)) {
      found.set(hint, line);
    }
  }
  return found;
}

describe('every hint', () => {
  const env = { MESA_API_URL: 'http://127.0.0.1:1' };
  it.each([
    { title: 'with keys', home: homeWithKeys, env, least: 60 },
    { title: 'without a store', home: createTempHome, env, least: 45 },
    { title: 'for an organization', home: createTempHome, env: { ...env, MESA_ORG: 'acme' }, least: 45 },
  ])('can be typed as it stands, $title', async ({ home, least, ...options }) => {
    const hints = await collect(home(), options.env);
    expect(hints.size).toBeGreaterThan(least);
    const faults = [...hints].flatMap(([hint, line]) =>
      faultsOfHint(hint).map((fault) => `mesa ${line}: ${JSON.stringify(hint)} ${fault}`),
    );
    expect(faults).toEqual([]);
    const commands = new Set([...hints.keys()].flatMap(commandsInHint));
    expect([...commands].filter((command) => !isCommand(command))).toEqual([]);
  });

  it('names the scope of the command that failed', async () => {
    const home = homeWithKeys();
    for (const [line, hint] of [
      ['auth set-key --org acme --repo web', 'printf %s "$TOKEN" | mesa auth set-key --org acme --repo web'],
      ['auth status --offline --fail-within 7d --org known', 'mesa auth api-keys rotate --org known'],
      ['auth status --offline --fail-within 7d --org soon', 'mesa auth set-key --org soon'],
      ['auth status --offline', 'mesa auth status --org acme'],
      ['auth api-keys revoke --org acme', 'see the ids: mesa auth api-keys list --org acme'],
      ['auth exec --org acme --mint', 'mesa auth exec --org acme --mint -- "$SHELL"'],
    ] as const) {
      const { stderr } = await runMesa(line.split(' '), { home });
      expect(stderr).toContain(hint);
    }
  });
});

describe('an error about a value', () => {
  it.each([
    [
      'api-keys list --status nope',
      "--status: 'nope' is not a status; there are active, revoked, expired, all",
    ],
    ['api-keys list --scope reed', "--scope: 'reed' is not one permission; there are read, write, admin"],
    ['api-keys create --expires 90', "--expires: '90' is not a time from 100s to 365d"],
    ['mint-token --repo acme/web --ttl 2d', "--ttl: '2d' is not a time from 1s to 24h"],
    ['log --since soon', "not 'soon'"],
    ['status --fail-within 7', "not '7'"],
    [
      `get-key --org ${'x'.repeat(65)}`,
      'too long for an organization name: it has 65 characters, at most 64',
    ],
    [`get-key --org acme --repo ${'x'.repeat(101)}`, 'too long for a repository name: it has 101 characters'],
    ['api-keys list --status a\u001b[2Jb', "'a\\u{1b}[2Jb' is not a status"],
  ])('names it: %s', async (line, part) => {
    const result = await runMesa(['auth', ...line.split(' ')], { home: createTempHome() });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain(part);
  });

  it.each(['api-keys list --status', 'api-keys list --scope', 'api-keys create --expires', 'log --since'])(
    'does not repeat what may be a secret: %s',
    async (line) => {
      for (const secret of [
        KEY,
        'ghp_0123456789abcdefghijABCDEFGHIJ012345',
        '3f2504e04f8911d39a0c0305e82c3301',
      ]) {
        const result = await runMesa(['auth', ...line.split(' '), secret], { home: createTempHome() });
        expect(result).toMatchObject({ status: 2, stdout: '' });
        expect(result.stderr).toContain('what was given');
        expect(result.stderr).not.toContain(secret.slice(0, 8));
      }
    },
  );
});
