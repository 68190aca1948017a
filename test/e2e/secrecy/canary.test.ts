import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { BACKENDS } from '../../../src/core/secret-store.ts';
import { jwtOf } from '../../support/jwt.ts';
import { childEnv, runMesa, runShell, startMesa } from '../../support/run-mesa.ts';
import { Secrets } from '../../support/secrets.ts';
import { documentOf, sealDocument } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

const SECRETS = new Secrets();
const PASSPHRASE = SECRETS.add('the passphrase', 'pass_');
const NEW_PASSPHRASE = SECRETS.add('the new passphrase', 'pass_');
const WRONG_PASSPHRASE = SECRETS.add('a wrong passphrase', 'pass_');
const GLOBAL = SECRETS.add('the stored global key');
const ACME = SECRETS.add('the stored key of acme');
const ARGUMENT = SECRETS.add('the key in an argument');
const PIPED = SECRETS.add('the key on stdin');
const VARIABLE = SECRETS.add('the key in MESA_API_KEY');
const JWT = SECRETS.add('a token that is no API key', 'eyJhbGciOiJIUzI1NiJ9_');
const JWT_SIGNATURE = SECRETS.add('the signature of a JWT', '');
const ENDING_JWT = `${jwtOf({ exp: 4_000_000_000, scopes: ['read'] })}${JWT_SIGNATURE}`;
const JWT_EXPIRED = jwtOf({ exp: 1_000_000_000 });
const GIT_HOST = 'protocol=https\nhost=api.mesa.dev\n';
const IN_FILE = SECRETS.add('the key in a file that a variable names');
/** Beside the directory in which commands run. */
const KEY_FILE = '../key-file';
const IN_ORGS = SECRETS.add('a token in MESA_ORGS');
const IN_ORGS_TOO = SECRETS.add('another token in MESA_ORGS');
const IN_CONFIG = SECRETS.add('the legacy key in config.toml');
const IN_LINE = SECRETS.add('a line of a damaged store');
const IN_REMOTE = SECRETS.add('the token in the git remote');

const STORES = /\/secrets\.(?:plaintext\.toml|vault\.age)$/;

interface Step {
  readonly args: readonly string[];
  readonly status: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** The one secret that stdout is for. */
  readonly prints?: string;
}

