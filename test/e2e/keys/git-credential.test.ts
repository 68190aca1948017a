import { describe, expect, it } from 'vitest';

import { API_KEY, KEY_ID, SIGNING_SECRET } from '../../support/access-tokens.ts';
import { verifyAccessToken } from '../../../src/access-token/verify.ts';
import { startApiServer } from '../../support/api-server.ts';
import { jwtOf } from '../../support/jwt.ts';
import { runMesa, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ACME = 'mesa_organization009f2c';
const WEB = 'mesa_repository0000c0de';
const KEYS = { global: GLOBAL, 'orgs/acme': ACME, 'orgs/acme/repos/web': WEB };
const HOST = 'protocol=https\nhost=api.mesa.dev\n';

function plainHome(document = documentOf(KEYS)): TempHome {
  const home = createTempHome();
  writePlaintext(home, document);
  return home;
}

function get(
  home: TempHome,
  stdin: string,
  env: Record<string, string> = {},
  ...flags: readonly string[]
): Promise<RunResult> {
  return runMesa(['auth', 'git-credential', ...flags, 'get'], { home, stdin, env });
}

describe('git-credential get', () => {
  it.each([
    ['path=acme/web.git\n', WEB],
    ['path=acme/web\n', WEB],
    ['path=acme/web.git/info/lfs\n', WEB],
    ['path=acme/api.git\n', ACME],
    ['path=acme\n', ACME],
    ['path=other/web.git\n', GLOBAL],
    ['path=\n', GLOBAL],
    ['', GLOBAL],
  ])('answers %j with the key that the look-up finds', async (path, key) => {
    expect(await get(plainHome(), `${HOST}${path}\n`)).toMatchObject({
      status: 0,
      stdout: `username=t\npassword=${key}\n`,
      stderr: '',
    });
  });

  it('keeps the name of the user that git has, and takes MESA_ORG and MESA_API_KEY as everywhere', async () => {
    const home = plainHome();
    const named = await get(home, `${HOST}username=ada\npath=acme/web.git\n\n`);
    expect(named.stdout).toBe(`username=ada\npassword=${WEB}\n`);
    expect((await get(home, `${HOST}\n`, { MESA_ORG: 'acme' })).stdout).toContain(`password=${ACME}\n`);
    const env = { MESA_API_KEY: 'mesa_environment00e7e7', MESA_ORG: 'acme' };
    expect((await get(home, `${HOST}path=acme/web.git\n`, env)).stdout).toContain(env.MESA_API_KEY);
    expect((await get(home, `${HOST}path=other/web.git\n`, env)).stdout).toContain(GLOBAL);
  });

  it.each([
    'protocol=http\nhost=api.mesa.dev\n',
    'protocol=ssh\nhost=api.mesa.dev\n',
    'protocol=https\nhost=mesa.dev\n',
    'protocol=https\nhost=api.mesa.dev:8443\n',
    'protocol=https\nhost=api.mesa.dev.evil.example\n',
    'protocol=https\nhost=api.mesa.dev@evil.example\n',
    'protocol=https\nhost=evil.example/api.mesa.dev\n',
    'protocol=https\nhost=api.mesa.dev/v1\n',
    'protocol=https\nhost=\n',
    'protocol=https\n',
    'host=api.mesa.dev\n',
    'url=https://api.mesa.dev/acme/web.git\n',
    `${HOST}path=acme/web.git/../../x\n`.replace('acme/web.git/../../x', '../acme/web.git'),
    `${HOST}path=acme/web/tree\n`,
    '',
  ])('says nothing at all to %j', async (request) => {
    const home = plainHome();
    const before = fingerprint(home);
    expect(await get(home, `${request}\n`)).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(fingerprint(home)).toEqual(before);
  });

  it('knows the host in every spelling that means the same, and the one that is configured', async () => {
    const home = plainHome();
    for (const host of ['API.mesa.DEV', 'api.mesa.dev:443']) {
      expect((await get(home, `protocol=https\nhost=${host}\n\n`)).stdout).toContain(GLOBAL);
    }
    home.write(
      '.config/mesa/config.toml',
      'api-url = "http://127.0.0.1:4477"\n[secrets]\nbackend = "plaintext-file"\n',
    );
    expect((await get(home, 'protocol=http\nhost=127.0.0.1:4477\n\n')).stdout).toContain(GLOBAL);
    for (const other of [HOST, 'protocol=https\nhost=127.0.0.1:4477\n', 'protocol=http\nhost=127.0.0.1\n']) {
      expect((await get(home, `${other}\n`)).stdout).toBe('');
    }
  });

  it.each(['host=api.mesa.dev\rx\n', 'nonsense\n', 'host=api.mesa.dev\0\n', `a=${'x'.repeat(70_000)}\n`])(
    'refuses what git would not write, and gives nothing',
    async (line) => {
      const result = await get(plainHome(), `protocol=https\n${line}host=api.mesa.dev\n\n`);
      expect(result).toMatchObject({
        status: 2,
        stdout: '',
        stderr: 'mesa: standard input holds no credential request as git writes them\n',
      });
    },
  );

  it('tells git when the key ends, and calls it ephemeral only where git knows the word', async () => {
    const token = jwtOf({ exp: 4_000_000_000 });
    const home = plainHome(
      `${documentOf({ 'orgs/acme': token })}\n[keys.global]\nkey = "${GLOBAL}"\nexpires = 2099-01-01T00:00:00Z\n`,
    );
    expect((await get(home, `${HOST}path=acme/web.git\n\n`)).stdout).toBe(
      `username=t\npassword=${token}\npassword_expiry_utc=4000000000\n`,
    );
    const able = await get(home, `capability[]=authtype\ncapability[]=state\n${HOST}\n`);
    expect(able.stdout).toBe(
      `capability[]=authtype\nusername=t\npassword=${GLOBAL}\npassword_expiry_utc=4070908800\nephemeral=1\n`,
    );
    const other = await get(home, `capability[]=state\n${HOST}\n`);
    expect(other.stdout).not.toMatch(/ephemeral|capability/);
  });

  it('leaves git to others when there is no key', async () => {
    const home = plainHome(documentOf({ 'orgs/acme': ACME }));
    expect(await get(home, `${HOST}path=other/web.git\n\n`)).toMatchObject({
      status: 4,
      stdout: '',
      stderr:
        "mesa: no API key found in the secret store for organization 'other'\nhint: mesa auth set-key --org other\n",
    });
  });

  it('makes git stop when there is a key that nobody can use', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf(KEYS));
    const locked = await get(home, `${HOST}\n`);
    expect(locked).toMatchObject({ status: 6, stdout: 'quit=1\n' });
    expect(locked.stderr).toMatch(/^mesa: .*\nhint: /);
    expect((await get(home, `${HOST}\n`, UNLOCKED)).stdout).toContain(GLOBAL);

    const ended = plainHome(documentOf({ 'orgs/acme': jwtOf({ exp: 1_000_000_000 }) }));
    expect(await get(ended, `${HOST}path=acme/web.git\n\n`)).toMatchObject({
      status: 9,
      stdout: 'quit=1\n',
      stderr: expect.stringMatching(
        /^mesa: the key for orgs\/acme expired .*\nhint: mesa auth set-key --org acme\n$/,
      ),
    });
    const damaged = plainHome('version = 1\n[keys\n');
    expect(await get(damaged, `${HOST}\n`)).toMatchObject({ status: 8, stdout: 'quit=1\n' });
  });

  it('on a first run makes no configuration, also where nobody is to be asked', async () => {
    const home = createTempHome();
    for (const env of [{}, { GIT_TERMINAL_PROMPT: '0' }]) {
      expect(await get(home, `${HOST}\n`, env)).toMatchObject({ status: 4, stdout: '' });
    }
    expect(home.tree()).toEqual([]);
  });
});

