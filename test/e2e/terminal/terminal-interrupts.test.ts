import { describe, expect, it } from 'vitest';

import {
  documentOf,
  fingerprint,
  PASSPHRASE,
  sealDocument,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';
import { COOKED, KEYS, openTerminal, type Terminal } from '../../support/terminal.ts';
import { chooseBackend, chooseTyping, typeNewPassphrase } from '../../support/wizard.ts';

/** How to get to a question, and how it begins. */
interface OpenQuestion {
  readonly question: string;
  readonly command: string;
  readonly before?: (terminal: Terminal) => Promise<void>;
}

const FIRST_RUN: readonly OpenQuestion[] = [
  { question: 'Where should your keys be kept?', command: 'mesa auth list' },
  {
    question: 'Passphrase for the new vault',
    command: 'mesa',
    before: (terminal) => chooseBackend(terminal, 'encrypted-file'),
  },
  {
    question: 'Write this down:',
    command: 'mesa init --backend encrypted-file',
    before: (terminal) => terminal.answer('Passphrase for the new vault', ''),
  },
  { question: 'New passphrase:', command: 'mesa init --backend encrypted-file', before: chooseTyping },
  {
    question: 'The same again:',
    command: 'mesa init --backend encrypted-file',
    before: async (terminal) => {
      await chooseTyping(terminal);
      await terminal.answer('New passphrase:', PASSPHRASE);
    },
  },
  {
    question: 'Keep the vault unlocked',
    command: 'mesa init --backend encrypted-file',
    before: (terminal) => typeNewPassphrase(terminal, PASSPHRASE),
  },
  { question: 'Organization (Enter to skip):', command: 'mesa init --backend plaintext-file' },
  {
    question: 'API token for acme',
    command: 'mesa init --backend plaintext-file',
    before: (terminal) => terminal.answer('Organization', 'acme'),
  },
  {
    question: 'Another organization (Enter to finish):',
    command: 'mesa init --backend plaintext-file',
    before: async (terminal) => {
      await terminal.answer('Organization', 'acme');
      await terminal.answer('API token for acme', 'mesa_interrupted0000');
    },
  },
];

const LATER: readonly OpenQuestion[] = [
  { question: 'API token for orgs/acme:', command: 'mesa auth set-key --org acme' },
  { question: 'Vault passphrase:', command: 'mesa auth list' },
  { question: 'Vault passphrase:', command: 'echo mesa_piped_token_00 | mesa auth set-key' },
  {
    question: 'Incorrect passphrase. Vault passphrase:',
    command: 'mesa auth get-key 2> /dev/null',
    before: (terminal) => terminal.answer('Vault passphrase:', 'not this one'),
  },
  {
    question: 'New passphrase for the vault',
    command: 'mesa auth change-passphrase',
    before: unlock,
  },
  {
    question: 'The same again:',
    command: 'mesa auth change-passphrase',
    before: async (terminal) => {
      await unlock(terminal);
      await chooseTyping(terminal, 'New passphrase for the vault');
      await terminal.answer('New passphrase:', 'another one of mine');
    },
  },
  {
    question: 'Keep one key unencrypted in',
    command: 'mesa auth migrate --to plaintext-file',
    before: unlock,
  },
  { question: 'Passphrase of the backup', command: 'mesa auth restore keys.age' },
  {
    question: 'Restore this into encrypted-file?',
    command: 'mesa auth restore keys.toml --exact',
    before: unlock,
  },
];

const LATER_WITHOUT_VAULT: readonly OpenQuestion[] = [
  { question: 'Passphrase for the new vault', command: 'mesa auth migrate --to encrypted-file' },
  { question: 'Passphrase for the backup', command: 'mesa auth backup new.age' },
  {
    question: 'Write the keys unencrypted to',
    command: 'mesa auth backup new.toml --plaintext',
  },
];

function unlock(terminal: Terminal): Promise<void> {
  return terminal.answer('Vault passphrase:', PASSPHRASE);
}

async function interrupt(terminal: Terminal, { question, command, before }: OpenQuestion, key: string) {
  terminal.type(`${command}\r`);
  await before?.(terminal);
  await terminal.waitFor(`? ${question}`);
  expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
  terminal.type(key);
  expect(await terminal.ended()).toBe(130);
  expect(terminal.modes()).toEqual(COOKED);
  expect(terminal.screen()).not.toMatch(/\nmesa: |Saved|stored/);
}

describe.each([
  ['Ctrl-C', KEYS.ctrlC],
  ['Ctrl-D', KEYS.ctrlD],
])('%s', (_, key) => {
  it.each(FIRST_RUN)('at $question of a first run leaves nothing behind', async (open) => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    await interrupt(terminal, open, key);
    expect(home.tree()).toEqual([]);
  });

  it.each(LATER)('at $question of $command changes nothing', async (open) => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': 'mesa_kept0000000000000' }));
    const backup = documentOf({ 'orgs/acme': 'mesa_older000000000000' });
    home.write('keys.toml', backup);
    home.write('keys.age', await sealDocument(backup));
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    await interrupt(terminal, open, key);
    expect(fingerprint(home)).toEqual(before);
  });

  it.each(LATER_WITHOUT_VAULT)('at $question of $command changes nothing', async (open) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': 'mesa_kept0000000000000' }));
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    await interrupt(terminal, open, key);
    expect(fingerprint(home)).toEqual(before);
  });
});
