import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { VaultCodec } from '../../../src/vault/vault-codec.ts';
import { documentOf, sealDocument } from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { COOKED, KEYS, openTerminal, type Terminal } from '../../support/terminal.ts';
import { waitUntil } from '../../support/wait-until.ts';

// Nothing else on the screen has a piece of it.
const PASSPHRASE = 'quartz-jumble-vexing';
const KEY = 'mesa_oneterminal008888';
const QUESTION = '? Vault passphrase:';
const DONE = '✔ Vault passphrase:';

async function homeWithVault(settings = ''): Promise<TempHome> {
  const home = createTempHome();
  const vault = await sealDocument(documentOf({ 'orgs/acme': KEY }), PASSPHRASE);
  home.write('.local/share/mesa/secrets.vault.age', vault);
  home.write('.config/mesa/config.toml', `[secrets]\nbackend = "encrypted-file"\n${settings}`);
  return home;
}

/** A vault that takes a second to open, so that there is time to type. */
async function homeWithSlowVault(): Promise<TempHome> {
  const home = await homeWithVault();
  const codec = new VaultCodec({ passphrase: PASSPHRASE, path: home.vault, workFactor: 18 });
  const seal = codec.prepareEncode(undefined, false);
  home.write('.local/share/mesa/secrets.vault.age', await seal(documentOf({ 'orgs/acme': KEY })));
  return home;
}

/** A terminal whose shell has begun: before, it has no name. */
async function openReady(home: TempHome): Promise<Terminal> {
  const terminal = openTerminal({ home });
  await terminal.run(':');
  terminal.clear();
  return terminal;
}

/** All modes of a terminal, in one word. */
function termios(terminal: Terminal): string {
  return execFileSync('/bin/sh', ['-c', 'stty -g < "/dev/$0"', ttyOf(terminal)], { encoding: 'utf8' });
}

function ttyOf(terminal: Terminal): string {
  return execFileSync('ps', ['-o', 'tty=', '-p', String(terminal.pid)], { encoding: 'utf8' }).trim();
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Whatever of the terminal's bytes could be a piece of the passphrase. */
function expectUnseen(terminal: Terminal, secret = PASSPHRASE): void {
  for (let at = 0; at + 4 <= secret.length; at += 1) {
    expect(terminal.received()).not.toContain(secret.slice(at, at + 4));
  }
}

it('a passphrase that is typed while the wrong one before is checked is the next answer, and is not shown', async () => {
  const terminal = await openReady(await homeWithSlowVault());
  const before = termios(terminal);
  terminal.type('mesa auth get-key --org acme\r');
  await terminal.waitFor(QUESTION);
  terminal.type('zigzag-oxbow-fjord\r');
  await terminal.waitFor('opening the vault');
  expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
  terminal.type(`${PASSPHRASE}\r`);
  await terminal.waitFor(KEY);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.received()).toContain('Incorrect passphrase.');
  expect(terminal.screen().match(/✔/g)).toHaveLength(1);
  expectUnseen(terminal);
  expectUnseen(terminal, 'zigzag-oxbow-fjord');
  expect(termios(terminal)).toBe(before);
  expect(terminal.screen()).not.toContain('opening the vault');
});

it('what is typed while the right passphrase is checked is neither shown nor left for the shell', async () => {
  const home = await homeWithSlowVault();
  const terminal = await openReady(home);
  terminal.type('mesa auth get-key --org acme\r');
  await terminal.waitFor(QUESTION);
  terminal.type(`${PASSPHRASE}\r`);
  await terminal.waitFor('opening the vault');
  terminal.type('touch surprise\r');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.received()).not.toContain('surprise');
  expect(readIfExists(join(home.path, 'surprise'))).toBeUndefined();
  expect(terminal.modes()).toEqual(COOKED);
});

it.each([
  ['two background jobs', 'for i in 1 2; do mesa auth get-key --org acme & done; wait'],
  ['two sides of a pipe', 'mesa auth get-key --org acme >&2 | mesa auth get-key --org acme'],
])('%s ask one after the other', async (_, command) => {
  const terminal = await openReady(await homeWithVault());
  const before = termios(terminal);
  terminal.type(`(${command})\r`);
  await terminal.waitFor(QUESTION);
  terminal.type(`${PASSPHRASE}\r`);
  await waitUntil(
    'the second one asks',
    () => /✔ Vault[^]*\? Vault passphrase/.test(terminal.screen()),
    () => terminal.screen(),
  );
  expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
  terminal.type(`${PASSPHRASE}\r`);
  await waitUntil(
    'both have their key',
    () => count(terminal.screen(), KEY) === 2,
    () => terminal.screen(),
  );
  expect(await terminal.ended()).toBe(0);
  expect(count(terminal.screen(), DONE)).toBe(2);
  expectUnseen(terminal);
  expect(termios(terminal)).toBe(before);
});

it('of three that want the passphrase at once one asks, and its agent serves the others', async () => {
  const terminal = await openReady(await homeWithVault('unlock-timeout = "15m"\n'));
  const before = termios(terminal);
  terminal.type('(for i in 1 2 3; do mesa auth get-key --org acme & done; wait)\r');
  await terminal.waitFor(QUESTION);
  terminal.type(`${PASSPHRASE}\r`);
  await waitUntil(
    'all have their key',
    () => count(terminal.screen(), KEY) === 3,
    () => terminal.screen(),
  );
  expect(await terminal.ended()).toBe(0);
  expect(count(terminal.received(), 'passphrase:')).toBe(2);
  expectUnseen(terminal);
  expect(termios(terminal)).toBe(before);
  expect(await terminal.run('mesa auth lock')).toBe(0);
});

