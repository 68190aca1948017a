import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { agentFiles, agentPid, exchange, expectEnded, isAlive, unlock } from '../../support/agent.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, PASSPHRASE, sealDocument, UNLOCKED, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';

const KEY = 'mesa_key00000000001111';
const GET = ['auth', 'get-key', '--org', 'acme'];
/** A second of patience with the agent, and the start of a program on a busy machine. */
const PROMPTLY_MS = 20_000;

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': KEY }));
  return home;
}

describe('a command goes on with the passphrase, and says why', () => {
  it('when the agent was killed, whose socket it removes', async () => {
    const home = await vaultHome();
    const pid = await unlock(home);
    process.kill(pid, 'SIGKILL');
    await waitUntil('the agent ends', () => !isAlive(pid));
    expect(existsSync(agentFiles(home).socket)).toBe(true);
    const first = await runMesa(GET, { home });
    expect(first).toMatchObject({ status: 6, stdout: '' });
    expect(first.stderr).toMatch(
      /^mesa: warning: the unlock agent is gone; the vault needs its passphrase\nmesa: the vault .*\nhint: .*\n$/,
    );
    expect(first.milliseconds).toBeLessThan(PROMPTLY_MS);
    expect(existsSync(agentFiles(home).socket)).toBe(false);
    expect((await runMesa(GET, { home })).stderr).not.toContain('agent is gone');
    await unlock(home);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n` });
  });

  it('when the agent does not answer, which lock and unlock put an end to', async () => {
    const home = await vaultHome();
    for (const [command, env] of [
      ['lock', {}],
      ['unlock', UNLOCKED],
    ] as const) {
      const pid = await unlock(home);
      process.kill(pid, 'SIGSTOP');
      const terminal = openTerminal({ home });
      terminal.type('mesa auth get-key --org acme\r');
      await terminal.answer('Vault passphrase:', PASSPHRASE);
      expect(await terminal.ended()).toBe(0);
      expect(terminal.screen()).toContain('mesa: warning: the unlock agent does not answer; ');
      expect(terminal.screen().match(/does not answer/g)).toHaveLength(1);
      expect(terminal.screen()).toContain(KEY);
      const quick = await runMesa(GET, { home });
      expect(quick).toMatchObject({ status: 6, stdout: '' });
      expect(quick.milliseconds).toBeLessThan(PROMPTLY_MS);

      const result = await runMesa(['auth', command], { home, env });
      expect(result).toMatchObject({ status: 0, stdout: '' });
      expect(isAlive(pid)).toBe(false);
    }
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    expect(await runMesa(['auth', 'lock'], { home })).toMatchObject({ status: 0 });
  });

  it('when the agent is of another version, which unlock replaces', async () => {
    const home = await vaultHome();
    const { socket, lock } = agentFiles(home);
    const script = `
      require('fs').writeFileSync('${lock}', process.pid + '\\n');
      require('net').createServer((c) => c.on('data', () => c.end('{"v":99,"type":"future"}\\n'))).listen('${socket}');`;
    writeFileSync(lock, '', { mode: 0o600 });
    const stranger = spawn('flock', [lock, process.execPath, '-e', script], {
      stdio: 'ignore',
      detached: true,
    });
    onTestFinished(() => {
      stranger.kill('SIGKILL');
    });
    await waitUntil('it listens', () => existsSync(socket));
    const pid = agentPid(lock);
    const result = await runMesa(GET, { home });
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toContain('the unlock agent is of another version of mesa; ');
    expect((await runMesa(['auth', 'unlock', '--check'], { home })).status).toBe(6);
    expect(await unlock(home)).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    const refused = await exchange(socket, '{"v":4,"type":"status"}\n');
    expect(JSON.parse(refused)).toEqual({ v: 3, type: 'refused', reason: 'version' });
  });

  it('and lock kills nobody whose pid the agent had that ended before', async () => {
    const home = await vaultHome();
    const { lock } = agentFiles(home);
    const innocent = spawn('sleep', ['600'], { stdio: 'ignore' });
    onTestFinished(() => {
      innocent.kill('SIGKILL');
    });
    writeFileSync(lock, `${innocent.pid}\n`, { mode: 0o600 });
    // Somebody who looks for an agent holds the lock for a moment.
    const looking = spawn('flock', [lock, 'sleep', '2'], { stdio: 'ignore' });
    await waitUntil('the lock is taken', () => spawnSync('flock', ['-n', lock, 'true']).status === 1);
    const result = await runMesa(['auth', 'lock'], { home });
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(isAlive(Number(innocent.pid))).toBe(true);
    expect(looking.exitCode).toBe(0);
  });

  it('when connections are closed without an answer', async () => {
    const home = await vaultHome();
    const server = await listen(home, (connection) => connection.destroy());
    const result = await runMesa(GET, { home });
    server.close();
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.milliseconds).toBeLessThan(PROMPTLY_MS);
    expect(result.stderr).toContain('mesa: warning: the unlock agent closes its connections; ');
  });

  it('when what answers is no agent at all', async () => {
    const home = await vaultHome();
    for (const noise of [
      '\n',
      'hello\n',
      '{"v":3}\n',
      '[]\n',
      'x'.repeat(70_000),
      '{"v":3,"type":"entries"}\n',
    ]) {
      const server = await listen(home, (connection) => connection.end(noise));
      const result = await runMesa(GET, { home });
      server.close();
      expect(result).toMatchObject({ status: 6, stdout: '' });
      expect(result.stderr).toContain('mesa: warning: the unlock agent is ');
      expect(result.stderr).not.toContain('bug');
    }
  });
});

/** Five seconds for all pages, and the start of a program on a busy machine. */
const LIST_PATIENCE_MS = 5_000 + PROMPTLY_MS;
const numbered = (count: number): string => `orgs/o${String(count).padStart(9, '0')}`;

describe('a list goes on with the passphrase', () => {
  it.each([
    ['the very same entry', () => ({ names: ['orgs/acme'] })],
    ['always new entries', (count: number) => ({ names: [numbered(count)] })],
    ['always new entries, in backward order', (count: number) => ({ names: [numbered(999 - count)] })],
    [
      'pages full of new entries',
      (count: number) => ({ names: Array.from({ length: 900 }, (_, i) => numbered(count * 900 + i)) }),
    ],
    ['an entry twice in one page', () => ({ names: ['orgs/a', 'orgs/a'], more: false })],
    ['entries out of order', () => ({ names: ['orgs/b', 'orgs/a'], more: false })],
    ['two pages in turn', (count: number) => ({ names: [count % 2 === 0 ? 'orgs/a' : 'orgs/b'] })],
    ['nothing, and more to come', () => ({ names: [] })],
    [
      'another revision each time',
      (count: number) => ({ names: [numbered(count)], revision: String(count) }),
    ],
    [
      'another revision every other time',
      (count: number) => ({ names: [numbered(count)], revision: String(count >> 1) }),
    ],
    ['new entries, slowly', (count: number) => ({ names: [numbered(count)], delayMs: 500 })],
  ] as const)('when the agent answers with %s', async (_title, pageOf) => {
    const home = await vaultHome();
    let requests = 0;
    const server = await listen(home, (connection) => {
      connection.on('error', () => undefined);
      connection.on('data', () => {
        const { names, more = true, revision = '1', delayMs = 0 } = page(pageOf(requests));
        requests += 1;
        const entries = names.map((name) => [name, KEY, null, null, null]);
        const line = { v: 1, type: 'entries', entries, revision, more, warnings: [] };
        setTimeout(() => connection.end(`${JSON.stringify(line)}\n`), delayMs);
      });
    });
    const result = await runMesa(['auth', 'list'], { home });
    server.close();
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toMatch(
      /^mesa: warning: the (?:unlock agent is of another version|vault changes all the time)[^\n]*passphrase\nmesa: the vault/,
    );
    expect(result.milliseconds).toBeLessThan(LIST_PATIENCE_MS);
    expect(requests).toBeLessThanOrEqual(500);
    // With the passphrase it is the vault's own list.
    expect((await runMesa(['auth', 'list'], { home, env: UNLOCKED })).stdout).toContain('orgs/acme');
  });
});

interface Page {
  readonly names: readonly string[];
  readonly more?: boolean;
  readonly revision?: string;
  readonly delayMs?: number;
}

function page(made: Page): Page {
  return made;
}

describe('a vault that changed on disk', () => {
  it('under the same passphrase is opened anew, with one derivation', async () => {
    const home = await vaultHome();
    await unlock(home);
    home.write(
      '.local/share/mesa/secrets.vault.age',
      await sealDocument(documentOf({ 'orgs/acme': `${KEY}22` })),
    );
    for (let run = 0; run < 3; run += 1) {
      const { stderr, ...result } = await runMesa(GET, { home });
      expect(result).toMatchObject({ status: 0, stdout: `${KEY}22\n` });
      // Said where the derivation takes more than five seconds.
      expect(stderr.replace('mesa: warning: the unlock agent is busy; waiting for it\n', '')).toBe('');
    }
    const status = JSON.parse(await exchange(agentFiles(home).socket, '{"v":3,"type":"status"}\n')) as {
      status: { derivations: { opening: number } };
    };
    expect(status.status.derivations.opening).toBe(2);
  });

  it('under another passphrase ends the agent', async () => {
    const home = await vaultHome();
    const pid = await unlock(home);
    const bytes = await sealDocument(documentOf({ 'orgs/acme': KEY }), 'another passphrase');
    home.write('.local/share/mesa/secrets.vault.age', bytes);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 6, stdout: '' });
    await expectEnded(pid, agentFiles(home).socket);
    expect(readFileSync(home.vault).equals(bytes)).toBe(true);
  });

  it('to something that is no vault is refused, and left alone', async () => {
    const home = await vaultHome();
    await unlock(home);
    home.write('.local/share/mesa/secrets.vault.age', 'no vault');
    for (const [args, stdin] of [
      [GET, ''],
      [['auth', 'set-key'], KEY],
    ] as const) {
      const result = await runMesa(args, { home, stdin });
      expect(result).toMatchObject({ status: 8, stdout: '' });
      expect(result.stderr).toContain(`mesa: ${home.vault} is not an age file`);
    }
    expect(readFileSync(home.vault, 'utf8')).toBe('no vault');
  });
});

function listen(home: TempHome, onConnection: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(onConnection);
  const { socket } = agentFiles(home);
  onTestFinished(() => {
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(socket, () => resolve(server));
  });
}
