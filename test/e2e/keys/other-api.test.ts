import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { API_KEY } from '../../support/access-tokens.ts';
import { unlock } from '../../support/agent.ts';
import { startApiServer } from '../../support/api-server.ts';
import { runMesa, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, openVault, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';

const PUBLIC = 'https://api.mesa.dev';

/** A home directory whose key for acme was stored while an API was configured. */
async function homeWithKey(api: string): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  const stored = await runMesa(['auth', 'set-key', '--org', 'acme'], {
    home,
    stdin: API_KEY,
    env: { MESA_API_URL: api },
  });
  expect(stored.status).toBe(0);
  return home;
}

function refusal(api: string, configured: string): Partial<RunResult> {
  return {
    status: 5,
    stdout: '',
    stderr:
      `mesa: the key for orgs/acme was stored for ${api}, and is not sent to ${configured}\n` +
      'hint: to use it there, too: mesa auth get-key --org acme | mesa auth set-key --org acme\n',
  };
}

describe('every way in notes the API that is configured', () => {
  it('set-key and MESA_ORGS, in both backends and through the agent', async () => {
    const plain = createTempHome();
    plain.useBackend('plaintext-file');
    const env = { MESA_SERVICE_DOMAIN: 'corp.example' };
    await runMesa(['auth', 'set-key', '--org', 'a', 'mesa_a'], { home: plain });
    await runMesa(['auth', 'list'], { home: plain, env: { ...env, MESA_ORGS: 'b:mesa_b' } });
    const document = readFileSync(plain.plaintext, 'utf8');
    expect(document).toMatch(/"orgs\/a"\]\nkey = "mesa_a"\nadded = \S+\napi = "https:\/\/api\.mesa\.dev"\n/);
    expect(document).toMatch(
      /"orgs\/b"\]\nkey = "mesa_b"\nadded = \S+\napi = "https:\/\/api\.corp\.example"\n/,
    );

    const locked = createTempHome();
    locked.useBackend('encrypted-file');
    await writeVault(locked, documentOf({ 'orgs/acme': API_KEY }));
    await unlock(locked);
    expect(await runMesa(['auth', 'set-key', '--org', 'a', 'mesa_a'], { home: locked, env })).toMatchObject({
      status: 0,
    });
    expect(await openVault(locked)).toMatch(/"mesa_a"\nadded = \S+\napi = "https:\/\/api\.corp\.example"\n/);
    expect(await runMesa(['auth', 'whoami', '--org', 'a'], { home: locked })).toMatchObject({ status: 5 });
  });

  it('MESA_ORGS writes nothing for a key that is stored for this API, and stores it anew for another one', async () => {
    const home = await homeWithKey(PUBLIC);
    const before = readFileSync(home.plaintext);
    const MESA_ORGS = `acme:${API_KEY}`;
    await runMesa(['auth', 'list'], { home, env: { MESA_ORGS } });
    expect(readFileSync(home.plaintext)).toEqual(before);
    await runMesa(['auth', 'list'], { home, env: { MESA_ORGS, MESA_SERVICE_DOMAIN: 'corp.example' } });
    expect(readFileSync(home.plaintext, 'utf8')).toContain('api = "https://api.corp.example"\n');
  });
});