it('two that unlock ask once', async () => {
  const terminal = await openReady(await homeWithVault());
  terminal.type('(mesa auth unlock & mesa auth unlock & wait)\r');
  await terminal.waitFor(QUESTION);
  terminal.type(`${PASSPHRASE}\r`);
  await waitUntil(
    'both are done',
    () => count(terminal.screen(), 'unlocked the vault') === 2,
    () => terminal.screen(),
  );
  expect(await terminal.ended()).toBe(0);
  expect(count(terminal.screen(), DONE)).toBe(1);
  expect(await terminal.run('mesa auth lock')).toBe(0);
});

it.each(['SIGKILL', 'SIGTERM', 'SIGHUP'] as const)(
  '%s for the one that asks gives the turn to the next one, and the terminal back as it was',
  async (signal) => {
    const home = await homeWithVault();
    const terminal = await openReady(home);
    const before = termios(terminal);
    terminal.type('(for i in 1 2; do mesa auth get-key --org acme & done; wait; echo all ended)\r');
    await terminal.waitFor(QUESTION);
    const asking = () => askingOn(terminal);
    await waitUntil('one waits for the other', () => asking().waiting.length === 1);
    terminal.clear();
    process.kill(asking().asking[0] ?? 0, signal);
    await terminal.waitFor(QUESTION);
    expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
    terminal.type(`${PASSPHRASE}\r`);
    await terminal.waitFor('all ended');
    await terminal.ended();
    expect(count(terminal.screen(), KEY)).toBe(1);
    expectUnseen(terminal);
    expect(termios(terminal)).toBe(before);
  },
);

/** The pids of mesas on a terminal: of those that wait for their turn, and of the others. */
function askingOn(terminal: Terminal): { readonly asking: number[]; readonly waiting: number[] } {
  const list = execFileSync('ps', ['-t', ttyOf(terminal), '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' });
  const processes = list.split('\n').map((line) => line.trim().split(/\s+/));
  const waits = (pid: string | undefined) => processes.some(([, of, name]) => of === pid && name === 'flock');
  const mesas = processes.filter(([, , name]) => name === 'mesa').map(([pid]) => pid);
  return {
    asking: mesas.filter((pid) => !waits(pid)).map(Number),
    waiting: mesas.filter((pid) => waits(pid)).map(Number),
  };
}

it('kill -9 at a question leaves the terminal as it was', async () => {
  const terminal = await openReady(await homeWithVault());
  const before = termios(terminal);
  terminal.type('mesa auth get-key --org acme\r');
  await terminal.waitFor(QUESTION);
  expect(termios(terminal)).not.toBe(before);
  process.kill(terminal.foreground(), 'SIGKILL');
  await waitUntil('the terminal is as it was', () => termios(terminal) === before);
  expect(await terminal.ended()).toBe(137);
});

it('one that starts and ends while another one asks leaves the terminal to that one', async () => {
  const terminal = await openReady(await homeWithVault());
  const before = termios(terminal);
  terminal.type('(mesa auth get-key --org acme & sleep 1; mesa auth list --help; wait)\r');
  await terminal.waitFor(QUESTION);
  const [first, second] = [PASSPHRASE.slice(0, 8), PASSPHRASE.slice(8)];
  terminal.type(first);
  await terminal.waitFor('Usage: mesa auth list');
  await waitUntil('help has ended', () => /without secrets[^]*--json/.test(terminal.screen()));
  expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
  terminal.type(`${second}\r`);
  await terminal.waitFor(KEY);
  expect(await terminal.ended()).toBe(0);
  expectUnseen(terminal);
  expect(termios(terminal)).toBe(before);
});

it('in the background it waits for fg without keeping others from asking', async () => {
  const home = await homeWithVault();
  const terminal = await openReady(home);
  const before = termios(terminal);
  terminal.type('mesa auth get-key --org acme & echo $! > pid\r');
  const isStopped = (): boolean => {
    const pid = readIfExists(join(home.path, 'pid'))?.trim() ?? '';
    return pid !== '' && execFileSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).startsWith('T');
  };
  await waitUntil('it is stopped', isStopped);
  terminal.clear();
  terminal.type('mesa auth list\r');
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  await terminal.waitFor('mesa_****8888');
  terminal.clear();
  terminal.type('fg\r');
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  await terminal.waitFor(KEY);
  expect(await terminal.ended()).toBe(0);
  expectUnseen(terminal);
  expect(termios(terminal)).toBe(before);
});

it('Ctrl-Z while the vault is opened gives the terminal to the shell as it was', async () => {
  const terminal = await openReady(await homeWithSlowVault());
  const before = termios(terminal);
  terminal.type('mesa auth get-key --org acme\r');
  await terminal.waitFor(QUESTION);
  terminal.type(`${PASSPHRASE}\r`);
  await terminal.waitFor('opening the vault');
  terminal.type(KEYS.ctrlZ);
  await terminal.waitFor(/Stopped[^]*\n\$$/);
  expect(termios(terminal)).toBe(before);
  terminal.type('fg\r');
  await terminal.waitFor(KEY);
  expect(await terminal.ended()).toBe(0);
  expect(termios(terminal)).toBe(before);
  expect(terminal.modes()).toEqual(COOKED);
});