// What only reads comes first, while the vault is quick to open.
const GOOD: readonly Step[] = [
  { args: ['auth', 'get-key'], env: { MESA_API_KEY_FILE: KEY_FILE }, prints: IN_FILE, status: 0 },
  { args: ['auth', 'status', '--offline', '--json'], env: { MESA_API_KEY_FILE: KEY_FILE }, status: 0 },
  {
    args: ['auth', 'exec', '--mask', '--', 'sh', '-c', 'env >&2'],
    env: { MESA_API_KEY_FILE: KEY_FILE },
    status: 0,
  },
  { args: ['auth', 'list'], status: 0 },
  { args: ['auth', 'list', '--json'], status: 0 },
  { args: ['auth', 'get-key'], prints: GLOBAL, status: 0 },
  { args: ['auth', 'get-key', '--org', 'acme', '--repo', 'web'], prints: ACME, status: 0 },
  { args: ['auth', 'get-key', '--org', 'acme', '--explain'], env: { MESA_API_KEY: VARIABLE }, status: 0 },
  {
    args: ['auth', 'get-key', '--org', 'acme', '--json'],
    env: { MESA_API_KEY: JWT, MESA_ORG: 'x' },
    status: 0,
  },
  { args: ['auth', 'get-key'], env: { MESA_API_KEY: VARIABLE }, prints: VARIABLE, status: 0 },
  { args: ['auth', 'status', '--offline'], env: { MESA_API_KEY: VARIABLE }, status: 0 },
  { args: ['auth', 'status', '--offline', '--json'], env: { MESA_API_KEY: ENDING_JWT }, status: 0 },
  { args: ['auth', 'status', '--offline', '--org', 'jwt', '--fail-within', '9w'], status: 0 },
  {
    args: ['auth', 'status', '--offline', '--fail-within', '100000w'],
    env: { MESA_API_KEY: ENDING_JWT },
    status: 9,
  },
  { args: ['auth', 'exec', '--org', 'acme', '--', 'true'], env: { MESA_API_KEY: VARIABLE }, status: 0 },
  {
    args: ['auth', 'exec', '--org', 'acme', '--mask', '--', 'sh', '-c', 'echo $MESA_API_KEY; env >&2'],
    status: 0,
  },
  { args: ['auth', 'log'], status: 0 },
  { args: ['auth', 'log', '--json'], status: 0 },
  { args: ['auth', 'doctor'], env: { MESA_API_KEY: VARIABLE }, status: 1 },
  {
    args: ['auth', 'doctor', '--json'],
    env: { MESA_ORGS: IN_ORGS, MESA_API_KEY: `${VARIABLE} x` },
    status: 1,
  },
  { args: ['completion', 'bash'], status: 0 },
  { args: ['__complete'], stdin: `mesa\nauth\nset-key\n${PIPED}\n--org\n\n`, status: 0 },
  { args: ['help', 'environment'], status: 0 },
  {
    args: ['auth', 'git-credential', 'get'],
    stdin: `${GIT_HOST}path=acme/web.git\npassword=${PIPED}\n\n`,
    prints: `username=t\npassword=${ACME}`,
    status: 0,
  },
  {
    args: ['auth', 'git-credential', 'get'],
    stdin: `protocol=https\nhost=x\npassword=${PIPED}\n`,
    status: 0,
  },
  { args: ['auth', 'git-credential', 'store'], stdin: `${GIT_HOST}password=${PIPED}\n\n`, status: 0 },
  { args: ['auth', 'git-credential', 'erase'], stdin: `${GIT_HOST}password=${PIPED}\n\n`, status: 0 },
  {
    args: ['auth', 'git-credential', 'get'],
    stdin: `${GIT_HOST}\n`,
    env: { MESA_API_KEY: `${JWT_EXPIRED}${JWT_SIGNATURE}` },
    prints: 'quit=1',
    status: 9,
  },
  { args: ['auth', 'setup-git'], status: 0 },
  { args: ['auth', 'setup-git', '--mint'], env: { MESA_API_KEY: VARIABLE }, status: 0 },
  { args: ['auth', 'setup-git', '--remove'], status: 0 },
  { args: ['init', '-y'], status: 0 },
  {
    args: ['auth', 'set-key', '--org', 'piped'],
    stdin: `${PIPED}\n`,
    env: { MESA_ORGS: `one:${IN_ORGS},two:${IN_ORGS_TOO}` },
    status: 0,
  },
  { args: ['auth', 'rm-key', '--org', 'jwt'], status: 0 },
];

