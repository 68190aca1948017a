import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { builtMesa, NODE, runMesa } from '../../support/run-mesa.ts';
import { openVault } from '../../support/stores.ts';
import { createTempHome, readIfExists } from '../../support/temp-home.ts';
import { KEYS, openTerminal } from '../../support/terminal.ts';
import { answerKeys, answerUnlock, chooseBackend, chooseTyping } from '../../support/wizard.ts';

const FIRST = 'mesa_first00000000aaaa';
const SECOND = 'mesa_second0000000bbbb';
const TYPED = 'typed by somebody twice';

/** Everything that a first run leaves in a home directory. */
const treeWith = (store: string): readonly string[] => [
  '.config/',
  '.config/mesa/',
  '.config/mesa/config.toml',
  '.local/',
  '.local/share/',
  '.local/share/mesa/',
  '.local/share/mesa/.lock',
  `.local/share/mesa/${store}`,
];

it('makes a vault under generated words, which leave the screen once they were typed back', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home });
  terminal.type('mesa auth list\r');
  await chooseBackend(terminal, 'encrypted-file');
  expect(terminal.screen()).toContain('Welcome to mesa');
  await terminal.answer('Passphrase for the new vault', '');
  const shown = await terminal.waitFor('Type it back:');
  const words = /^ {4}([a-z-]+)$/m.exec(shown)?.[1] ?? '';
  expect(words.split('-').length).toBeGreaterThanOrEqual(6);

  terminal.type('other words\r');
  await terminal.waitFor('> that differs');
  await terminal.answer('Write this down:', words);
  expect(home.tree()).toEqual([]);
  await answerUnlock(terminal, 'n');
  await answerKeys(terminal, [
    ['acme', FIRST],
    ['beta', SECOND],
  ]);

  expect(await terminal.ended()).toBe(0);
  const screen = terminal.screen();
  expect(screen).toContain(`Saved in ${home.config}: keys are kept in encrypted-file.`);
  expect(screen).toContain(`In ${home.vault}: stored 2 keys.`);
  expect(screen).toMatch(/Next:\n {2}mesa auth set-key/);
  expect(screen).toMatch(/\nSCOPE +KEY +ADDED\norgs\/acme +mesa_\*{4}aaaa .*\norgs\/beta +mesa_\*{4}bbbb /);
  expect(screen).not.toContain(words);
  expect(terminal.received()).not.toMatch(new RegExp(`${FIRST}|${SECOND}`));
  expect(home.tree()).toEqual(treeWith('secrets.vault.age'));
  expect(await openVault(home, words)).toContain(FIRST);
});

it('asks for a passphrase until it is long enough, text, and the same twice, and shows none of it', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home });
  terminal.type('mesa auth set-key --org acme --repo web\r');
  await chooseBackend(terminal, 'encrypted-file');
  await chooseTyping(terminal);

  await terminal.waitFor('? New passphrase:');
  terminal.type('too short\r');
  await terminal.waitFor('> use at least 12 characters');
  terminal.type('long enough, but \ufffd\r');
  await terminal.waitFor('> that is not UTF-8 text');
  await terminal.answer('New passphrase:', TYPED);
  await terminal.answer('The same again:', `${TYPED}!`);
  await terminal.waitFor('The two differ.');
  await terminal.answer('New passphrase:', TYPED);
  await terminal.answer('The same again:', TYPED);
  await answerUnlock(terminal, 'n');
  await terminal.answer('API token for orgs/acme/repos/web:', FIRST);

  expect(await terminal.ended()).toBe(0);
  // The command named what is stored: nothing else is asked, and that once.
  expect(terminal.screen()).not.toMatch(/Organization|No key was added/);
  expect(terminal.screen().match(/API token for/g)).toHaveLength(1);
  expect(terminal.screen()).toContain('stored key for orgs/acme/repos/web (mesa_****aaaa) in encrypted-file');
  expect(terminal.received()).not.toMatch(new RegExp(`${FIRST}|${TYPED}|too short`));
  expect(await openVault(home, TYPED)).toContain(FIRST);
});

it('stores all keys in one write, then runs the command, whose output alone goes to stdout', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home });
  const strace = 'strace -f -o trace -e trace=rename,renameat,renameat2';
  terminal.type(`${strace} '${NODE}' '${builtMesa()}' auth get-key --org acme > key\r`);
  await chooseBackend(terminal, 'plaintext-file');
  await answerKeys(terminal, [
    ['acme', SECOND],
    ['beta', FIRST],
    ['acme', FIRST],
  ]);

  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain(`In ${home.plaintext}: stored 2 keys.`);
  expect(terminal.received()).not.toMatch(new RegExp(`${FIRST}|${SECOND}`));
  expect(readIfExists(join(home.path, 'key'))).toBe(`${FIRST}\n`);
  const renamed = readFileSync(join(home.path, 'trace'), 'utf8').match(/"[^"]*\/secrets\.plaintext\.toml"/g);
  expect(renamed).toHaveLength(1);
  expect(readIfExists(home.plaintext)).not.toContain(SECOND);
  const log = '.local/share/mesa/uses.log';
  expect(home.tree()).toEqual([...treeWith('secrets.plaintext.toml'), log, 'key', 'trace']);
});

it('runs for mesa alone on a first run; after that, mesa alone shows help', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home });
  terminal.type('mesa\r');
  await chooseBackend(terminal, 'plaintext-file');
  await answerKeys(terminal, []);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain('No key was added.');
  expect(terminal.screen()).not.toContain('Usage:');
  terminal.clear();
  expect(await terminal.run('mesa')).toBe(0);
  expect(terminal.screen()).toContain('Usage: mesa');
  const result = await runMesa(['auth', 'list'], { home });
  expect(result).toMatchObject({ status: 0, stdout: '' });
});

it('recommends the plaintext file to a CI job, and says in a line each what the backends mean', async () => {
  const home = createTempHome();
  const terminal = openTerminal({ home, env: { CI: 'true' } });
  terminal.type('mesa init\r');
  const screen = await terminal.waitFor('⏎ select');
  expect(screen).toContain('- this is a CI job (CI is set)\n');
  expect(screen).toMatch(
    /kept\?\n❯ plaintext-file \(recommended here\)\n {4}not encrypted: .*\n {2}encrypted-file\n {4}a vault /,
  );
  terminal.type(KEYS.ctrlC);
  expect(await terminal.ended()).toBe(130);
  expect(home.tree()).toEqual([]);
});
