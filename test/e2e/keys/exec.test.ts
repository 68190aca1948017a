import { constants } from 'node:os';

import { describe, expect, it } from 'vitest';

import { API_KEY, KEY_ID } from '../../support/access-tokens.ts';
import { jwtOf } from '../../support/jwt.ts';
import { finishMesa, runMesa, runShell, startMesa } from '../../support/run-mesa.ts';
import { documentOf, PASSPHRASE, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_Lq8sN2pX9f2c';
const MASKED = 'mesa_****9f2c';
const EXEC = ['auth', 'exec', '--org', 'acme'];

function homeWithKey(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: 'mesa_global000000011aa', 'orgs/acme': KEY }));
  return home;
}

function homeWithKeyId(): TempHome {
  const home = createTempHome();
  writePlaintext(home, `${documentOf({ 'orgs/acme': API_KEY })}key-id = "${KEY_ID}"\n`);
  return home;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The variables that a child printed with `env -0`. */
function variablesIn(stdout: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    stdout
      .split('\0')
      .flatMap((line) =>
        line === '' ? [] : [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]],
      ),
  ) as Record<string, string>;
}

describe('exec', () => {
  it('gives the command the key and its organization, and nothing that opens the store', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({ 'orgs/acme': KEY }));
    const env = {
      ...UNLOCKED,
      MESA_NEW_VAULT_PASSPHRASE: 'x',
      MESA_ORGS: ' ',
      MESA_ORG: 'other',
      PLAIN: 'a\nb=c',
    };
    const { stdout, stderr, status } = await runMesa([...EXEC, '--', 'env', '-0'], { home, env });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(variablesIn(stdout)).toEqual({
      PATH: process.env['PATH'],
      HOME: home.path,
      PLAIN: 'a\nb=c',
      MESA_API_KEY: KEY,
      MESA_ORG: 'acme',
      MESA_API_URL: 'https://api.mesa.dev',
    });
    expect(stdout).not.toContain(PASSPHRASE);
  });

  it('names no organization for the global key, and tells when the key ends where that is known', async () => {
    const ends = new Date('2036-01-01T00:00:00.000Z');
    const jwt = jwtOf({ exp: ends.getTime() / 1_000 });
    const home = createTempHome();
    writePlaintext(home, documentOf({ global: jwt }));
    const { stdout } = await runMesa(['auth', 'exec', '--', 'env', '-0'], { home, env: { MESA_ORG: '' } });
    const { MESA_API_KEY, MESA_ORG, MESA_API_KEY_EXPIRES_AT } = variablesIn(stdout);
    expect([MESA_API_KEY, MESA_ORG, MESA_API_KEY_EXPIRES_AT]).toEqual([jwt, undefined, ends.toISOString()]);
    const stale = await runMesa([...EXEC, '--', 'env', '-0'], {
      home: homeWithKey(),
      env: { MESA_API_KEY_EXPIRES_AT: '1970-01-01T00:00:00.000Z' },
    });
    expect(variablesIn(stale.stdout)['MESA_API_KEY_EXPIRES_AT']).toBeUndefined();
  });

  it('takes the repository by its name beside the organization, or with it', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY, 'orgs/acme/repos/web': 'mesa_repository00c0de' }));
    for (const flags of [
      ['--org', 'acme', '--repo', 'web'],
      ['--repo', 'acme/web'],
      ['--org=acme', '--repo=web'],
    ]) {
      const { stdout } = await runMesa(
        ['auth', 'exec', ...flags, '--', 'sh', '-c', 'echo $MESA_API_KEY $MESA_ORG'],
        { home },
      );
      expect(stdout).toBe('mesa_repository00c0de acme\n');
    }
  });

  it.each([0, 1, 37, 126, 255])('ends with status %i when the command does', async (status) => {
    const home = homeWithKey();
    expect(await runMesa([...EXEC, '--', 'sh', '-c', `exit ${status}`], { home })).toMatchObject({
      status,
      stderr: '',
    });
    const masked = await runMesa([...EXEC, '--mask', '--', 'sh', '-c', `exit ${status}`], { home });
    expect(masked).toMatchObject({ status, stderr: '' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGUSR1', 'SIGSEGV', 'SIGQUIT'] as const)(
    'shows a shell what it would show of a command that %s ended, and leaves no core file',
    async (signal) => {
      const home = homeWithKey();
      const script = `ulimit -c 0; mesa auth exec --org acme -- sh -c 'kill -${signal.slice(3)} $$'; echo $?`;
      const { stdout } = await runShell(script, { home });
      expect(stdout).toBe(`${128 + constants.signals[signal]}\n`);
      expect(home.tree().filter((name) => name.includes('core'))).toEqual([]);
    },
  );

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'hands %s on to the command, and waits for its end',
    async (signal) => {
      for (const mask of [[], ['--mask']]) {
        const script = `trap 'echo got; exit 7' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`;
        const child = startMesa([...EXEC, ...mask, '--', 'sh', '-c', script], { home: homeWithKey() });
        const ended = finishMesa(child, undefined);
        await new Promise((ready) => child.stdout?.once('data', ready));
        child.kill(signal);
        expect(await ended).toMatchObject({ status: 7, stdout: 'ready\ngot\n', stderr: '' });
      }
    },
  );

  it('finds no command: 127; cannot run it: 126; and no key was used for either', async () => {
    const home = homeWithKey();
    home.write('data', 'no program');
    for (const [command, status, stderr] of [
      [
        'no-such-command',
        127,
        "mesa: there is no command 'no-such-command'\nhint: check its name, and PATH\n",
      ],
      ['./no-such', 127, "mesa: there is no command './no-such'\nhint: check its path\n"],
      ['', 127, "mesa: there is no command ''\nhint: check its name, and PATH\n"],
      [
        './data',
        126,
        "mesa: cannot run './data': it may not be executed\nhint: name a program that may be executed\n",
      ],
      ['/', 126, "mesa: cannot run '/': it may not be executed\nhint: name a program that may be executed\n"],
    ] as const) {
      const result = await runMesa([...EXEC, '--', command], { home });
      expect(result).toMatchObject({ status, stdout: '', stderr });
    }
    expect(home.tree().filter((name) => name.includes('uses'))).toEqual([]);
  });

  it.each([
    [[], 'there is no command to run', 'mesa auth exec --org acme -- "$SHELL"'],
    [['--'], 'there is no command to run', 'mesa auth exec --org acme -- "$SHELL"'],
    [['true'], 'the command to run comes after --', 'mesa auth exec --org acme -- true'],
    [['--scope', 'read', '--', 'true'], '--scope needs --mint', 'add --mint'],
    [['--ttl=1h', '--', 'true'], '--ttl needs --mint', 'add --mint'],
    [['--repo', 'a', '--repo', 'b', '--', 'true'], 'more than one --repo needs --mint', 'add --mint'],
  ] as const)('refuses %j', async (args, message, hint) => {
    const result = await runMesa([...EXEC, ...args], { home: homeWithKey() });
    expect(result).toMatchObject({ status: 2, stdout: '', stderr: `mesa: ${message}\nhint: ${hint}\n` });
  });

  it('takes everything after -- as it is, and needs a key for it', async () => {
    const home = homeWithKey();
    const { stdout } = await runMesa(
      [...EXEC, '--', 'printf', '<%s>', '--org', '-y', '', 'a b', '--', '--help'],
      { home },
    );
    expect(stdout).toBe('<--org><-y><><a b><--><--help>');
    const none = createTempHome();
    none.useBackend('plaintext-file');
    expect(await runMesa([...EXEC, '--', 'echo', 'ran'], { home: none })).toMatchObject({
      status: 4,
      stdout: '',
    });
  });

  it('passes open files, standard input and the working directory on', async () => {
    const home = homeWithKey();
    home.write('file', 'from descriptor 7\n');
    const script =
      'mesa auth exec --org acme -- sh -c "cat; cat <&7; pwd" 7<file <<end\nfrom standard input\nend\n';
    const { stdout } = await runShell(script, { home });
    expect(stdout).toBe(`from standard input\nfrom descriptor 7\n${home.path}\n`);
  });

  it('leaves no file of its own open in the command', async () => {
    const script = 'ls /proc/self/fd; echo; mesa auth exec --org acme -- ls /proc/self/fd';
    const { stdout } = await runShell(script, { home: homeWithKey() });
    const [without, within] = stdout.split('\n\n');
    expect(within?.trim()).toBe(without);
  });
});

