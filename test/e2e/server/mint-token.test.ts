import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { verifyAccessToken, type AccessTokenVerdict } from '../../../src/access-token/verify.ts';
import { API_KEY, KEY_ID, SIGNING_SECRET } from '../../support/access-tokens.ts';
import { answerJson, IDENTITY, startApiServer } from '../../support/api-server.ts';
import { OBEYING_MODES } from '../../support/confinement.ts';
import { childEnv, runMesa, type RunResult } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { startProxiedApi } from '../../support/tls-proxy.ts';

const MINT = ['auth', 'mint-token'];
const WITH_ID = `${documentOf({ 'orgs/acme': API_KEY })}key-id = "${KEY_ID}"\n`;

/** Judges a token as of the time `now`: one for a second may be over before a busy machine comes to look at it. */
function verify(stdout: string, now?: Date): Promise<AccessTokenVerdict> {
  expect(stdout).toMatch(/^\S+\n$/);
  return verifyAccessToken(stdout.trim(), { signingSecretOf: () => Promise.resolve(SIGNING_SECRET), now });
}

/** Everything that a token says and that does not differ from run to run. It is valid at `start`, or else still is now. */
async function claimsOf(result: RunResult, start?: Date): Promise<object> {
  const verdict = await verify(result.stdout, start);
  expect(verdict).toMatchObject({ ok: true, claims: { keyId: KEY_ID } });
  const { permissions, repos, issuedAt, expiresAt } = verdict.ok ? verdict.claims : never();
  return { permissions, repos, seconds: (expiresAt.getTime() - issuedAt.getTime()) / 1_000 };
}

function never(): never {
  throw new Error('the token is not valid');
}

/** A home with a key whose id is known, so that nobody is asked. */
function offlineHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, WITH_ID);
  return home;
}

function checkoutIn(home: TempHome, origin: string): string {
  const checkout = join(home.path, 'work');
  mkdirSync(checkout);
  for (const args of [
    ['init', '-q'],
    ['remote', 'add', 'origin', origin],
  ]) {
    execFileSync('git', args, { env: childEnv({ home }), cwd: checkout, stdio: 'pipe' });
  }
  return checkout;
}

