import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { ANOTHER_USER, CAN_CHOWN } from '../../support/confinement.ts';
import {
  agentFiles,
  agentPid,
  exchange,
  expectEnded,
  isAlive,
  openFiles,
  unlock,
} from '../../support/agent.ts';
import { runMesa, runShell, startMesa } from '../../support/run-mesa.ts';
import { Secrets } from '../../support/secrets.ts';
import { documentOf, sealDocument, UNLOCKED, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

const KEY = 'mesa_key00000000001111';
const GET = ['auth', 'get-key', '--org', 'acme'];

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': KEY }));
  return home;
}

/** A directory as a login makes it for a user. */
function makeRuntimeDir(home: TempHome): string {
  const path = join(home.path, 'run');
  mkdirSync(path);
  chmodSync(path, 0o700);
  return path;
}

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe('the agent', () => {
  it('has nothing of who started it: no terminal, no directory, no environment, no core file', async () => {
    const home = await vaultHome();
    const pid = await unlock(home, {
      env: { ...UNLOCKED, NODE_OPTIONS: '--no-warnings', MESA_API_KEY: KEY },
    });
    const proc = `/proc/${pid}`;
    expect(readlinkSync(`${proc}/cwd`)).toBe('/');
    const environ = readFileSync(`${proc}/environ`, 'utf8');
    expect(environ).not.toMatch(/MESA|PASS|NODE|HOME|PATH/);
    expect(readFileSync(`${proc}/cmdline`, 'utf8').replaceAll('\0', '')).toBe('mesa agent');
    expect(readFileSync(`${proc}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    const stat = readFileSync(`${proc}/stat`, 'utf8');
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect([session, terminal]).toEqual([String(pid), '0']);
    // It said that it was ready by closing one of them.
    await waitUntil('its standard streams are replaced', () => existsSync(`${proc}/fd/1`));
    const standard = ['0', '1', '2'].map((fd) => readlinkSync(`${proc}/fd/${fd}`));
    expect(standard).toEqual(['/dev/null', '/dev/null', '/dev/null']);
  });

  it('keeps no descriptor of who started it open, so that a lock or a pipe there ends with its owner', async () => {
    const home = await vaultHome();
    const under = ['/bin/bash', '-c', 'exec 200>held && exec "$@"', '-'];
    expect(await runMesa(['auth', 'unlock'], { home, env: UNLOCKED, under })).toMatchObject({ status: 0 });
    const pid = agentPid(agentFiles(home).lock);
    const open = openFiles(pid);
    expect(open).toContain('/dev/null');
    expect(open).not.toContain(join(home.path, 'held'));
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n` });
    expect(await runMesa(['auth', 'lock'], { home })).toMatchObject({ status: 0 });
  });

  it('is found by a lock that looks for it in a session, though it was started without one', async () => {
    const home = await vaultHome();
    const session = { XDG_RUNTIME_DIR: makeRuntimeDir(home) };
    const pid = await unlock(home);
    expect(await runMesa(['auth', 'lock'], { home, env: session })).toMatchObject({
      status: 0,
      stderr: 'locked the vault\n',
    });
    expect(isAlive(pid)).toBe(false);
    expect((await runMesa(GET, { home })).status).toBe(6);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const)(
    'locks on %s and leaves nothing',
    async (signal) => {
      const home = await vaultHome();
      const pid = await unlock(home);
      process.kill(pid, signal);
      await expectEnded(pid, agentFiles(home).socket);
      expect(home.tree().filter((name) => /agent|core|report/.test(name))).toEqual([
        '.local/share/mesa/agent.lock',
      ]);
    },
  );

  it('opens no inspector on SIGUSR1, and goes on', async () => {
    const home = await vaultHome();
    const pid = await unlock(home);
    process.kill(pid, 'SIGUSR1');
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n` });
    const sockets = openFiles(pid)
      .map((name) => /^socket:\[(\d+)\]$/.exec(name)?.[1])
      .filter((inode) => inode !== undefined);
    expect(sockets.length).toBeGreaterThan(0);
    const network = ['tcp', 'tcp6', 'udp', 'udp6']
      .map((name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8'))
      .join();
    expect(sockets.filter((inode) => new RegExp(` ${inode} `).test(network))).toEqual([]);
  });

  it('is one: of many unlocks at once all succeed, and one agent runs', async () => {
    const home = await vaultHome();
    const results = await Promise.all(
      Array.from({ length: 6 }, () => runMesa(['auth', 'unlock'], { home, env: UNLOCKED })),
    );
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 0));
    const pid = Number(readFileSync(agentFiles(home).lock, 'utf8'));
    const agents = readdirSync('/proc').filter(
      (name) => /^\d+$/.test(name) && isAlive(Number(name)) && holds(Number(name), agentFiles(home).lock),
    );
    expect(agents).toEqual([String(pid)]);
    expect(await runMesa(['auth', 'lock'], { home })).toMatchObject({ status: 0 });
  });

  it('is one: an unlock leaves alone the agent of another that does not listen yet', async () => {
    const home = await vaultHome();
    const { lock } = agentFiles(home);
    const slowly = ['strace', '-D', '-f', '-qq', '-o', `${home.path}/trace`, '-e', 'trace=bind'];
    const delay = ['-e', 'inject=bind:delay_enter=1500000', '--'];
    const first = startMesa(['auth', 'unlock'], { home, env: UNLOCKED, under: [...slowly, ...delay] });
    const firstEnded = once(first, 'exit');
    await waitUntil('the agent has its place', () => existsSync(lock) && agentPid(lock) > 0);
    const pid = agentPid(lock);
    expect(await unlock(home)).toBe(pid);
    expect(await firstEnded).toEqual([0, null]);
    expect(isAlive(pid)).toBe(true);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
  });

  it('keeps no secret in any file, and shows none in what it says of itself', async () => {
    const secrets = new Secrets();
    const [passphrase, key] = [secrets.add('the passphrase', 'pass_'), secrets.add('the key')];
    const home = createTempHome();
    home.useBackend('encrypted-file');
    home.write(
      '.local/share/mesa/secrets.vault.age',
      await sealDocument(documentOf({ 'orgs/acme': key }), passphrase),
    );
    const runtime = makeRuntimeDir(home);
    const env = { XDG_RUNTIME_DIR: runtime, TMPDIR: home.path };
    const lock = join(runtime, 'mesa/agent.lock');
    const pid = await unlock(home, { env: { ...env, MESA_VAULT_PASSPHRASE: passphrase }, lock });
    expect((await runMesa(GET, { home, env })).stdout).toBe(`${key}\n`);
    const stored = await runMesa(['auth', 'set-key', '--org', 'beta'], { home, env, stdin: key });
    expect(stored).toMatchObject({ status: 0 });
    const search = (): readonly string[] =>
      home
        .tree()
        .filter((name) => lstatSync(join(home.path, name)).isFile())
        .flatMap((name) => secrets.findIn(readFileSync(join(home.path, name))));
    expect(search()).toEqual([]);
    for (const message of [
      '{"v":3,"type":"status"}\n',
      '{"v":3,"type":"no"}\n',
      `${key}\n`,
      `{"v":3,"${passphrase}":1}\n`,
    ]) {
      expect(secrets.findIn(await exchange(join(runtime, 'mesa/agent.sock'), message))).toEqual([]);
    }
    expect(secrets.findIn(readFileSync(`/proc/${pid}/environ`))).toEqual([]);
    expect(await runMesa(['auth', 'lock'], { home, env })).toMatchObject({ status: 0 });
    await expectEnded(pid, join(runtime, 'mesa/agent.sock'));
    expect(search()).toEqual([]);
  });

  it('is not asked when the environment gives the passphrase', async () => {
    const home = await vaultHome();
    const pid = await unlock(home);
    process.kill(pid, 'SIGSTOP');
    const result = await runMesa(GET, { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    process.kill(pid, 'SIGCONT');
  });
});

describe('the socket', () => {
  it.each(['000', '027', '077', '777'])(
    'is 0600 in a directory of 0700 under a umask of %s',
    async (mask) => {
      const home = await vaultHome();
      const runtime = makeRuntimeDir(home);
      const env = { ...UNLOCKED, XDG_RUNTIME_DIR: runtime };
      const result = await runShell(`umask ${mask}; mesa auth unlock`, { home, env });
      expect(result).toMatchObject({ status: 0, stdout: '' });
      const dir = join(runtime, 'mesa');
      const modes = [modeOf(dir), modeOf(join(dir, 'agent.sock')), modeOf(join(dir, 'agent.lock'))];
      expect(modes).toEqual([0o700, 0o600, 0o600]);
      expect(await runMesa(['auth', 'lock'], { home, env: { XDG_RUNTIME_DIR: runtime } })).toMatchObject({
        status: 0,
      });
    },
  );

  it('lies under the data directory when XDG_RUNTIME_DIR is relative, missing, or not ours', async () => {
    const home = await vaultHome();
    for (const value of [
      'run',
      join(home.path, 'missing'),
      ...(CAN_CHOWN ? [makeForeign(join(home.path, 'foreign'))] : []),
    ]) {
      await unlock(home, { env: { ...UNLOCKED, XDG_RUNTIME_DIR: value } });
      expect(modeOf(agentFiles(home).socket)).toBe(0o600);
      expect(await runMesa(['auth', 'lock'], { home, env: { XDG_RUNTIME_DIR: value } })).toMatchObject({
        status: 0,
      });
    }
  });

  it.each<[string, (path: string) => void]>([
    ['a symbolic link', (path) => symlinkSync(dirname(path), path)],
    ['a directory that others can write', makeWritable],
    ...(CAN_CHOWN ? [['a directory of another user', makeForeign] as [string, (path: string) => void]] : []),
  ])('is neither made nor used in %s', async (_, make) => {
    const home = await vaultHome();
    const runtime = makeRuntimeDir(home);
    make(join(runtime, 'mesa'));
    const env = { XDG_RUNTIME_DIR: runtime };
    const result = await runMesa(['auth', 'unlock'], { home, env: { ...env, ...UNLOCKED } });
    expect(result).toMatchObject({ status: 8, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: .*\/run\/mesa .*\nhint: .*\n$/);
    expect(existsSync(join(runtime, 'agent.sock'))).toBe(false);
    expect(existsSync(join(runtime, 'mesa/agent.sock'))).toBe(false);
    expect(await runMesa(GET, { home, env: { ...env, ...UNLOCKED } })).toMatchObject({ status: 0 });
  });

  it('is not believed when others could have made it', async () => {
    const home = await vaultHome();
    const runtime = makeRuntimeDir(home);
    const env = { XDG_RUNTIME_DIR: runtime };
    await unlock(home, { env: { ...env, ...UNLOCKED }, lock: join(runtime, 'mesa/agent.lock') });
    chmodSync(join(runtime, 'mesa'), 0o777);
    const result = await runMesa(GET, { home, env });
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toContain('may belong to another user; the unlock agent is not used\n');
  });

  it('lies with the keys where its path in XDG_RUNTIME_DIR would be too long', async () => {
    const home = await vaultHome();
    const long = join(makeRuntimeDir(home), 'x'.repeat(90));
    mkdirSync(long);
    chmodSync(long, 0o700);
    const env = { XDG_RUNTIME_DIR: long };
    const unlocked = await runMesa(['auth', 'unlock'], { home, env: { ...env, ...UNLOCKED } });
    expect(unlocked).toMatchObject({ status: 0, stdout: '' });
    expect(readdirSync(long)).toEqual([]);
    expect(existsSync(join(home.dataDir, 'agent.sock'))).toBe(true);
    expect(await runMesa(['auth', 'lock'], { home, env })).toMatchObject({ status: 0 });
    expect(existsSync(join(home.dataDir, 'agent.sock'))).toBe(false);
  });
});

function makeForeign(path: string): string {
  mkdirSync(path);
  chownSync(path, ANOTHER_USER, ANOTHER_USER);
  return path;
}

function makeWritable(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o777);
}

/** Whether a process has a file open. */
function holds(pid: number, path: string): boolean {
  const { ino, dev } = statSync(path);
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const stats = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      return stats?.ino === ino && stats.dev === dev;
    });
  } catch {
    return false;
  }
}