describe('exec --clean', () => {
  it('takes away what looks like a secret by name or value, and nothing else', async () => {
    const secret = {
      AWS_SECRET_ACCESS_KEY: 'x',
      GITHUB_TOKEN: 'x',
      PGPASSWORD: 'x',
      npm_config__authToken: 'x',
      DB_PASS: 'x',
      STRIPE_KEY: 'x',
      HARMLESS: 'ghp_0123456789abcdef',
      DATABASE_URL: 'postgres://ada:pw@db/x',
      A: `x ${API_KEY}`,
      BEARER: 'x',
      AUTHORIZATION: 'x',
      PROXY_AUTHORIZATION: 'x',
      ENCRYPTIONKEY: 'x',
      DBPASS: 'x',
      GIT_CONFIG_VALUE_0: 'Authorization: Basic dDpzZWNyZXQ=',
      HEADER: 'authorization: bearer 0123456789',
      TLS: '-----BEGIN EC PRIVATE KEY-----',
      J: 'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.x',
    };
    const harmless = {
      PWD: '/x',
      OLDPWD: '/y',
      SSH_AUTH_SOCK: '/s',
      KEYBOARD: 'us',
      LANG: 'C.UTF-8',
      TERM: 'xterm',
      EMPTY_TOKEN: '',
      PROJECT: '/home/ada/mesa_project_of_mine',
      URL: 'https://example.com/a:b@c',
      MONKEYS: '12',
      AUTHOR: 'ada',
      AUTHORIZATIONS: '2',
      BYPASS: '1',
      LESSON: 'Basic English',
    };
    const home = homeWithKey();
    const run = async (flags: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await runMesa([...EXEC, ...flags, '--', 'env', '-0'], {
        home,
        env: { ...secret, ...harmless },
      });
      return Object.keys(variablesIn(stdout))
        .filter((name) => name in secret || name in harmless)
        .toSorted();
    };
    expect(await run(['--clean'])).toEqual(Object.keys(harmless).toSorted());
    expect(await run([])).toEqual(Object.keys({ ...secret, ...harmless }).toSorted());
  });
});

