import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { unlock } from '../../support/agent.ts';
import { answerJson, IDENTITY, startApiServer } from '../../support/api-server.ts';
import { finishMesa, NODE, runMesa, runShell, startMesa, type RunResult } from '../../support/run-mesa.ts';
import { Secrets } from '../../support/secrets.ts';
import { documentOf, sealDocument, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { startProxiedApi } from '../../support/tls-proxy.ts';

const SECRETS = new Secrets();
const KEY = SECRETS.add('the stored key');
const OTHER_KEY = SECRETS.add('the key on stdin');
const IN_ORGS = SECRETS.add('the token in MESA_ORGS');
const VARIABLE = SECRETS.add('the key in MESA_API_KEY');
const PASSPHRASE = SECRETS.add('the passphrase', 'pass_');
const NEW_PASSPHRASE = SECRETS.add('the new passphrase', 'pass_');

// `debuglog('...')` in the sources of Node 20 to 26, and what undici calls itself.
const SECTIONS =
  'async_loader_worker,child_process,esm,fetch,http,http2,https,inspect,inspect_probe,module,module_hooks,net,policy,quic,repl,source_map,stream,stream_socket,test_runner,timer,tls,undici,vfs,websocket,worker'.split(
    ',',
  );

// Those of what mesa does: files, pipes, sockets, TLS, children, threads, requests.
const NATIVE_SECTIONS =
  'FSREQCALLBACK,FILEHANDLE,GETADDRINFOREQWRAP,HTTPINCOMINGMESSAGE,HTTPCLIENTREQUEST,JSSTREAM,MESSAGEPORT,PIPEWRAP,PIPECONNECTWRAP,PROCESSWRAP,SCRYPTREQUEST,SHUTDOWNWRAP,SIGNALWRAP,STREAMPIPE,TCPWRAP,TCPCONNECTWRAP,TLSWRAP,TTYWRAP,WRITEWRAP,WORKER,INSPECTOR_SERVER,DIAGNOSTICS,COMPILE_CACHE,PLATFORM_VERBOSE,CRYPTO';

const PRINT_SECTION = ['sh', '-c', 'printf %s "$NODE_DEBUG"'];

interface Step {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly prints?: string | RegExp;
  /** 0 when absent. */
  readonly status?: number;
}

/** Everything that handles a key, but what writes. */
const READING: readonly Step[] = [
  { args: ['auth', 'get-key', '--org', 'acme'], prints: `${KEY}\n` },
  { args: ['auth', 'list'] },
  { args: ['auth', 'exec', '--org', 'acme', '--', 'true'], prints: '' },
  { args: ['auth', 'exec', '--org', 'acme', '--mint', '--all-repos', '--mask', '--', 'true'], prints: '' },
  { args: ['auth', 'mint-token', '--org', 'acme', '--all-repos'], prints: /^eyJ[\w.-]+\n$/ },
  { args: ['auth', 'whoami', '--org', 'acme'] },
  { args: ['auth', 'whoami'], env: { MESA_API_KEY: VARIABLE } },
  { args: ['auth', 'api-keys', 'list', '--org', 'acme'] },
  { args: ['auth', 'status'] },
  {
    args: ['auth', 'git-credential', 'get'],
    stdin: 'protocol=http\nhost=HOST\npath=acme/web.git\n\n',
    prints: `username=t\npassword=${KEY}\n`,
  },
];

const WRITING: readonly Step[] = [
  { args: ['auth', 'set-key', '--org', 'new'], stdin: OTHER_KEY, prints: '' },
  { args: ['auth', 'set-key', OTHER_KEY, '--org', 'newer'], prints: '' },
  { args: ['auth', 'list'], env: { MESA_ORGS: `one:${IN_ORGS}` } },
];

/** One command of each kind: through the store, with a child, over the network, to a lock. */
const USUAL: readonly Step[] = [...READING, ...WRITING].filter(({ args }) =>
  ['list', 'exec', 'mint-token', 'set-key'].includes(args[1] ?? ''),
);

async function homeWithApi(): Promise<{ home: TempHome; env: Record<string, string> }> {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  mkdirSync(join(home.path, 'work'));
  const { url } = await startApiServer((request, response) => {
    const list = request.url?.includes('/api-keys') === true;
    answerJson(response, 200, list ? { next_cursor: null, has_more: false, api_keys: [] } : IDENTITY);
  });
  return { home, env: { MESA_API_URL: url } };
}

/** Runs a command, and searches what it printed and the directory in which it ran. */
async function expectNoLeak(
  home: TempHome,
  step: Step,
  env: Readonly<Record<string, string>>,
): Promise<RunResult> {
  const host = new URL(env['MESA_API_URL'] ?? 'http://127.0.0.1').host;
  const work = join(home.path, 'work');
  const result = await runMesa(step.args, {
    home,
    env: { ...env, ...step.env },
    cwd: work,
    stdin: step.stdin?.replace('HOST', host) ?? '',
  });
  const shown = { args: step.args, env, stderr: result.stderr };
  expect({ ...shown, status: result.status }).toEqual({ ...shown, status: step.status ?? 0 });
  if (typeof step.prints === 'string') {
    expect(result.stdout).toBe(step.prints);
  } else if (step.prints === undefined) {
    expect({ ...shown, found: SECRETS.findIn(result.stdout) }).toEqual({ ...shown, found: [] });
  } else {
    expect(result.stdout).toMatch(step.prints);
  }
  expectNothingIn(result.stderr);
  for (const name of readdirSync(work, { recursive: true, encoding: 'utf8' })) {
    const path = join(work, name);
    if (statSync(path).isFile()) {
      expectNothingIn(readFileSync(path, 'latin1'));
    }
  }
  return result;
}

/** No secret, and no short-lived token, whose beginning is known; also as bytes. */
function expectNothingIn(text: string): void {
  expect(SECRETS.findIn(text)).toEqual([]);
  expect(/eyJhbGci|65 79 4a 68 62 47/.test(text)).toBe(false);
}

describe('NODE_DEBUG', () => {
  it.each([...SECTIONS, 'undici,fetch', '*'])('%s shows no secret of any command', async (section) => {
    const { home, env } = await homeWithApi();
    for (const step of READING) {
      await expectNoLeak(home, step, { ...env, NODE_DEBUG: section });
    }
  });

  it('shows none of the commands that write, with either backend', async () => {
    const { home, env } = await homeWithApi();
    const all = { ...env, NODE_DEBUG: '*', NODE_DEBUG_NATIVE: NATIVE_SECTIONS };
    const both = { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_NEW_VAULT_PASSPHRASE: NEW_PASSPHRASE };
    for (const step of [
      ...WRITING,
      { args: ['auth', 'doctor'], status: 1 },
      { args: ['auth', 'exec', '--org', 'acme', '--mint', '--all-repos', '--', 'true'], prints: '' },
      { args: ['auth', 'migrate', '--to', 'encrypted-file', '--yes'], env: both },
      { args: ['auth', 'get-key', '--org', 'newer'], env: both, prints: `${OTHER_KEY}\n` },
      { args: ['auth', 'change-passphrase'], env: both },
      { args: ['auth', 'rm-key', '--org', 'new'], env: { MESA_VAULT_PASSPHRASE: NEW_PASSPHRASE } },
    ]) {
      await expectNoLeak(home, step, all);
    }
  });

  it('shows none that goes to the agent, or comes from it', async () => {
    const { home, env } = await homeWithApi();
    home.useBackend('encrypted-file');
    const vault = await sealDocument(documentOf({ 'orgs/acme': KEY }), PASSPHRASE);
    home.write('.local/share/mesa/secrets.vault.age', vault);
    await unlock(home, { env: { MESA_VAULT_PASSPHRASE: PASSPHRASE, NODE_DEBUG: '*' } });
    for (const step of [...READING, ...WRITING]) {
      await expectNoLeak(home, step, { ...env, NODE_DEBUG: '*', NODE_DEBUG_NATIVE: NATIVE_SECTIONS });
    }
    await expectNoLeak(home, { args: ['auth', 'lock'] }, { NODE_DEBUG: '*' });
  });

  it('shows none that is typed, and the question is there', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    const vault = await sealDocument(documentOf({ 'orgs/acme': KEY }), PASSPHRASE);
    home.write('.local/share/mesa/secrets.vault.age', vault);
    const terminal = openTerminal({ home, env: { NODE_DEBUG: '*' } });
    terminal.type('mesa auth list\r');
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('orgs/acme');
    expectNothingIn(terminal.received());
  });

  it.each([{ mask: [] }, { mask: ['--mask'] }])(
    'reaches the command of exec as it is: %j',
    async ({ mask }) => {
      const { home, env } = await homeWithApi();
      const step = {
        args: ['auth', 'exec', '--org', 'acme', ...mask, '--', ...PRINT_SECTION],
        prints: 'child_process,net',
      };
      const { stderr } = await expectNoLeak(home, step, { ...env, NODE_DEBUG: 'child_process,net' });
      expect(stderr).toBe('');
    },
  );

  it('of native code shows no secret', async () => {
    const { home, env } = await homeWithApi();
    for (const step of READING) {
      await expectNoLeak(home, step, { ...env, NODE_DEBUG_NATIVE: NATIVE_SECTIONS });
    }
  });
});