const MISTAKES: readonly Step[] = [
  { args: [PIPED], status: 2 },
  { args: ['auth', PIPED], status: 2 },
  { args: ['help', PIPED], status: 2 },
  { args: ['auth', 'help', PIPED], status: 2 },
  { args: ['help', 'auth', PIPED], status: 2 },
  { args: ['completion', PIPED], status: 2 },
  { args: ['auth', 'list', PIPED], status: 2 },
  { args: ['auth', 'set-key', 'x', PIPED], status: 2 },
  { args: ['auth', 'set-key', `--key=${PIPED}`], status: 2 },
  { args: ['auth', 'set-key', `--${PIPED}`], status: 2 },
  { args: ['auth', 'set-key', `${PIPED} x`], status: 2 },
  { args: ['auth', 'set-key', `${PIPED}\u00e4`], status: 2 },
  { args: ['auth', 'set-key', PIPED.repeat(500)], status: 2 },
  { args: ['auth', 'set-key', PIPED, '--repo', 'web'], status: 2 },
  { args: ['auth', 'set-key', PIPED, '--org', 'a/b'], status: 2 },
  { args: ['auth', 'set-key', '--org', `acme:${PIPED}`], status: 2 },
  { args: ['auth', 'get-key', '--org', `${PIPED}!`], status: 2 },
  { args: ['auth', 'rm-key', '--org', 'acme', '--repo', `${PIPED}/`], status: 2 },
  { args: ['auth', 'set-key', PIPED, '-c', 'missing.toml'], status: 3 },
  { args: ['auth', 'set-key', PIPED], env: { HOME: '' }, status: 3 },
  ...[`${PIPED} x`, `${PIPED}\n${PIPED}`, `\ufeff${PIPED}`, `${PIPED}\0`, PIPED.repeat(500)].map((stdin) => ({
    args: ['auth', 'set-key'],
    stdin,
    status: 2,
  })),
  ...[`"${PIPED}"`, `TOKEN=${PIPED}`, `<${PIPED}>`, `\${${PIPED}}`, `${PIPED}...`].flatMap((value) => [
    { args: ['auth', 'set-key'], stdin: value, status: 2 },
    { args: ['auth', 'set-key', value], status: 2 },
    { args: ['auth', 'list'], env: { MESA_ORGS: `acme:${value}` }, status: 2 },
    { args: ['auth', 'get-key'], env: { MESA_API_KEY: value }, status: 2 },
  ]),
  { args: ['auth', 'set-key', ARGUMENT], stdin: PIPED, status: 2 },
  // The secret itself in the place of its file.
  ...['MESA_API_KEY_FILE', 'MESA_ORGS_FILE'].map((name) => ({
    args: ['auth', 'get-key'],
    env: { [name]: PIPED },
    status: 3,
  })),
  { args: ['auth', 'get-key'], env: { MESA_API_KEY_FILE: VARIABLE, MESA_API_KEY: PIPED }, status: 2 },
  { args: ['auth', 'set-key'], stdin: Buffer.from(`${PIPED}\u00ff`, 'latin1'), status: 2 },
  ...[
    IN_ORGS,
    `:${IN_ORGS}`,
    `${IN_ORGS}/:x`,
    `acme:${IN_ORGS} x`,
    `acme:${IN_ORGS}\u0007`,
    `acme:${IN_ORGS},acme:${IN_ORGS_TOO}`,
    `acme:${IN_ORGS},,`,
    `acme:${IN_ORGS.repeat(500)}`,
    `acme:${IN_ORGS},`.repeat(1_001),
    `acme:${IN_ORGS.repeat(2_000)}`,
  ].map((value) => ({ args: ['auth', 'list'], env: { MESA_ORGS: value }, status: 2 })),
  { args: ['auth', 'get-key'], env: { MESA_API_KEY: `${VARIABLE} x` }, status: 2 },
  { args: ['auth', 'get-key'], env: { MESA_API_KEY: VARIABLE, MESA_ORG: '/' }, status: 2 },
  {
    args: ['auth', 'get-key', '--org', 'none'],
    env: { MESA_API_KEY: VARIABLE, MESA_ORG: 'x' },
    status: 0,
    prints: GLOBAL,
  },
  { args: ['auth', 'rm-key', '--org', 'none'], status: 4 },
  { args: ['auth', 'status', '--offline', `--fail-within=${PIPED}`], status: 2 },
  { args: ['auth', 'status', '--offline', '--org', `${PIPED}!`], status: 2 },
  { args: ['auth', 'status'], env: { MESA_API_URL: 'http://127.0.0.1:1' }, status: 7 },
  ...['whoami', 'api-keys list', 'api-keys create', 'api-keys rotate'].map((words) => ({
    args: ['auth', ...words.split(' ')],
    env: { MESA_API_URL: 'http://127.0.0.1:1', MESA_API_KEY: VARIABLE },
    status: 7,
  })),
  ...[
    ['list', '--status', PIPED],
    ['list', '--scope', PIPED],
    ['list', PIPED],
    ['create', '--scope', PIPED],
    ['create', '--expires', PIPED],
    ['create', '--tag', PIPED],
    ['create', '--repo', `${PIPED}/`],
    ['revoke', PIPED],
    ['revoke', `${PIPED} x`],
    ['tag', PIPED, 'a=b'],
    ['tag', 'key_1', PIPED],
    ['tag', 'key_1', `${PIPED}=${PIPED.repeat(9)}`],
    ['rotate', '--org', PIPED, '--expires', '9'],
    ['rotate', PIPED],
    [PIPED],
  ].map((words) => ({
    args: ['auth', 'api-keys', ...words],
    env: { MESA_API_URL: 'http://127.0.0.1:1' },
    status: 2,
  })),
  { args: ['auth', 'doctor', PIPED], status: 2 },
  { args: ['auth', 'exec', PIPED], status: 2 },
  { args: ['auth', 'exec', '--', PIPED], status: 127 },
  { args: ['auth', 'exec', '--', `./work/${PIPED}`], status: 127 },
  { args: ['auth', 'exec', '--ttl', PIPED, '--', 'true'], status: 2 },
  { args: ['auth', 'log', PIPED], status: 2 },
  { args: ['auth', 'log', '--since', PIPED], status: 2 },
  { args: ['auth', 'mint-token', '--repo', `acme/${PIPED}/`], status: 2 },
  { args: ['auth', 'mint-token', '--repo', PIPED], status: 2 },
  { args: ['auth', 'git-credential', PIPED], status: 0 },
  { args: ['auth', 'git-credential', 'get', PIPED], status: 2 },
  { args: ['auth', 'git-credential', 'get'], stdin: `${PIPED}\n`, status: 2 },
  { args: ['auth', 'git-credential', 'get'], stdin: `${GIT_HOST}password=${PIPED}\r\n`, status: 2 },
  {
    args: ['auth', 'git-credential', '--mint', 'get'],
    stdin: `${GIT_HOST}password=${PIPED}\n`,
    prints: 'quit=1',
    status: 2,
  },
  { args: ['auth', 'setup-git', PIPED], status: 2 },
  { args: ['auth', 'mint-token', '--repo', 'acme/web', '--scope', PIPED], status: 2 },
  { args: ['auth', 'mint-token', '--repo', 'acme/web', '--ttl', PIPED], status: 2 },
  { args: ['auth', 'mint-token', '--repo', 'acme/web'], env: { MESA_API_URL: PIPED }, status: 3 },
  {
    args: ['auth', 'mint-token', '--repo', 'acme/web'],
    env: { MESA_API_URL: 'https://api.mesa.test', HTTPS_PROXY: `ftp://${PIPED}@x` },
    status: 3,
  },
  {
    args: ['auth', 'mint-token', '--repo', 'acme/web'],
    env: { MESA_API_KEY: VARIABLE, MESA_API_URL: 'http://127.0.0.1:1' },
    status: 7,
  },
  { args: ['auth', 'mint-token', '--repo', 'acme/web'], env: { MESA_API_KEY: ENDING_JWT }, status: 2 },
  ...[IN_ORGS, `acme:${IN_ORGS} x`].flatMap((value) => [
    { args: ['auth', 'status', '--offline'], env: { MESA_ORGS: value }, status: 2 },
    { args: ['auth', 'doctor'], env: { MESA_ORGS: value }, status: 1 },
  ]),
  { args: ['auth', 'status', '--offline'], env: { MESA_API_KEY: `${VARIABLE} x` }, status: 2 },
  { args: ['auth', 'doctor', '--fix'], env: { MESA_API_KEY: `${VARIABLE} x` }, status: 1 },
  { args: ['init', '-y', '--backend', PIPED], status: 2 },
  { args: ['auth', 'migrate', '--to', PIPED], status: 2 },
  { args: ['auth', 'migrate', '--to', 'encrypted-file', '--merge', '--prefer', PIPED], status: 2 },
  { args: ['auth', 'change-passphrase', PIPED], status: 2 },
  { args: ['auth', 'backup', 'file', PIPED], status: 2 },
  { args: ['auth', 'restore', 'file', PIPED, '--yes'], status: 2 },
  { args: ['auth', 'unlock', '--timeout', PIPED], status: 2 },
  { args: ['auth', 'unlock', PIPED], status: 2 },
  { args: ['auth', 'lock', PIPED], status: 2 },
  { args: ['run-unlock-agent'], stdin: `{"v":1,"passphrase":"${PIPED}"}\n`, status: 2 },
];