it.each(['store', 'capability', 'future'])(
  'git-credential %s does nothing, whatever it is given, and never touches a stored key',
  async (operation) => {
    const home = plainHome();
    const before = fingerprint(home);
    const stdin = `${HOST}path=acme/web.git\nusername=t\npassword=${WEB}\n\n`;
    for (const input of [stdin, '', 'nonsense\r\n', `${HOST}password=another\n\n`]) {
      const result = await runMesa(['auth', 'git-credential', operation], { home, stdin: input });
      expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
    }
    expect(fingerprint(home)).toEqual(before);
  },
);

it('git-credential erase keeps the key, and tells which one it is about', async () => {
  const home = plainHome();
  const before = fingerprint(home);
  const erase = (stdin: string) => runMesa(['auth', 'git-credential', 'erase'], { home, stdin });
  expect(await erase(`${HOST}path=acme/web.git\nusername=t\npassword=${WEB}\n\n`)).toMatchObject({
    status: 0,
    stdout: '',
    stderr:
      'mesa: https://api.mesa.dev did not accept the password for acme/web.git\nhint: see which key mesa has for it: mesa auth get-key --org acme --repo web --explain\n',
  });
  for (const other of ['protocol=https\nhost=github.com\npath=acme/web.git\n\n', 'nonsense\n', '']) {
    expect(await erase(other)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  }
  expect(fingerprint(home)).toEqual(before);
});

it('git-credential without an operation is a mistake', async () => {
  expect(await runMesa(['auth', 'git-credential'], { home: createTempHome() })).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'mesa: git-credential needs an operation\nhint: git calls it once set up: mesa auth setup-git\n',
  });
});