describe('a key that was stored for another API', () => {
  it.each([
    ['whoami', ['whoami', '--org', 'acme']],
    ['api-keys list', ['api-keys', 'list', '--org', 'acme']],
    ['api-keys create', ['api-keys', 'create', '--org', 'acme']],
    ['api-keys revoke', ['api-keys', 'revoke', 'key_1', '--org', 'acme', '--yes']],
    ['api-keys rotate', ['api-keys', 'rotate', '--org', 'acme']],
    ['mint-token', ['mint-token', '--repo', 'acme/web']],
    ['exec', ['exec', '--org', 'acme', '--', 'sh', '-c', 'echo ran']],
    ['exec --mint', ['exec', '--mint', '--repo', 'acme/web', '--', 'sh', '-c', 'echo ran']],
  ])('is not sent by %s, and no child gets it', async (_, args) => {
    const server = await startApiServer();
    const home = await homeWithKey(PUBLIC);
    const before = readFileSync(home.plaintext);
    const result = await runMesa(['auth', ...args], {
      home,
      env: { MESA_API_URL: server.url },
    });
    expect(result).toMatchObject(refusal(PUBLIC, server.url));
    expect(server.requests).toEqual([]);
    expect(readFileSync(home.plaintext)).toEqual(before);
  });

  it.each([[['get']], [['--mint', 'get']]])('is not given to git by git-credential %j', async (operation) => {
    const server = await startApiServer();
    const home = await homeWithKey(PUBLIC);
    const result = await runMesa(['auth', 'git-credential', ...operation], {
      home,
      stdin: `protocol=http\nhost=${new URL(server.url).host}\npath=acme/web.git\n\n`,
      env: { MESA_API_URL: server.url },
    });
    expect(result).toMatchObject({ ...refusal(PUBLIC, server.url), stdout: 'quit=1\n' });
    expect(server.requests).toEqual([]);
  });

  it('is not asked about by status, which shows the others', async () => {
    const server = await startApiServer();
    const home = await homeWithKey(PUBLIC);
    await runMesa(['auth', 'set-key', '--org', 'here'], {
      home,
      stdin: 'mesa_hereHereHere9f2c',
      env: { MESA_API_URL: server.url },
    });
    const { stdout } = await runMesa(['auth', 'status'], { home, env: { MESA_API_URL: server.url } });
    expect(stdout).toMatch(/^orgs\/acme .* other-api$/m);
    expect(stdout).toMatch(/^orgs\/here .* rejected$/m);
    expect(server.requests).toEqual(['GET /v1/whoami']);
  });

  it('is printed by get-key, and goes there once it is stored anew, as the hint says', async () => {
    const server = await startApiServer();
    const home = await homeWithKey(PUBLIC);
    const env = { MESA_API_URL: server.url };
    const got = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env });
    expect(got).toMatchObject({ status: 0, stdout: `${API_KEY}\n`, stderr: '' });
    await runMesa(['auth', 'set-key', '--org', 'acme'], { home, env, stdin: got.stdout });
    expect(await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env })).toMatchObject({ status: 0 });
    expect(server.requests).toEqual(['GET /v1/whoami']);
  });

  it('is in the log as refused', async () => {
    const home = await homeWithKey(PUBLIC);
    await runMesa(['auth', 'whoami', '--org', 'acme'], {
      home,
      env: { MESA_SERVICE_DOMAIN: 'corp.example' },
    });
    const { stdout } = await runMesa(['auth', 'log', '--json'], { home });
    expect(JSON.parse(stdout)).toMatchObject({
      uses: [{ action: 'whoami', scope: 'orgs/acme', source: 'orgs/acme', outcome: 'key_of_other_api' }],
    });
  });

  it.each([
    ['y\r', 0, 1],
    ['\r', 5, 0],
  ])('is asked about on a terminal: %j ends with %i', async (answer, status, requests) => {
    const server = await startApiServer();
    const home = await homeWithKey(PUBLIC);
    const terminal = openTerminal({ home, env: { MESA_API_URL: server.url } });
    terminal.type('mesa auth whoami --org acme\r');
    await terminal.waitFor(`was stored for ${PUBLIC}. Send it to ${server.url}?`);
    terminal.type(answer);
    expect(await terminal.ended()).toBe(status);
    expect(server.requests).toHaveLength(requests);
  });
});

it('a key of an older version, which noted no API, goes where mesa is set to', async () => {
  const server = await startApiServer();
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': API_KEY }));
  const before = readFileSync(home.plaintext);
  const result = await runMesa(['auth', 'whoami', '--org', 'acme'], {
    home,
    env: { MESA_API_URL: server.url },
  });
  expect(result.status).toBe(0);
  expect(readFileSync(home.plaintext)).toEqual(before);
});

it.each(['"http://example.com"', '"mesa.dev"', '"https://api.mesa.dev.example"'])(
  'a key whose API is written as %s goes nowhere, since mesa is set to no such one',
  async (api) => {
    const server = await startApiServer();
    const home = createTempHome();
    writePlaintext(home, `${documentOf({ 'orgs/acme': API_KEY })}api = ${api}\n`);
    const env = { MESA_API_URL: server.url };
    expect(await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env })).toMatchObject(
      refusal(api.slice(1, -1), server.url),
    );
    expect(server.requests).toEqual([]);
  },
);

it('an API that is spelled otherwise is the same', async () => {
  const server = await startApiServer();
  const home = createTempHome();
  writePlaintext(home, `${documentOf({ 'orgs/acme': API_KEY })}api = "${server.url}/v1/"\n`);
  const env = { MESA_API_URL: server.url };
  expect(await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env })).toMatchObject({ status: 0 });
});

it.each(['5', '"a b"', '""', '"https://\\u001b[31m"'])(
  'an entry whose API is %s is damaged, and its key goes nowhere',
  async (api) => {
    const server = await startApiServer();
    const home = createTempHome();
    writePlaintext(home, `${documentOf({ 'orgs/acme': API_KEY })}api = ${api}\n`);
    const env = { MESA_API_URL: server.url };
    expect(await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env })).toMatchObject({
      status: 8,
      stderr: expect.stringContaining('the field "api" of orgs/acme is not the URL of an API\n'),
    });
    expect(server.requests).toEqual([]);
  },
);

