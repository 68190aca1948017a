import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

import { agentStatus } from '../../../src/agent/control.ts';
import type { AgentStatus } from '../../../src/agent/protocol.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import { agentFiles, agentPid, expectEnded, isAlive, unlock } from '../../support/agent.ts';
import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  sealDocument,
  UNLOCKED,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { answerKeys, answerUnlock, typeNewPassphrase } from '../../support/wizard.ts';

const KEY = 'mesa_key00000000001111';
const GET = ['auth', 'get-key', '--org', 'acme'];
const QUESTION = 'Vault passphrase:';
const MINUTE = 60_000;

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': KEY }));
  return home;
}

async function statusOf(home: TempHome): Promise<AgentStatus> {
  const status = await agentStatus(resolvePaths({ env: { HOME: home.path }, platform: 'linux' }));
  expect(status).toBeDefined();
  return status as AgentStatus;
}

describe('one unlock', () => {
  it('asks once, and then 100 get-keys need neither a passphrase nor a derivation', async () => {
    const home = await vaultHome();
    const terminal = openTerminal({ home });
    terminal.type('mesa auth unlock\r');
    await terminal.answer(QUESTION, 'not this one');
    await terminal.answer(`Incorrect passphrase. ${QUESTION}`, PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toMatch(
      /unlocked the vault until \d\d:\d\d:\d\d, 15 minutes after its last use/,
    );
    expect(terminal.received()).not.toMatch(new RegExp(`${PASSPHRASE}|not this`));

    for (let round = 0; round < 10; round += 1) {
      const results = await Promise.all(Array.from({ length: 10 }, () => runMesa(GET, { home })));
      expect(results.map(({ status, stdout, stderr }) => ({ status, stdout, stderr }))).toEqual(
        Array.from({ length: 10 }, () => ({ status: 0, stdout: `${KEY}\n`, stderr: '' })),
      );
    }
    expect((await statusOf(home)).derivations.opening).toBe(1);
    expect(await runMesa(['auth', 'lock'], { home })).toMatchObject({ status: 0, stdout: '' });
  });

  it('lets every command that uses the vault go on without a question', async () => {
    const home = await vaultHome();
    await unlock(home);
    const stored = await runMesa(['auth', 'set-key', '--org', 'beta'], { home, stdin: KEY });
    expect(stored).toMatchObject({ status: 0, stdout: '' });
    expect(stored.stderr).toMatch(/^stored key for orgs\/beta \(mesa_\*{4}1111\) in encrypted-file$/m);
    expect((await runMesa(['auth', 'list'], { home })).stdout).toMatch(/orgs\/acme .*\norgs\/beta /);
    expect((await runMesa([...GET, '--explain'], { home })).stdout).toMatch(
      /orgs\/acme +mesa_\*{4}1111 +used/,
    );
    expect(await openVault(home)).toContain('[keys."orgs/beta"]');
  });

  it('hands over a thousand keys of MESA_ORGS, and lists all of them', async () => {
    const home = await vaultHome();
    await unlock(home);
    const orgs = Array.from({ length: 1_000 }, (_, index) => `o${index}:mesa_token_of_many_${index}`).join(
      ',',
    );
    const result = await runMesa(['auth', 'list'], { home, env: { MESA_ORGS: orgs } });
    expect(result).toMatchObject({ status: 0 });
    expect(result.stderr).toMatch(/^stored 1000 keys from MESA_ORGS in encrypted-file$/m);
    expect(result.stdout.trim().split('\n')).toHaveLength(1_002);
    expect((await openVault(home)).match(/^\[keys\./gm)).toHaveLength(1_001);
  });

  it('is seen by --check, which does not extend it, and ended by lock, after which nothing is left', async () => {
    const home = await vaultHome();
    const pid = await unlock(home, { args: ['--timeout', '10m'] });
    const before = await statusOf(home);
    const check = await runMesa(['auth', 'unlock', '--check', '--json'], { home });
    expect(check).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(check.stdout)).toEqual({
      schema_version: 1,
      unlocked: true,
      backend: 'encrypted-file',
      vault: home.vault,
      agent_pid: pid,
      unlocked_since: before.unlockedSince.toISOString(),
      idle_until: before.idleUntil.toISOString(),
      locked_at: before.lockedAt.toISOString(),
    });
    expect(before.idleUntil.getTime() - before.unlockedSince.getTime()).toBeLessThan(11 * MINUTE);
    expect(before.lockedAt.getTime() - before.unlockedSince.getTime()).toBe(12 * 60 * MINUTE);

    const lock = await runMesa(['auth', 'lock'], { home });
    expect(lock).toMatchObject({ status: 0, stdout: '', stderr: 'locked the vault\n' });
    expect(isAlive(pid)).toBe(false);
    expect(home.tree().filter((name) => name.includes('agent'))).toEqual(['.local/share/mesa/agent.lock']);

    const again = await runMesa(['auth', 'lock'], { home });
    expect(again).toMatchObject({ status: 0, stdout: '', stderr: 'no vault was unlocked\n' });
    const locked = await runMesa(['auth', 'unlock', '--check'], { home });
    expect(locked).toMatchObject({ status: 6, stdout: '' });
    expect(locked.stderr).toBe(`mesa: the vault ${home.vault} is locked\nhint: mesa auth unlock\n`);
    expect(await runMesa(GET, { home })).toMatchObject({ status: 6, stdout: '' });
  });

  it('again asks nothing, starts the idle time anew, or sets it, and keeps the limit of 12 hours', async () => {
    const home = await vaultHome();
    const pid = await unlock(home, { args: ['--timeout', '10m'] });
    const first = await statusOf(home);
    await sleep(2_000);
    expect(await runMesa(['auth', 'unlock'], { home })).toMatchObject({ status: 0, stdout: '' });
    const second = await statusOf(home);
    expect(second.idleUntil.getTime()).toBeGreaterThan(first.idleUntil.getTime());
    expect(second.idleMs).toBe(10 * MINUTE);
    expect(await runMesa(['auth', 'unlock', '--timeout', '12h'], { home })).toMatchObject({ status: 0 });
    const third = await statusOf(home);
    expect(third).toMatchObject({ pid, idleMs: 12 * 60 * MINUTE });
    expect(Math.abs(third.lockedAt.getTime() - first.lockedAt.getTime())).toBeLessThan(1_000);
    expect(third.idleUntil).toEqual(third.lockedAt);
  });

  it('ends by itself when the vault is not used, and not before', async () => {
    const home = await vaultHome();
    // Longer together than it is kept unlocked, and so much shorter each that a busy machine does not matter.
    const pid = await unlock(home, { args: ['--timeout', '20s'] });
    for (let use = 0; use < 5; use += 1) {
      await sleep(4_500);
      expect(await runMesa(GET, { home })).toMatchObject({ status: 0, stderr: '' });
    }
    await expectEnded(pid, agentFiles(home).socket);
  });

  it('of another vault replaces the first', async () => {
    const home = await vaultHome();
    const first = await unlock(home);
    const elsewhere = { XDG_DATA_HOME: home.path, XDG_RUNTIME_DIR: home.path };
    home.write('mesa/secrets.vault.age', await sealDocument(documentOf({ 'orgs/acme': `${KEY}22` })));
    // One directory for the sockets of both.
    const runtime = { XDG_RUNTIME_DIR: home.path };
    const lock = `${home.path}/mesa/agent.lock`;
    const second = await unlock(home, { env: { ...UNLOCKED, ...runtime }, lock });
    expect(isAlive(first)).toBe(true);
    expect((await runMesa(GET, { home, env: elsewhere })).status).toBe(6);
    const third = await unlock(home, { env: { ...UNLOCKED, ...elsewhere }, lock });
    expect(isAlive(second)).toBe(false);
    expect(await runMesa(GET, { home, env: elsewhere })).toMatchObject({ status: 0, stdout: `${KEY}22\n` });
    const other = await runMesa(GET, { home, env: runtime });
    expect(other).toMatchObject({ status: 6, stdout: '' });
    expect(other.stderr).not.toContain('agent');
    expect(isAlive(third)).toBe(true);
  });
});

describe('unlock says what is wrong, and asks nobody who is not there', () => {
  it.each([
    ['there is no terminal', [], 6, 'set MESA_VAULT_PASSPHRASE'],
    ['-y was given', ['-y'], 6, 'set MESA_VAULT_PASSPHRASE'],
    ['the time is none', ['--timeout', 'soon'], 2, "'soon' is not a time up to 12 hours"],
    ['the time is too long', ['--timeout', '12h1s'], 2, 'mesa auth unlock --timeout 15m'],
    ['a check is to set a time', ['--check', '--timeout', '1m'], 2, '--check changes nothing'],
    ['there is nothing to print', ['--json'], 2, 'mesa auth unlock --check --json'],
  ])('when %s', async (_, args, status, text) => {
    const home = await vaultHome();
    const before = fingerprint(home);
    const result = await runMesa(['auth', 'unlock', ...args], { home });
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: .*\nhint: .*\n$/);
    expect(result.stderr).toContain(text);
    expect(result.milliseconds).toBeLessThan(20_000);
    expect(fingerprint(home)).toEqual(before);
  });

  it('when the passphrase is wrong, and starts nothing', async () => {
    const home = await vaultHome();
    const result = await runMesa(['auth', 'unlock'], {
      home,
      env: { MESA_VAULT_PASSPHRASE: 'not this one' },
    });
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toContain(`mesa: incorrect passphrase for the vault ${home.vault}\n`);
    expect(existsSync(agentFiles(home).socket)).toBe(false);
  });

  it('when there is no vault, and when keys are not in one', async () => {
    const home = createTempHome();
    const result = await runMesa(['auth', 'unlock'], { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain('there is nothing to unlock: no vault');
    home.useBackend('plaintext-file');
    const plaintext = await runMesa(['auth', 'unlock'], { home });
    expect(plaintext).toMatchObject({ status: 2, stdout: '' });
    expect(plaintext.stderr).toContain('there is nothing to unlock: plaintext-file has no passphrase');
    expect((await runMesa(['auth', 'unlock', '--check'], { home })).status).toBe(0);
    expect(home.tree().filter((name) => name.includes('share'))).toEqual([]);
  });

  it('when somebody types the name of the agent itself', async () => {
    const home = createTempHome();
    const result = await runMesa(['run-unlock-agent'], { home, stdin: '{"v":3}\n' });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toBe(
      'mesa: this is a part of mesa that nobody needs to run\nhint: mesa auth unlock\n',
    );
    expect((await runMesa(['--help'], { home })).stdout).not.toContain('agent');
  });
});

describe('with unlock-timeout', () => {
  const CONFIG = '[secrets]\nbackend = "encrypted-file"\nunlock-timeout = "20m"\n';

  it('a passphrase that was typed once is not asked for again', async () => {
    const home = await vaultHome();
    home.write('.config/mesa/config.toml', CONFIG);
    const terminal = openTerminal({ home });
    terminal.type('mesa auth list\r');
    await terminal.answer(QUESTION, 'not this one');
    await terminal.answer(`Incorrect passphrase. ${QUESTION}`, PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('mesa: the vault stays unlocked for 20 minutes after each use');
    terminal.clear();
    expect(await terminal.run('mesa auth get-key --org acme')).toBe(0);
    expect(terminal.screen()).toContain(KEY);
    expect(terminal.screen()).not.toContain('passphrase');
    expect((await statusOf(home)).idleMs).toBe(20 * MINUTE);
    expect(await terminal.run('mesa auth lock')).toBe(0);
    expect(existsSync(agentFiles(home).socket)).toBe(false);
  });

  it('nothing stays unlocked by a passphrase from the environment, or by a wrong one', async () => {
    const home = await vaultHome();
    home.write('.config/mesa/config.toml', CONFIG);
    const result = await runMesa(GET, { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n`, stderr: '' });
    const terminal = openTerminal({ home });
    terminal.type('mesa auth list\r');
    for (const question of [
      QUESTION,
      `Incorrect passphrase. ${QUESTION}`,
      `Incorrect passphrase. ${QUESTION}`,
    ]) {
      await terminal.answer(question, 'not this one');
    }
    expect(await terminal.ended()).toBe(6);
    expect(home.tree().filter((name) => name.includes('agent'))).toEqual([]);
  });

  it('a command that cannot keep the vault unlocked succeeds all the same, with a warning', async () => {
    const home = await vaultHome();
    home.write('.config/mesa/config.toml', CONFIG);
    // A directory where the lock file would be.
    home.write('.local/share/mesa/agent.lock/x', '');
    const terminal = openTerminal({ home });
    terminal.type('mesa auth list\r');
    await terminal.answer(QUESTION, PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toMatch(/orgs\/acme +mesa_\*{4}1111/);
    expect(terminal.screen()).toContain('mesa: warning: the vault does not stay unlocked:');
  });

  it('is what the wizard writes for a new vault, which is unlocked then', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    terminal.type('mesa init --backend encrypted-file\r');
    await typeNewPassphrase(terminal, PASSPHRASE);
    await answerUnlock(terminal, 'y');
    await answerKeys(terminal, [['acme', KEY]]);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen()).toContain('mesa auth lock');
    terminal.clear();
    expect(await terminal.run('mesa auth list')).toBe(0);
    expect(terminal.screen()).toMatch(/orgs\/acme +mesa_\*{4}1111/);
    expect(terminal.screen()).not.toContain('passphrase');
    const pid = agentPid(agentFiles(home).lock);
    // An agent that nobody can reach any more has no use.
    rmSync(agentFiles(home).socket);
    await waitUntil('the agent ends', () => !isAlive(pid));
  });
});