// Through the agent, which the first of them starts.
const UNLOCKING: readonly Step[] = [
  { args: ['auth', 'unlock'], env: { MESA_VAULT_PASSPHRASE: WRONG_PASSPHRASE }, status: 6 },
  { args: ['auth', 'unlock'], status: 0 },
  { args: ['auth', 'unlock', '--check', '--json'], status: 0 },
  ...[['list'], ['get-key', '--explain'], ['unlock', '--timeout', '1h']].map((words) => ({
    args: ['auth', ...words],
    env: { MESA_VAULT_PASSPHRASE: '' },
    status: 0,
  })),
  { args: ['auth', 'get-key'], env: { MESA_VAULT_PASSPHRASE: '' }, prints: GLOBAL, status: 0 },
  { args: ['auth', 'set-key', '--org', 'none'], env: { MESA_VAULT_PASSPHRASE: '' }, stdin: PIPED, status: 0 },
  { args: ['auth', 'lock'], status: 0 },
  { args: ['auth', 'get-key'], env: { MESA_VAULT_PASSPHRASE: '' }, status: 6 },
];

/** Texts of a document that cannot be used, each with a secret where a parser would quote it. */
const DAMAGED_DOCUMENTS = [
  `version = 1\n${IN_LINE}\n`,
  `version = 1\n[keys.global]\nkey = "${IN_LINE}\n`,
  `version = 1\n[keys.global]\nkey = "${IN_LINE} x"\n`,
  `version = 1\n[keys.global]\nkey = ["${IN_LINE}"]\n`,
  `version = 1\n[keys]\nglobal = "${IN_LINE}"\n`,
  `version = 1\n[keys.global]\nkey = "${IN_LINE}"\nadded = "${IN_LINE}"\n`,
  `version = 1\n[keys.global]\nkey = "${IN_LINE}"\nkey = "${IN_LINE}"\n`,
  `version = "${IN_LINE}"\n`,
  `version = 2\n[keys.global]\nkey = "${IN_LINE}"\n`,
  `keys = "${IN_LINE}"\n`,
];

