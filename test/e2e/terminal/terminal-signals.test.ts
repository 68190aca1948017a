import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { VaultCodec } from '../../../src/vault/vault-codec.ts';
import { isAlive } from '../../support/agent.ts';
import { documentOf, fingerprint, PASSPHRASE, sealDocument, writeVault } from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { COOKED, KEYS, openTerminal, type Terminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';

const TOKEN = 'mesa_signalled00009999';
const QUESTION = '? Vault passphrase:';

async function homeWithVault(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': TOKEN }));
  home.useBackend('encrypted-file');
  return home;
}

/** A derivation at work shows in the memory that it fills. */
function residentMebibytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

describe('at a hidden question', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s restores the terminal and ends the process by that signal',
    async (signal) => {
      const home = await homeWithVault();
      const before = fingerprint(home);
      const terminal = openTerminal({ home });
      await terminal.run('ulimit -c 0');
      terminal.type('mesa auth list\r');
      await terminal.waitFor(QUESTION);
      expect(terminal.modes()).toMatchObject({ icanon: false, echo: false, cursor: false });
      process.kill(terminal.foreground(), signal);
      expect(await terminal.ended()).toBe(128 + constants.signals[signal]);
      expect(terminal.modes()).toEqual(COOKED);
      expect(fingerprint(home)).toEqual(before);
    },
  );

  it.each([
    ['Ctrl-Z', (terminal: Terminal) => terminal.type(KEYS.ctrlZ)],
    ['SIGTSTP', (terminal: Terminal) => process.kill(terminal.foreground(), 'SIGTSTP')],
  ])('%s gives the terminal to the shell, and fg asks again', async (_, stop) => {
    const terminal = openTerminal({ home: await homeWithVault() });
    terminal.type('mesa auth list\r');
    await terminal.waitFor(QUESTION);
    terminal.type('half of a passph');
    stop(terminal);
    await terminal.waitFor(/Stopped[^]*\n\$$/);
    expect(terminal.modes()).toEqual(COOKED);
    terminal.clear();
    terminal.type('fg\r');
    await terminal.waitFor(QUESTION);
    expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.modes()).toEqual(COOKED);
    expect(terminal.screen()).toContain('orgs/acme  mesa_****9999');
    expect(terminal.received()).not.toMatch(/half|kept in no file/);
  });

  it('Ctrl-Z stops the rest of a pipeline, too', async () => {
    const terminal = openTerminal({ home: await homeWithVault() });
    terminal.type('mesa auth list | cat\r');
    await terminal.waitFor(QUESTION);
    terminal.type(KEYS.ctrlZ);
    await terminal.waitFor(/Stopped[^]*\n\$$/);
    terminal.clear();
    terminal.type('fg\r');
    await terminal.waitFor(QUESTION);
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await terminal.waitFor('orgs/acme  mesa_****9999');
  });

  it('a terminal that goes away ends the process by SIGHUP', async () => {
    const home = await homeWithVault();
    const terminal = openTerminal({ home });
    // Only the shell around it ignores the signal: node starts with all of them as the system has them.
    terminal.type(`(trap '' HUP; mesa auth rm-key --org acme; echo $? > status)\r`);
    await terminal.waitFor(QUESTION);
    const before = fingerprint(home);
    terminal.hangUp();
    const statusFile = join(home.path, 'status');
    await waitUntil('the shell writes the status', () => readIfExists(statusFile)?.endsWith('\n') === true);
    expect(readIfExists(statusFile)).toBe('129\n');
    expect(fingerprint(home)).toEqual([...before, expect.stringMatching(/^status /)]);
  });
});

it('Ctrl-Z at a question that shows choices gives the terminal to the shell, and fg asks again', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home });
  terminal.type('mesa\r');
  await terminal.waitFor('? Where should your keys be kept?');
  terminal.type(KEYS.ctrlZ);
  await terminal.waitFor(/Stopped[^]*\n\$$/);
  expect(terminal.modes()).toEqual(COOKED);
  terminal.clear();
  terminal.type('fg\r');
  await terminal.waitFor('? Where should your keys be kept?');
  terminal.type(KEYS.ctrlC);
  expect(await terminal.ended()).toBe(130);
  expect(home.tree()).toEqual([]);
});

describe('while a key is derived', () => {
  // Four times the work of an ordinary vault, so that there is time to interrupt it.
  const WORK_FACTOR = 20;

  /** Half of that work, in this process: as slow as the machine is now. */
  async function deriveHalf(): Promise<void> {
    const codec = new VaultCodec({ passphrase: PASSPHRASE, path: 'vault', workFactor: WORK_FACTOR - 1 });
    await codec.prepareEncode(undefined, false)('');
  }

  it('Ctrl-C ends the process at once', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    const quick = Buffer.from(await sealDocument(documentOf({})));
    // Nobody gets as far as finding out that the passphrase does not fit.
    const slow = quick.toString('latin1').replace(/^(-> scrypt \S+) 10$/m, `$1 ${WORK_FACTOR}`);
    home.write('.local/share/mesa/secrets.vault.age', Buffer.from(slow, 'latin1'));
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    terminal.type('mesa auth list\r');
    await terminal.answer('Vault passphrase:', PASSPHRASE);
    await waitUntil('the key is derived', () => residentMebibytes(terminal.foreground()) > 300);
    const pid = terminal.foreground();
    let derived = false;
    const half = deriveHalf().then(() => {
      derived = true;
    });
    terminal.type(KEYS.ctrlC);
    await waitUntil('the process ends', () => !isAlive(pid));
    expect(derived).toBe(false);
    await half;
    expect(await terminal.ended()).toBe(130);
    expect(terminal.modes()).toEqual(COOKED);
    expect(terminal.screen()).not.toMatch(/Incorrect|damaged/);
    expect(fingerprint(home)).toEqual(before);
  });
});