describe('git-credential --mint', () => {
  it('gives a token for the one repository that ends within a quarter of an hour, and never the key', async () => {
    const home = plainHome(`${documentOf({ 'orgs/acme': API_KEY })}key-id = "${KEY_ID}"\n`);
    const { status, stdout, stderr } = await get(home, `${HOST}path=acme/web.git\n\n`, {}, '--mint');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [, token = '', expiry] =
      /^username=t\npassword=(\S+)\npassword_expiry_utc=(\d+)\n$/.exec(stdout) ?? [];
    const verdict = await verifyAccessToken(token, {
      signingSecretOf: () => Promise.resolve(SIGNING_SECRET),
    });
    expect(verdict).toMatchObject({
      ok: true,
      claims: {
        permissions: ['read', 'write'],
        repos: ['acme/web'],
        expiresAt: new Date(Number(expiry) * 1_000),
      },
    });
    const claims = verdict.ok ? verdict.claims : undefined;
    expect(Number(claims?.expiresAt) - Number(claims?.issuedAt)).toBe(900_000);
    expect(stdout).not.toContain(API_KEY);
  });

  it.each([
    [
      '',
      'mesa: git does not say for which repository it needs a token\nhint: mesa auth setup-git --mint\n',
      2,
    ],
    [
      'path=acme\n',
      'mesa: git does not say for which repository it needs a token\nhint: mesa auth setup-git --mint\n',
      2,
    ],
  ])('gives nothing for the path %j', async (path, stderr, status) => {
    const home = plainHome();
    expect(await get(home, `${HOST}${path}\n`, {}, '--mint')).toMatchObject({
      status,
      stdout: 'quit=1\n',
      stderr,
    });
  });

  it('gives nothing when the server that knows the id of the key is away, and the key least of all', async () => {
    const home = plainHome();
    const { url } = await startApiServer((request) => void request.socket.destroy());
    const request = `protocol=http\nhost=${url.slice('http://'.length)}\npath=acme/web.git\n\n`;
    expect(await get(home, request, { MESA_API_URL: url }, '--mint')).toMatchObject({
      status: 7,
      stdout: 'quit=1\n',
    });
  });
});