const BROKEN_CONFIGS = [
  `[organizations.acme]\napi-key = "${IN_CONFIG}\n`,
  `[organizations.acme]\n${IN_CONFIG}\n`,
  `api-key = "${IN_CONFIG}"\napi-key = "${IN_CONFIG}"\n`,
  `[organizations.acme\napi-key = "${IN_CONFIG}"\n`,
  `secrets = "${IN_CONFIG}"\n`,
  `[secrets]\nbackend = ["${IN_CONFIG}"]\n`,
  `[secrets]\nunlock-timeout = "${IN_CONFIG}"\n`,
  `service-domain = "${IN_CONFIG}/"\n`,
  `api-url = "${IN_CONFIG}"\n`,
  `api-url = "https://t:${IN_CONFIG}@api.mesa.dev"\n`,
  `service-domain = { a = "${IN_CONFIG}" }\n`,
];

/** Runs one step and searches all that it printed. */
async function expectNoLeak(home: TempHome, step: Step, debug: boolean): Promise<void> {
  const env = {
    MESA_VAULT_PASSPHRASE: PASSPHRASE,
    TMPDIR: join(home.path, 'tmp'),
    ...(debug ? { MESA_DEBUG: '1' } : {}),
    ...step.env,
  };
  const input = step.stdin === undefined ? {} : { stdin: step.stdin };
  const result = await runMesa(step.args, { home, env, cwd: join(home.path, 'work'), ...input });
  const shown = { args: step.args, status: result.status, signal: result.signal };
  expect(shown).toEqual({ args: step.args, status: step.status, signal: null });
  expect({ ...shown, found: SECRETS.findIn(result.stderr) }).toEqual({ ...shown, found: [] });
  if (step.prints === undefined) {
    expect({ ...shown, found: SECRETS.findIn(result.stdout) }).toEqual({ ...shown, found: [] });
  } else {
    expect({ ...shown, stdout: result.stdout }).toEqual({ ...shown, stdout: `${step.prints}\n` });
  }
}

function secretsInFiles(home: TempHome, isExpected: (name: string) => boolean): readonly string[] {
  return home
    .tree()
    .filter((name) => name !== 'key-file' && statSync(join(home.path, name)).isFile() && !isExpected(name))
    .flatMap((name) =>
      SECRETS.findIn(readFileSync(join(home.path, name))).map((secret) => `${secret} in ${name}`),
    );
}

async function canaryHome(backend: (typeof BACKENDS)[number]): Promise<TempHome> {
  const home = createTempHome();
  mkdirSync(join(home.path, 'tmp'));
  mkdirSync(join(home.path, 'work'));
  home.useBackend(backend);
  home.write('key-file', `${IN_FILE}\n`);
  const text = documentOf({ global: GLOBAL, 'orgs/acme': ACME, 'orgs/jwt': JWT });
  if (backend === 'plaintext-file') {
    home.write('.local/share/mesa/secrets.plaintext.toml', text);
  } else {
    home.write('.local/share/mesa/secrets.vault.age', await sealDocument(text, PASSPHRASE));
  }
  return home;
}