describe('a minted token', () => {
  it('reads the repository of the checkout for an hour, and nothing more, unless more is asked for', async () => {
    const home = offlineHome();
    const cwd = checkoutIn(home, 'https://t@api.mesa.dev/acme/web.git');
    const NOTE = "mesa: using organization 'acme', repository 'web' from the git remote origin\n";
    for (const env of [{}, { MESA_ORG: 'acme' }]) {
      const start = new Date();
      const result = await runMesa(MINT, { home, cwd, env });
      expect(result).toMatchObject({ status: 0, stderr: NOTE });
      expect(await claimsOf(result, start)).toEqual({
        permissions: ['read'],
        repos: ['acme/web'],
        seconds: 3_600,
      });
    }
    const elsewhere = await runMesa(MINT, { home, cwd, env: { MESA_ORG: 'other' } });
    expect(elsewhere).toMatchObject({ status: 2, stdout: '' });
  });

  it.each<[readonly string[], object]>([
    [['--repo', 'acme/web'], { permissions: ['read'], repos: ['acme/web'], seconds: 3_600 }],
    [
      ['--org', 'acme', '--repo', 'web', '--ttl', '1s'],
      { permissions: ['read'], repos: ['acme/web'], seconds: 1 },
    ],
    [
      ['--repo', 'acme/web', '--repo=acme/api', '--scope', 'write,read', '--ttl=24h'],
      { permissions: ['read', 'write'], repos: ['acme/web', 'acme/api'], seconds: 86_400 },
    ],
    [
      ['--org', 'acme', '--all-repos', '--scope=admin'],
      { permissions: ['admin'], repos: null, seconds: 3_600 },
    ],
  ])('of %j holds just that', async (args, expected) => {
    const home = offlineHome();
    const before = fingerprint(home);
    const start = new Date();
    const result = await runMesa([...MINT, ...args], { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(await claimsOf(result, start)).toEqual(expected);
    expect(fingerprint(home)).toEqual(before);
  });

  it('comes with --json beside what it may do and when it ends', async () => {
    const result = await runMesa([...MINT, '--repo', 'acme/web', '--json'], { home: offlineHome() });
    const { token, expires, ...rest } = JSON.parse(result.stdout) as Record<string, string>;
    const verdict = await verify(`${token}\n`);
    expect(verdict).toMatchObject({ ok: true, claims: { expiresAt: new Date(expires ?? '') } });
    expect(rest).toEqual({
      schema_version: 1,
      permissions: ['read'],
      organization: 'acme',
      repositories: ['acme/web'],
      source: 'orgs/acme',
      key_id: KEY_ID,
    });
  });

  it('is announced on stderr in GitHub Actions, which hides it from then on; data stays data', async () => {
    const options = { home: offlineHome(), env: { GITHUB_ACTIONS: 'true' } };
    const { stdout, stderr } = await runMesa([...MINT, '--repo', 'acme/web'], options);
    expect(stderr).toBe(`::add-mask::${stdout}`);
    expect((await verify(stdout)).ok).toBe(true);
  });
});

describe('nothing is minted', () => {
  it.each<[string, readonly string[], Record<string, string>, number, string]>([
    [
      'for an organization without a repository',
      ['--org', 'acme'],
      {},
      2,
      'mesa: a token is for a repository, and none is named\nhint: add --repo acme/<repository>, or --all-repos for every one that the key may use\n',
    ],
    [
      'without any context',
      [],
      {},
      2,
      'mesa: a token is for a repository, and none is named\nhint: add --repo ORG/REPO, or --all-repos for every one that the key may use\n',
    ],
    [
      'for one repository and all',
      ['--repo', 'acme/web', '--all-repos'],
      {},
      2,
      'mesa: --repo and --all-repos exclude each other\n',
    ],
    [
      'for longer than a day',
      ['--repo', 'acme/web', '--ttl', '25h'],
      {},
      2,
      "mesa: --ttl: '25h' is not a time from 1s to 24h\nhint: use units s, m, h and d, as in --ttl 15m\n",
    ],
    [
      'with a permission that there is not',
      ['--repo', 'acme/web', '--scope', 'all'],
      {},
      2,
      "mesa: --scope: 'all' is not a permission\nhint: use read, write, admin, separated by commas, as in --scope read,write\n",
    ],
    [
      'without a key',
      ['--repo', 'other/web'],
      {},
      4,
      "mesa: no API key found in the secret store for organization 'other'\nhint: mesa auth set-key --org other\n",
    ],
    [
      'with a token in MESA_API_KEY',
      ['--repo', 'acme/web'],
      { MESA_API_KEY: 'eyJhbGciOiJIUzI1NiJ9.e30.x' },
      2,
      'mesa: the key in MESA_API_KEY is a short-lived token, which cannot sign others\nhint: give an API key: export MESA_API_KEY=<another key>\n',
    ],
  ])('%s', async (_, args, env, status, stderr) => {
    const home = offlineHome();
    const before = fingerprint(home);
    expect(await runMesa([...MINT, ...args], { home, env })).toMatchObject({ status, stdout: '', stderr });
    expect(fingerprint(home)).toEqual(before);
  });
});

describe('the id of the key', () => {
  it('is asked for once, and kept in the store beside the key', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
    const { url, requests } = await startApiServer();
    const options = { home, env: { MESA_API_URL: url } };
    for (let run = 0; run < 2; run += 1) {
      const result = await runMesa([...MINT, '--repo', 'acme/web'], options);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(await claimsOf(result)).toMatchObject({ repos: ['acme/web'] });
    }
    expect(requests).toEqual(['GET /v1/whoami']);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(WITH_ID);
  });

  it('is kept in a vault, too', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    const { url, requests } = await startApiServer();
    await writeVault(home, documentOf({ 'orgs/acme': API_KEY }));
    const options = { home, env: { MESA_API_URL: url, ...UNLOCKED } };
    for (let run = 0; run < 2; run += 1) {
      expect(await runMesa([...MINT, '--repo', 'acme/web'], options)).toMatchObject({
        status: 0,
        stderr: '',
      });
    }
    expect(await openVault(home)).toBe(WITH_ID);
    expect(requests).toEqual(['GET /v1/whoami']);
  });

  it('is asked for through a proxy, which never sees the key', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
    const { certificate, proxy, connects, credentials } = await startProxiedApi(home, 'api.mesa.test');
    const env = {
      MESA_API_URL: 'https://api.mesa.test',
      HTTPS_PROXY: proxy,
      NODE_EXTRA_CA_CERTS: certificate,
    };
    expect(await runMesa([...MINT, '--repo', 'acme/web'], { home, env })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(connects).toEqual(['CONNECT api.mesa.test:443 HTTP/1.1']);
    expect(credentials).toEqual([`Bearer ${API_KEY}`]);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(WITH_ID);
  });

  it('of a key in MESA_API_KEY is kept nowhere', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const before = fingerprint(home);
    const { url, requests } = await startApiServer();
    const env = { MESA_API_URL: url, MESA_API_KEY: API_KEY };
    for (let run = 0; run < 2; run += 1) {
      expect(await runMesa([...MINT, '--repo', 'acme/web'], { home, env })).toMatchObject({ status: 0 });
    }
    expect(requests).toHaveLength(2);
    expect(fingerprint(home)).toEqual(before);
  });

  it('that cannot be kept is used all the same, with a warning', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
    const before = readFileSync(home.plaintext, 'utf8');
    const { url } = await startApiServer();
    chmodSync(home.dataDir, 0o500);
    const options = { home, env: { MESA_API_URL: url }, under: OBEYING_MODES };
    const result = await runMesa([...MINT, '--repo', 'acme/web'], options);
    chmodSync(home.dataDir, 0o700);
    expect(result.stderr).toMatch(
      /^mesa: warning: the id of the key for orgs\/acme was not remembered: .*permission denied$/m,
    );
    expect(await claimsOf(result)).toMatchObject({ repos: ['acme/web'] });
    expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
  });

  it('is not learnt from a server that refuses the key, and the message names the key by its place', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': 'mesa_revoked_0000000000' }));
    const before = fingerprint(home);
    const { url } = await startApiServer();
    const options = { home, env: { MESA_API_URL: url } };
    expect(await runMesa([...MINT, '--repo', 'acme/web'], options)).toMatchObject({
      status: 5,
      stdout: '',
      stderr: `mesa: ${url} does not accept the key for orgs/acme: 'UNAUTHORIZED: Invalid API key'\nhint: replace it: mesa auth set-key --org acme\n`,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('is not learnt from a server that is not there', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
    const { url } = await startApiServer((request) => void request.socket.destroy());
    home.write('.config/mesa/config.toml', `api-url = "${url}"\n[secrets]\nbackend = "plaintext-file"\n`);
    expect(await runMesa([...MINT, '--repo', 'acme/web'], { home })).toMatchObject({
      status: 7,
      stdout: '',
      stderr: expect.stringContaining(`mesa: cannot reach ${url}: `),
    });
  });

  it('that makes no sense is not taken', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
    const before = fingerprint(home);
    const { url } = await startApiServer((_, response) => {
      answerJson(response, 200, { ...IDENTITY, key_id: 'key 1\u001b[31m' });
    });
    const options = { home, env: { MESA_API_URL: url } };
    expect(await runMesa([...MINT, '--repo', 'acme/web'], options)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('answered GET /v1/whoami with something else'),
    });
    expect(fingerprint(home)).toEqual(before);
  });
});

it.each(['http://api.mesa.dev', 'https://t:mesa_secret@api.mesa.dev', 'nonsense'])(
  'MESA_API_URL %s is refused without a word of it',
  async (url) => {
    const result = await runMesa([...MINT, '--repo', 'acme/web'], {
      home: offlineHome(),
      env: { MESA_API_URL: url },
    });
    expect(result).toMatchObject({ status: 3, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: MESA_API_URL is not an https URL of a host/);
    expect(result.stderr).not.toContain(url);
  },
);
