import { expect, it } from 'vitest';

import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { openTerminal, type Terminal } from '../../support/terminal.ts';

const TOKEN = 'mesa_pasted0000000cccc';
const OTHER = 'mesa_other00000000dddd';
// A signed token is longer than any screen is wide.
const LONG = `eyJ${'x'.repeat(1_500)}.dddd`;

const ORGANIZATION = 'Organization (Enter to skip):';
const ANOTHER = 'Another organization (Enter to finish):';
const API_TOKEN = 'API token for acme';

async function startWizard(home: TempHome): Promise<Terminal> {
  const terminal = openTerminal({ home });
  terminal.type('mesa init --backend plaintext-file\r');
  await terminal.waitFor(`? ${ORGANIZATION}`);
  return terminal;
}

async function finishWizard(terminal: Terminal): Promise<void> {
  await terminal.answer(ANOTHER, '');
  expect(await terminal.ended()).toBe(0);
}

it.each([
  ['a name with a space', 'two words', '> use letters'],
  ['a slash', 'acme/web', '> use letters, digits, ".", "_" and "-", as in acme; there is a slash in it'],
  ['a leading hyphen', '-acme', '> the first character is a letter or a digit, never "-"'],
  ['a leading dot', '.acme', '> the first character is a letter or a digit, never "."'],
  ['a dot at the end', 'acme.', '> the last character is a letter or a digit, never "."'],
  ['two dots', 'a..b', '> two dots may not follow each other'],
  [
    'a name of 65 characters',
    'x'.repeat(65),
    '> that is too long: it has 65 characters, at most 64 are allowed',
  ],
  ['a token', TOKEN, '> that looks like a token'],
])('refuses %s as an organization and lets it be mended', async (_, text, reason) => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  terminal.type(`${text}\r`);
  await terminal.waitFor(reason);
  terminal.type('\u007f'.repeat(text.length));
  await terminal.answer(ORGANIZATION, 'acme');
  await terminal.answer(API_TOKEN, TOKEN);
  await finishWizard(terminal);
  expect(readIfExists(home.plaintext)?.match(/^\[keys\..*$/gm)).toEqual(['[keys."orgs/acme"]']);
});

it.each([
  ['a token with a space', 'two words', 'the token contains a space or tab'],
  ['a token with an umlaut', 'schlüssel', 'the token contains a character outside printable ASCII'],
  ['two lines', `${TOKEN}\n${OTHER}`, 'that was more than one line'],
  ['two lines with line ends', `${TOKEN}\r\n${OTHER}\r\n`, 'that was more than one line'],
  ['two long lines', `${LONG}\n${LONG}`, 'that was more than one line'],
])('refuses %s with a reason, and keeps no part of it for the next answer', async (_, text, reason) => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  await terminal.answer(ORGANIZATION, 'acme');
  await terminal.waitFor(`? ${API_TOKEN}`);
  terminal.type(`${text}\r`);
  await terminal.waitFor(`> ${reason}`);
  await terminal.answer(API_TOKEN, OTHER);
  await finishWizard(terminal);
  expect(readIfExists(home.plaintext)?.match(/^key = .*$/gm)).toEqual([`key = "${OTHER}"`]);
  expect(terminal.received()).not.toMatch(/mesa_(?:pasted|other)|x{7}|words|schl/);
});

it.each([
  ['a trailing newline', `${TOKEN}\n`, TOKEN],
  ['a trailing CRLF', `${TOKEN}\r\n`, TOKEN],
  ['more characters than the screen is wide', `${LONG}\r`, LONG],
])('takes a pasted token with %s', async (_, pasted, stored) => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  await terminal.answer(ORGANIZATION, ' acme ');
  await terminal.waitFor(`? ${API_TOKEN}`);
  terminal.type(pasted);
  await finishWizard(terminal);
  expect(readIfExists(home.plaintext)).toContain(`[keys."orgs/acme"]\nkey = "${stored}"\n`);
  expect(terminal.screen()).toMatch(
    /skip\): +acme *\n✔ API token for acme.*: *\n✔ Another .*: *\n\nSaved in/,
  );
  expect(terminal.received()).not.toMatch(/mesa_pasted|x{7}/);
});

it.each([
  ['blanks around it', `  ${TOKEN} \t`, 'the token contains a space or tab'],
  [
    'a non-breaking space behind it',
    `${TOKEN}\u00a0`,
    'the token contains a character outside printable ASCII',
  ],
  ['quotes around it', `"${TOKEN}"`, 'the token is in quotes'],
  ['a mask', 'mesa_****9f2c', 'the token looks like a mask of a key'],
])('refuses a pasted token with %s, and takes the next one', async (_, pasted, problem) => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  await terminal.answer(ORGANIZATION, 'acme');
  await terminal.waitFor(`? ${API_TOKEN}`);
  terminal.type(`${pasted}\r`);
  await terminal.waitFor(`> ${problem}`);
  terminal.type(`${TOKEN}\r`);
  await finishWizard(terminal);
  expect(readIfExists(home.plaintext)).toContain(`[keys."orgs/acme"]\nkey = "${TOKEN}"\n`);
  expect(terminal.received()).not.toMatch(/mesa_pasted/);
});

it('refuses several organizations pasted at once, whole', async () => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  terminal.type('acme\nbeta\n');
  const screen = await terminal.waitFor('> that was more than one line');
  expect(screen).toMatch(/\? Organization \(Enter to skip\): acme\n> that/);
  await terminal.answer(ORGANIZATION, '');
  await terminal.waitFor(`? ${API_TOKEN}`);
});

it('stores nothing for an organization without a token', async () => {
  const home = createTempHome();
  const terminal = await startWizard(home);
  await terminal.answer(ORGANIZATION, 'acme');
  await terminal.answer(API_TOKEN, '');
  await terminal.answer(ORGANIZATION, '');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain('No key was added.');
  expect(readIfExists(home.plaintext)).toBe('version = 1\n');
});