describe('what a child of exec learns of the API', () => {
  const SHOW = ['sh', '-c', 'echo "${MESA_API_URL-none} ${MESA_SERVICE_DOMAIN-none}"'];

  it.each([
    ['', {}, 'https://api.mesa.dev none'],
    ['service-domain = "corp.example"\n', {}, 'https://api.corp.example corp.example'],
    ['api-url = "http://127.0.0.1:4491"\n', {}, 'http://127.0.0.1:4491 none'],
    [
      'service-domain = "corp.example"\napi-url = "http://127.0.0.1:4491/v1/"\n',
      {},
      'http://127.0.0.1:4491 none',
    ],
    ['', { MESA_SERVICE_DOMAIN: 'corp.example' }, 'https://api.corp.example corp.example'],
    [
      'api-url = "http://127.0.0.1:4491"\n',
      { MESA_SERVICE_DOMAIN: 'corp.example' },
      'https://api.corp.example corp.example',
    ],
    [
      'service-domain = "corp.example"\n',
      { MESA_API_URL: 'https://api.corp.example' },
      'https://api.corp.example corp.example',
    ],
    [
      '',
      { MESA_API_URL: 'http://127.0.0.1:4491', MESA_SERVICE_DOMAIN: 'corp.example' },
      'http://127.0.0.1:4491 none',
    ],
    ['api-url = "http://127.0.0.1:4491"\n', { MESA_NO_CONFIG_FILE: '1' }, 'https://api.mesa.dev none'],
  ])('with %j and %j it is %s', async (config, env, expected) => {
    const home = createTempHome();
    home.write('.config/mesa/config.toml', config);
    for (const extra of [[], ['--mask'], ['--clean']]) {
      const result = await runMesa(['auth', 'exec', ...extra, '--', ...SHOW], {
        home,
        env: { MESA_API_KEY: API_KEY, ...env },
      });
      expect(result).toMatchObject({ status: 0, stdout: `${expected}\n` });
    }
  });

  it('a program that the key is for asks no other server', async () => {
    const server = await startApiServer();
    const home = createTempHome();
    home.write(
      '.config/mesa/config.toml',
      `api-url = "${server.url}"\n[secrets]\nbackend = "plaintext-file"\n`,
    );
    await runMesa(['auth', 'set-key', '--org', 'acme'], { home, stdin: API_KEY });
    const program =
      'fetch(process.env.MESA_API_URL + "/v1/whoami", { headers: { authorization: "Bearer " + process.env.MESA_API_KEY } }).then((r) => console.log(r.status))';
    const result = await runMesa(['auth', 'exec', '--org', 'acme', '--', process.execPath, '-e', program], {
      home,
    });
    expect(result.stdout).toBe('200\n');
    expect(server.requests).toEqual(['GET /v1/whoami']);
  });
});

describe('the variables of the API', () => {
  it.each([
    ['MESA_SERVICE_DOMAIN', 'https://corp.example', 'MESA_SERVICE_DOMAIN is not a host name'],
    ['MESA_SERVICE_DOMAIN', 'a b', 'MESA_SERVICE_DOMAIN is not a host name'],
    ['MESA_API_URL', 'http://example.com', 'MESA_API_URL is not an https URL of a host'],
  ])('%s=%s is refused, and no key leaves', async (name, value, what) => {
    const home = await homeWithKey(PUBLIC);
    const result = await runMesa(['auth', 'exec', '--org', 'acme', '--', 'echo', 'ran'], {
      home,
      env: { [name]: value },
    });
    expect(result).toMatchObject({ status: 3, stdout: '', stderr: expect.stringContaining(what) });
  });

  it('MESA_NO_CONFIG_FILE keeps every file from being read, but one that is named', async () => {
    const home = createTempHome();
    const broken = home.write('.config/mesa/config.toml', 'this is no TOML\n');
    const env = { MESA_NO_CONFIG_FILE: '1', ...UNLOCKED };
    await writeVault(home, documentOf({ 'orgs/acme': API_KEY }));
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${API_KEY}\n`,
    });
    expect(await runMesa(['-y', 'auth', 'list'], { home, env })).toMatchObject({ status: 0 });
    expect(readFileSync(broken, 'utf8')).toBe('this is no TOML\n');
    expect(await runMesa(['-c', broken, 'auth', 'list'], { home, env })).toMatchObject({ status: 3 });
    expect(
      await runMesa(['auth', 'list'], { home, env: { ...env, MESA_NO_CONFIG_FILE: '0' } }),
    ).toMatchObject({ status: 3 });
  });
});