const FLAGS = [
  '--cpu-prof',
  '--heap-prof',
  '--trace-sync-io',
  '--trace-exit',
  '--trace-uncaught --trace-warnings --trace-deprecation',
  '--trace-tls',
  '--trace-event-categories=node,v8,node.async_hooks,node.bootstrap,node.console,node.dns.native,node.environment,node.fs.sync,node.fs.async,node.http,node.net.native,node.perf,node.vm.script,node.threadpoolwork.sync,disabled-by-default-v8.runtime,disabled-by-default-v8.stack_trace,disabled-by-default-v8.gc_stats',
  '--perf-basic-prof',
  '--report-uncaught-exception --report-on-signal --report-on-fatalerror',
  '--heapsnapshot-signal=SIGUSR2',
  '--abort-on-uncaught-exception',
  '--inspect=0',
];

const ALLOWED = new Set(
  execFileSync(NODE, ['-p', "[...process.allowedNodeEnvironmentFlags].join(' ')"], { encoding: 'utf8' })
    .trim()
    .split(' '),
);

/** Older versions of Node refuse some of them outright. */
function isAllowed(flags: string): boolean {
  return flags.split(' ').every((flag) => ALLOWED.has(flag.replace(/=.*/, '')));
}

describe('a flag in NODE_OPTIONS', () => {
  it.each(FLAGS.filter(isAllowed))('%s neither shows a secret nor leaves one in a file', async (flag) => {
    const { home, env } = await homeWithApi();
    // Node records the command line before our first line runs: the threat model says so.
    const steps = USUAL.filter(({ args }) => !(flag.includes('trace-event') && args.includes(OTHER_KEY)));
    for (const step of steps) {
      await expectNoLeak(home, step, { ...env, NODE_OPTIONS: flag });
    }
  });

  it.each(['NODE_V8_COVERAGE', 'NODE_COMPILE_CACHE', 'NODE_REDIRECT_WARNINGS', 'SSLKEYLOGFILE'])(
    'as the file that %s names, it gets no secret',
    async (name) => {
      const { home, env } = await homeWithApi();
      for (const step of USUAL) {
        await expectNoLeak(home, step, { ...env, [name]: join(home.path, 'work', 'named') });
      }
    },
  );

  it.each(['--report-on-signal', '--heapsnapshot-signal=SIGUSR2', '--heapsnapshot_signal=SIGUSR2'])(
    '%s writes nothing when the signal comes',
    async (flag) => {
      const home = createTempHome();
      writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
      const command = ['sh', '-c', 'trap "exit 7" USR2; echo ready; while :; do sleep 0.05; done'];
      const options = { home, env: { NODE_OPTIONS: flag } };
      const child = startMesa(['auth', 'exec', '--org', 'acme', '--', ...command], options);
      const ended = finishMesa(child, undefined);
      await new Promise((ready) => child.stdout?.once('data', ready));
      const before = home.tree();
      child.kill('SIGUSR2');
      expect(await ended).toMatchObject({ status: 7, stdout: 'ready\n', stderr: '' });
      expect(home.tree()).toEqual(before);
    },
  );

  it.each(['--inspect=0', '"--inspect=0"', '--inspect_port=0 --inspect'])(
    '%s leaves no inspector open',
    async (flag) => {
      const { home } = await homeWithApi();
      const sockets = 'for fd in /proc/$PPID/fd/*; do readlink "$fd"; done | grep -c socket: ; exit 0';
      const result = await runMesa(['auth', 'exec', '--org', 'acme', '--', 'sh', '-c', sockets], {
        home,
        env: { NODE_OPTIONS: flag },
        // Its own standard streams are no sockets then.
        under: ['sh', '-c', 'exec "$@" 0<&- >out 2>err', 'sh'],
      });
      expect(result).toMatchObject({ status: 0 });
      expect(readFileSync(join(home.path, 'out'), 'utf8')).toBe('0\n');
      expect(readFileSync(join(home.path, 'err'), 'utf8')).toContain('Debugger listening');
    },
  );

  it('that writes the heap to a file when memory runs out is refused where that can happen', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const flag = '--heapsnapshot-near-heap-limit=1';
    const before = home.tree();
    expect(
      await runShell('mesa auth list', { home, env: { NODE_OPTIONS: `${flag} --max-old-space-size=64` } }),
    ).toMatchObject({
      status: 3,
      stdout: '',
      stderr:
        'mesa: Node would write its memory, with the keys in it, to a file when that runs out: --heapsnapshot-near-heap-limit with less than 1 GiB\nhint: unset NODE_OPTIONS\n',
    });
    expect(home.tree()).toEqual(before);
    const ample = { NODE_OPTIONS: `${flag} --max-old-space-size=2048` };
    expect(await runMesa(['auth', 'list'], { home, env: ample })).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('a connection that others could read', () => {
  it.each([
    [
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'NODE_TLS_REJECT_UNAUTHORIZED=0 would give the key to whoever answers for https://api.mesa.test',
      'unset NODE_TLS_REJECT_UNAUTHORIZED',
    ],
    [
      { NODE_OPTIONS: '--tls-keylog=keylog' },
      '--tls-keylog would have Node write to a file what opens the connection to https://api.mesa.test, with the key on it',
      'unset NODE_OPTIONS',
    ],
  ])('is not made: %j', async (setting, sentence, hint) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const { certificate, proxy, connects, credentials } = await startProxiedApi(home, 'api.mesa.test');
    const env = {
      MESA_API_URL: 'https://api.mesa.test',
      HTTPS_PROXY: proxy,
      NODE_EXTRA_CA_CERTS: certificate,
    };
    const before = home.tree();
    for (const words of [
      ['whoami'],
      ['status'],
      ['api-keys', 'list'],
      ['mint-token', '--all-repos', '--org', 'acme'],
      ['exec', '--mint', '--all-repos', '--org', 'acme', '--', 'echo', 'ran'],
    ]) {
      const result = await runMesa(['auth', ...words], {
        home,
        env: { ...env, ...setting, MESA_ORG: 'acme' },
      });
      expect(result).toMatchObject({
        status: 3,
        stdout: '',
        stderr: expect.stringContaining(`mesa: ${sentence}\nhint: ${hint}\n`),
      });
    }
    expect([connects, credentials]).toEqual([[], []]);
    expect(home.tree().filter((name) => !name.endsWith('uses.log'))).toEqual(before);
    // Without the setting, it is made; and what needs no connection is done with it, too.
    expect(await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env })).toMatchObject({ status: 0 });
    expect(credentials).toEqual([`Bearer ${KEY}`]);
    const offline = await runMesa(['auth', 'get-key', '--org', 'acme'], {
      home,
      env: { ...env, ...setting },
    });
    expect(offline).toMatchObject({ status: 0, stdout: `${KEY}\n` });
  });
});