describe.each(BACKENDS)('with the %s backend', (backend) => {
  it('no command shows a secret, and none lies anywhere but in the store', async () => {
    const home = await canaryHome(backend);
    for (const [index, step] of GOOD.entries()) {
      await expectNoLeak(home, step, index % 2 === 0);
    }
    expect(secretsInFiles(home, (name) => STORES.test(name))).toEqual([]);
    const kept = [
      'the stored global key',
      'the stored key of acme',
      'the key on stdin',
      'a token in MESA_ORGS',
      'another token in MESA_ORGS',
    ];
    const store = readFileSync(backend === 'plaintext-file' ? home.plaintext : home.vault);
    expect(SECRETS.findIn(store)).toEqual(backend === 'plaintext-file' ? kept : []);
  });

  it('no damaged store is quoted', async () => {
    const home = await canaryHome(backend);
    for (const text of DAMAGED_DOCUMENTS) {
      if (backend === 'plaintext-file') {
        home.write('.local/share/mesa/secrets.plaintext.toml', text);
      } else {
        home.write('.local/share/mesa/secrets.vault.age', await sealDocument(text, PASSPHRASE));
      }
      await expectNoLeak(home, { args: ['auth', 'list'], status: 8 }, true);
      await expectNoLeak(home, { args: ['auth', 'get-key', '--json'], status: 8 }, false);
      await expectNoLeak(home, { args: ['auth', 'status', '--offline'], status: 8 }, false);
      await expectNoLeak(home, { args: ['auth', 'doctor', '--fix'], status: 1 }, true);
    }
    expect(secretsInFiles(home, (name) => STORES.test(name))).toEqual([]);
  });
});

it('no mistake on the command line, on stdin or in the environment is quoted', async () => {
  const home = await canaryHome('plaintext-file');
  for (const debug of [true, false]) {
    for (const step of MISTAKES) {
      await expectNoLeak(home, step, debug);
    }
  }
  expect(secretsInFiles(home, (name) => STORES.test(name))).toEqual([]);
});

it('no broken config is quoted, and no legacy key is shown or used', async () => {
  const home = await canaryHome('plaintext-file');
  for (const text of BROKEN_CONFIGS) {
    home.write('.config/mesa/config.toml', text);
    await expectNoLeak(home, { args: ['auth', 'list'], status: 3 }, true);
    await expectNoLeak(home, { args: ['init', '-y'], status: 3 }, false);
    await expectNoLeak(home, { args: ['auth', 'status', '--offline'], status: 3 }, true);
    await expectNoLeak(home, { args: ['auth', 'doctor', '--fix'], status: 1 }, true);
  }
  const legacy = `[secrets]\nbackend = "plaintext-file"\n[organizations.old]\napi-key = "${IN_CONFIG}"\n`;
  home.write('.config/mesa/config.toml', legacy);
  await expectNoLeak(home, { args: ['auth', 'get-key', '--org', 'old'], status: 0, prints: GLOBAL }, true);
  await expectNoLeak(home, { args: ['init', '-y', '--backend', 'encrypted-file'], status: 0 }, true);
  expect(secretsInFiles(home, (name) => STORES.test(name) || name.endsWith('config.toml'))).toEqual([]);
  home.write('.config/mesa/config.toml', legacy);
  await expectNoLeak(home, { args: ['auth', 'status', '--offline'], status: 0 }, true);
  await expectNoLeak(home, { args: ['auth', 'doctor', '--fix'], env: { CI: '1' }, status: 0 }, true);
  expect(secretsInFiles(home, (name) => STORES.test(name))).toEqual([]);
});

it('no passphrase is shown, right, wrong or weak, whatever is wrong with the vault', async () => {
  const home = await canaryHome('encrypted-file');
  const good = readFileSync(home.vault);
  const list = { args: ['auth', 'list'] };
  await expectNoLeak(home, { ...list, env: { MESA_VAULT_PASSPHRASE: WRONG_PASSPHRASE }, status: 6 }, true);
  for (const bytes of [good.subarray(0, -9), Buffer.from('x'), Buffer.alloc(0), Buffer.from(PASSPHRASE)]) {
    writeFileSync(home.vault, bytes);
    await expectNoLeak(home, { ...list, status: 8 }, true);
  }
  chmodSync(home.vault, 0o666);
  await expectNoLeak(home, { ...list, status: 8 }, true);
  rmSync(home.vault);
  const weak = { MESA_VAULT_PASSPHRASE: PASSPHRASE.slice(5, 14) };
  await expectNoLeak(home, { args: ['auth', 'set-key', ARGUMENT], env: weak, status: 0 }, true);
  expect(secretsInFiles(home, () => false)).toEqual([]);
});

