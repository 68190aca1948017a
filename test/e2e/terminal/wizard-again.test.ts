import { readFileSync, rmSync } from 'node:fs';

import { expect, it } from 'vitest';

import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, readIfExists } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';
import { answerKeys, answerUnlock, chooseBackend, typeNewPassphrase } from '../../support/wizard.ts';

const OLD = 'mesa_old0000000000eeee';
const NEW = 'mesa_new0000000000ffff';
const CONFIG = '# mine\nservice-domain = "mesa.test" # ours\n\n[other]\nx = [1,  2]\n';

it('adds keys to the vault that is there and keeps every other line of config.toml', async () => {
  const home = createTempHome();
  home.write('.config/mesa/config.toml', CONFIG);
  await writeVault(home, documentOf({ 'orgs/acme': OLD }));
  const terminal = openTerminal({ home });
  terminal.type('mesa init\r');
  expect(await terminal.waitFor('⏎ select')).toMatch(
    /❯ encrypted-file \((?:recommended here, )?in use now\)/,
  );
  await terminal.answer('Where should your keys be kept?', '');
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  await answerKeys(terminal, [['beta', NEW]]);

  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain(`In ${home.vault}: stored 1 key.`);
  expect(terminal.screen()).not.toContain('New passphrase');
  expect(terminal.received()).not.toMatch(new RegExp(`${OLD}|${NEW}|${PASSPHRASE}`));
  expect(readIfExists(home.config)).toBe(`${CONFIG}\n[secrets]\nbackend = "encrypted-file"\n`);
  expect(await openVault(home)).toMatch(new RegExp(`"orgs/acme"[^]*${OLD}[^]*"orgs/beta"[^]*${NEW}`));
});

it('says which keys stay behind when another backend is chosen, and leaves them alone', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': OLD }));
  const before = readFileSync(home.plaintext);
  const terminal = openTerminal({ home });
  terminal.type('mesa init\r');
  expect(await terminal.waitFor('⏎ select')).toMatch(
    /❯ plaintext-file \((?:recommended here, )?in use now\)/,
  );
  await chooseBackend(terminal, 'encrypted-file');
  await typeNewPassphrase(terminal, PASSPHRASE);
  await answerUnlock(terminal, 'n');
  await answerKeys(terminal, []);

  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain('No key was added.');
  expect(terminal.screen().replaceAll('\n', '')).toContain(
    `Note: the keys in ${home.plaintext} stay there; encrypted-file does not use them.`,
  );
  expect(terminal.screen()).toContain('  mesa auth migrate --to encrypted-file --merge   move those keys');
  expect(readFileSync(home.plaintext)).toEqual(before);
  expect(await openVault(home)).toBe('version = 1\n');
  expect(readIfExists(home.config)).toBe('[secrets]\nbackend = "encrypted-file"\n');
});

it('takes the backend from --backend without asking, and changes nothing when nothing is new', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': OLD }));
  const terminal = openTerminal({ home });
  const files = () => fingerprint(home).filter((line) => /\.toml /.test(line));
  const before = files();
  terminal.type('mesa init --backend plaintext-file\r');
  await answerKeys(terminal, []);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).not.toContain('Where should');
  expect(before).toHaveLength(2);
  expect(files()).toEqual(before);
});

it('uses the vault that is there on a first run, names it, writes it to config.toml, and welcomes nobody', async () => {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': OLD }));
  const terminal = openTerminal({ home });
  terminal.type('mesa auth list\r');
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  expect(await terminal.ended()).toBe(0);
  const screen = terminal.screen();
  expect(screen.match(/passphrase:/g)).toHaveLength(1);
  expect(screen).not.toMatch(/Welcome|Where should|Organization/);
  expect(screen.replaceAll('\n', '')).toContain(
    `mesa: using the store that is there, ${home.vault}; saved in`,
  );
  expect(screen).toMatch(/orgs\/acme +mesa_\*{4}eeee /);
  expect(readIfExists(home.config)).toContain('[secrets]\nbackend = "encrypted-file"\n');
});

it.each(['mesa', 'mesa auth list'])('uses a plaintext store that is there, too (%s)', async (command) => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': OLD }));
  rmSync(home.config);
  const terminal = openTerminal({ home });
  terminal.type(`${command}\r`);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).not.toMatch(/Welcome|Where should|Organization/);
  expect(readIfExists(home.config)).toContain('[secrets]\nbackend = "plaintext-file"\n');
});

it('says which keys are there already, in the store and among those that were just given', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': OLD }));
  const terminal = openTerminal({ home });
  terminal.type('mesa init --backend plaintext-file\r');
  await terminal.answer('Organization (Enter to skip):', 'acme');
  await terminal.waitFor('acme is there already (mesa_****eeee); it is replaced');
  await terminal.answer('API token for acme', NEW);
  await terminal.answer('Another organization', 'acme');
  await terminal.waitFor('acme is there already (mesa_****ffff); it is replaced');
  await terminal.answer('API token for acme', '');
  await terminal.answer('Another organization', '');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen().replaceAll('\n', '')).toContain(
    'replaced key for orgs/acme (mesa_****eeee by mesa_****ffff) in plaintext-file; mesa auth undo --org acme',
  );
  expect(terminal.screen()).not.toContain('Welcome');
});

it('lets nobody type keys for a vault that does not open', async () => {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': OLD }));
  const before = readFileSync(home.vault);
  const terminal = openTerminal({ home });
  terminal.type('mesa init --backend encrypted-file\r');
  await terminal.answer('Vault passphrase:', 'wrong once');
  await terminal.answer('Incorrect passphrase. Vault passphrase:', 'wrong twice');
  await terminal.answer('Incorrect passphrase. Vault passphrase:', 'wrong thrice');
  expect(await terminal.ended()).toBe(6);
  expect(terminal.screen()).not.toMatch(/Organization|Saved/);
  expect(readFileSync(home.vault)).toEqual(before);
  expect(readIfExists(home.config)).toBeUndefined();
});