describe('exec --mask', () => {
  it('hides the key in both streams, apart, in two halves, in base64 and percent-encoded', async () => {
    const script = `printf %s "$MESA_API_KEY" | cut -c1-9 | tr -d '\\n'; sleep 0.2; printf %s "$MESA_API_KEY" | cut -c10-
for before in '' t: ab; do printf '%s%s' "$before" "$MESA_API_KEY" | base64 -w 7; echo; done
echo "error $MESA_API_KEY" >&2; echo mesa_Lq8sN2pX; printf mesa_Lq8`;
    const { stdout, stderr, status } = await runMesa([...EXEC, '--mask', '--', 'sh', '-c', script], {
      home: homeWithKey(),
    });
    expect(status).toBe(0);
    expect(stderr).toBe(`error ${MASKED}\n`);
    expect(stdout.startsWith(`${MASKED}\n****`)).toBe(true);
    expect(stdout.endsWith('\nmesa_Lq8sN2pX\nmesa_Lq8')).toBe(true);
    for (const before of ['', 't:', 'ab']) {
      const encoded = Buffer.from(`${before}${KEY}`).toString('base64');
      expect(stdout.replaceAll('\n', '')).not.toContain(encoded.slice(4, 20));
    }
  });

  it('passes ten megabytes of any bytes on unchanged', async () => {
    const home = homeWithKey();
    const script = 'head -c 10000000 /dev/urandom | tee copy';
    const { stdout, status } = await runShell(
      `mesa auth exec --org acme --mask -- sh -c '${script}' | sha256sum - copy`,
      { home },
    );
    expect(status).toBe(0);
    const [first, second] = stdout.split('\n').map((row) => row.split(' ')[0]);
    expect(first).toBe(second);
  });

  it('ends with the command whose reader went away', async () => {
    const script = 'mesa auth exec --org acme --mask -- yes | head -n 1';
    expect(await runShell(script, { home: homeWithKey() })).toMatchObject({
      status: 0,
      stdout: 'y\n',
      stderr: '',
    });
  });

  it('gives the command pipes, which it can open again', async () => {
    const script = 'echo out >/dev/stdout; echo err >/dev/stderr';
    const run = await runMesa([...EXEC, '--mask', '--', 'sh', '-c', script], { home: homeWithKey() });
    expect(run).toMatchObject({ status: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  it('says that the output could not be passed on', async () => {
    const script = 'mesa auth exec --org acme --mask -- echo x > /dev/full';
    const { status, stderr } = await runShell(script, { home: homeWithKey() });
    expect(status).toBe(1);
    expect(stderr).toContain('cannot pass on what the command writes: no space left on the device');
  });
});

describe('exec --mint', () => {
  const MINT = ['auth', 'exec', '--repo', 'acme/web', '--mint'];

  it('gives the command a short-lived token alone: no variable, argument or open file has a durable key', async () => {
    const home = homeWithKeyId();
    const script =
      'cat /proc/self/environ /proc/self/cmdline; for f in /proc/self/fd/*; do echo; readlink $f || true; done';
    const env = {
      OTHER: `https://t:${API_KEY}@example.com`,
      MESA_API_KEY: '',
      FRIEND: 'mesa_0123456789abcdef',
    };
    const { stdout, stderr, status } = await runMesa([...MINT, '--ttl', '15m', '--', 'sh', '-c', script], {
      home,
      env,
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const [, token = ''] = /MESA_API_KEY=(eyJ[^\0]*)\0/.exec(stdout) ?? [];
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    expect(claims).toMatchObject({ iss: KEY_ID, scopes: ['read'], repos: ['acme/web'] });
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(900);
    const ends = new Date(Number(claims['exp']) * 1_000).toISOString();
    expect(stdout).toContain(`MESA_API_KEY_EXPIRES_AT=${ends}\0`);
    expect(stdout).toContain('MESA_ORG=acme\0');
    expect(stdout).not.toContain(API_KEY.slice(5));
    expect(stdout).not.toContain('mesa_0123456789abcdef');
    expect(stdout).not.toContain(home.dataDir);
  });

  it('drops what has a durable key in it, plain or encoded, with --clean or without, and nothing else', async () => {
    const other = 'mesa_0123456789abcdef';
    const durable = {
      GIT_CONFIG_VALUE_0: `Authorization: Basic ${base64(`t:${API_KEY}`)}`,
      ALIGNED_0: base64(API_KEY),
      ALIGNED_1: base64(`a${API_KEY}`),
      ALIGNED_2: base64(`ab${API_KEY}`),
      WRAPPED: base64(`t:${API_KEY}`).replace(/.{7}/g, '$&\n'),
      URL_SAFE: Buffer.from(`??${API_KEY}??`).toString('base64url'),
      OTHER_0: `basic ${base64(other)}`,
      OTHER_1: `Bearer ${base64(`a${other}`)}`,
      OTHER_2: `{"auths":{"h":{"auth":"${base64(`ab${other}`)}"}}}`,
      AFTER_LETTERS: `key${other}`,
      AFTER_PERCENT: `https://t%3A${other}@example.com`,
      UNDERSCORE_ENCODED: other.replace('_', '%5f'),
    };
    const harmless = {
      PROJECT: '/home/ada/mesa_project_of_mine',
      NAME: base64('mesa_'),
      TEXT: base64('there is no key in here, but many words'),
      PERCENT: '100%, %zz',
    };
    const home = homeWithKeyId();
    for (const flags of [[], ['--clean']]) {
      const { stdout } = await runMesa([...MINT, ...flags, '--', 'env', '-0'], {
        home,
        env: { ...durable, ...harmless },
      });
      const given = variablesIn(stdout);
      expect(Object.keys(given).filter((name) => name in durable)).toEqual([]);
      expect(given).toMatchObject(harmless);
    }
    const { stdout } = await runMesa(['auth', 'exec', '--org', 'acme', '--', 'env', '-0'], {
      home,
      env: durable,
    });
    expect(variablesIn(stdout)).toMatchObject(durable);
  });

  it('tells GitHub Actions to hide the token before the command runs', async () => {
    const { stdout, stderr } = await runMesa(
      [...MINT, '--', 'sh', '-c', 'echo $MESA_API_KEY; echo >&2 after'],
      {
        home: homeWithKeyId(),
        env: { GITHUB_ACTIONS: 'true' },
      },
    );
    expect(stderr).toBe(`::add-mask::${stdout.trim()}\nafter\n`);
  });

  it('hides the token with --mask', async () => {
    const { stdout } = await runMesa([...MINT, '--mask', '--', 'sh', '-c', 'echo "<$MESA_API_KEY>"'], {
      home: homeWithKeyId(),
    });
    expect(stdout).toMatch(/^<\*{4}.{4}>\n$/);
  });
});