/** A store and its backups, and what goes wrong with them. */
const BACKUPS: readonly Step[] = [
  { args: ['auth', 'backup', 'plain.toml', '--plaintext', '--yes'], status: 0 },
  { args: ['auth', 'backup', 'plain.toml', '--plaintext', '--yes'], status: 2 },
  { args: ['auth', 'backup', 'keys.age'], status: 0 },
  { args: ['auth', 'set-key', '--org', 'acme'], stdin: PIPED, status: 0 },
  { args: ['auth', 'restore', 'plain.toml', '--dry-run'], status: 0 },
  { args: ['auth', 'restore', 'plain.toml', '--dry-run', '--exact', '--json'], status: 0 },
  { args: ['auth', 'restore', 'plain.toml'], status: 2 },
  {
    args: ['auth', 'restore', 'keys.age', '--yes'],
    env: { MESA_VAULT_PASSPHRASE: WRONG_PASSPHRASE },
    status: 6,
  },
  { args: ['auth', 'restore', 'keys.age', '--yes'], status: 0 },
];

/** A store from one backend to the other and back, under two passphrases. */
const MOVES: readonly Step[] = [
  { args: ['auth', 'migrate', '--to', 'encrypted-file', '--dry-run'], status: 0 },
  { args: ['auth', 'migrate', '--to', 'encrypted-file', '--dry-run', '--json'], status: 0 },
  { args: ['auth', 'migrate', '--to', 'encrypted-file'], env: { MESA_VAULT_PASSPHRASE: '' }, status: 6 },
  { args: ['auth', 'migrate', '--to', 'encrypted-file', '--keep-source'], status: 0 },
  { args: ['auth', 'set-key', '--org', 'acme'], stdin: PIPED, status: 0 },
  { args: ['auth', 'migrate', '--to', 'encrypted-file', '--merge'], status: 2 },
  { args: ['auth', 'change-passphrase'], env: { MESA_NEW_VAULT_PASSPHRASE: PASSPHRASE }, status: 2 },
  { args: ['auth', 'change-passphrase'], env: { MESA_NEW_VAULT_PASSPHRASE: NEW_PASSPHRASE }, status: 0 },
  { args: ['auth', 'backup', 'vault.age'], status: 0 },
  {
    args: ['auth', 'migrate', '--to', 'plaintext-file', '--yes', '--merge', '--prefer', 'source'],
    env: { MESA_VAULT_PASSPHRASE: NEW_PASSPHRASE },
    status: 0,
  },
];

it.each([
  { title: 'backups and restores', steps: BACKUPS, left: ['work/keys.age'] },
  { title: 'migrations and changes of the passphrase', steps: MOVES, left: ['work/vault.age'] },
])('no secret is shown or left behind by $title', async ({ steps, left }) => {
  const home = await canaryHome('plaintext-file');
  for (const [index, step] of steps.entries()) {
    await expectNoLeak(home, step, index % 2 === 0);
  }
  expect(secretsInFiles(home, (name) => STORES.test(name) || name.endsWith('plain.toml'))).toEqual([]);
  expect(home.tree().filter((name) => name.endsWith('.age'))).toEqual(left);
});

it('no damaged backup is quoted', async () => {
  const home = await canaryHome('plaintext-file');
  for (const text of DAMAGED_DOCUMENTS) {
    home.write('work/damaged.toml', text);
    await expectNoLeak(home, { args: ['auth', 'restore', 'damaged.toml', '--yes'], status: 8 }, true);
    home.write('work/damaged.age', await sealDocument(text, PASSPHRASE));
    await expectNoLeak(home, { args: ['auth', 'restore', 'damaged.age', '--dry-run'], status: 8 }, false);
  }
});

it('a key that cannot be printed is not printed elsewhere', async () => {
  const home = await canaryHome('plaintext-file');
  const result = await runShell('MESA_DEBUG=1; export MESA_DEBUG; mesa auth get-key >/dev/full', { home });
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(SECRETS.findIn(result.stderr)).toEqual([]);
});

it('git is asked without any secret in its arguments or its environment', async () => {
  const home = await canaryHome('plaintext-file');
  const work = join(home.path, 'work');
  execFileSync('git', ['init', '-q'], { cwd: work, env: childEnv({ home }) });
  const url = `https://t:${IN_REMOTE}@api.mesa.dev/acme/web.git`;
  execFileSync('git', ['remote', 'add', 'origin', url], { cwd: work, env: childEnv({ home }) });
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const fake = home.write(
    'bin/git',
    `#!/bin/sh\ncat /proc/$$/environ /proc/$$/cmdline >'${home.path}/seen'\nexec '${real}' "$@"\n`,
  );
  chmodSync(fake, 0o700);
  const env = {
    PATH: `${join(home.path, 'bin')}:${process.env['PATH'] ?? ''}`,
    MESA_API_KEY: VARIABLE,
    MESA_ORGS: `one:${IN_ORGS}`,
  };
  await expectNoLeak(home, { args: ['auth', 'get-key', '--explain'], env, status: 0 }, true);
  const seen = readFileSync(join(home.path, 'seen'), 'utf8');
  expect(seen).toContain('PATH=');
  expect(seen).toContain('get-url');
  expect(SECRETS.findIn(seen)).toEqual([]);
});

it('unlock, lock, and what goes through the agent between them show no secret, and leave none anywhere', async () => {
  const home = await canaryHome('encrypted-file');
  for (const [index, step] of UNLOCKING.entries()) {
    await expectNoLeak(home, step, index % 2 === 0);
  }
  expect(secretsInFiles(home, (name) => STORES.test(name))).toEqual([]);
  expect(SECRETS.findIn(readFileSync(join(home.dataDir, 'secrets.vault.age')))).toEqual([]);
});

it('while mesa waits, the process list shows no secret, of itself or of its helper, and no inspector opens', async () => {
  const home = await canaryHome('encrypted-file');
  const lock = openSync(home.write('.local/share/mesa/.lock', ''), 'r+');
  // The lock belongs to the open file: it is held until this process closes it.
  expect(spawnSync('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] }).status).toBe(0);
  const env = { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_ORGS: `one:${IN_ORGS}`, MESA_API_KEY: VARIABLE };
  const child = startMesa(['auth', 'set-key', ARGUMENT], { home, env });
  const ended = once(child, 'exit');
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const pid = child.pid ?? 0;
  await waitUntil('it waits for the lock', () => stderr.includes('waiting for another mesa'));
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '')).toBe('mesa');
  const helpers = childrenOf(pid);
  expect(helpers.map(({ cmdline }) => cmdline)).toEqual([expect.stringContaining('flock')]);
  expect(helpers.map(({ environ }) => environ)).toEqual(['']);
  expect(SECRETS.findIn(helpers.map(({ cmdline }) => cmdline).join())).toEqual([]);
  child.kill('SIGUSR1');
  await sleep(200);
  closeSync(lock);
  expect(await ended).toEqual([0, null]);
  expect(stderr).not.toContain('Debugger');
  expect(SECRETS.findIn(stderr)).toEqual([]);
});

it.each([[['auth', 'set-key', '--org', 'piped']], [['auth', 'change-passphrase']]])(
  '%j on a vault hands the kernel no secret but encrypted, starts nothing but flock, and opens no network',
  async (args) => {
    const home = await canaryHome('encrypted-file');
    const trace = join(home.path, 'trace');
    const calls = 'write,writev,pwrite64,pwritev,sendto,sendmsg,execve,socket,connect';
    const result = await runMesa(args, {
      home,
      stdin: PIPED,
      env: { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_NEW_VAULT_PASSPHRASE: NEW_PASSPHRASE },
      under: ['strace', '-f', '-v', '-qq', '-s', '1000000', '-o', trace, '-e', `trace=${calls}`, '--'],
    });
    expect(result.status).toBe(0);
    const [start = '', ...lines] = readFileSync(trace, 'utf8').split('\n');
    // Starting mesa itself is ours, with its environment.
    expect(start).toContain('execve(');
    expect(SECRETS.findIn(start)).toEqual(['the passphrase', 'the new passphrase']);
    expect(SECRETS.findIn(lines.join('\n'))).toEqual([]);
    const started = lines.filter((line) => line.includes('execve('));
    expect(started).toHaveLength(1);
    expect(started[0]).toMatch(/execve\("[^"]*\/flock", \["[^"]*flock", "-x", "3"\], \[\]/);
    expect(lines.join('\n')).not.toMatch(/AF_INET|connect\(/);
  },
);

function childrenOf(parent: number): readonly { cmdline: string; environ: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        // The name before the parenthesis may hold anything: proc(5).
        const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(ppid) === parent
          ? [
              {
                cmdline: readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
                environ: readFileSync(`/proc/${pid}/environ`, 'utf8'),
              },
            ]
          : [];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}
