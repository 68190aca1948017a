import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { documentOf, fingerprint, openVault, PASSPHRASE, writeVault } from '../../support/stores.ts';
import { createTempHome, readIfExists, type TempHome } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';

const OLD = 'mesa_old0000000001111';
const NEW = 'mesa_new0000000002222';
const QUESTION = 'Vault passphrase:';

async function homeWithVault(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': OLD }));
  home.useBackend('encrypted-file');
  return home;
}

it.each([
  ['stdin is data', 'printf %s "$TOKEN" | mesa auth set-key --org acme'],
  ['stderr is a file', 'mesa auth set-key --org acme "$TOKEN" 2> messages'],
  ['both are redirected', 'printf %s "$TOKEN" | mesa auth set-key --org acme > output 2> messages'],
])('asks for the passphrase on the terminal when %s', async (_, command) => {
  const home = await homeWithVault();
  const terminal = openTerminal({ home, env: { TOKEN: NEW } });
  terminal.type(`${command}\r`);
  await terminal.waitFor(`? ${QUESTION}`);
  expect(terminal.modes()).toMatchObject({ icanon: false, echo: false });
  await terminal.answer(QUESTION, PASSPHRASE);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.modes()).toEqual(COOKED);
  const messages = readIfExists(join(home.path, 'messages')) ?? terminal.screen();
  expect(messages.replaceAll('\n', '')).toContain(
    'replaced key for orgs/acme (mesa_****1111 by mesa_****2222) in encrypted-file; mesa auth undo --org acme',
  );
  expect(readIfExists(join(home.path, 'messages')) ?? '').not.toContain('passphrase');
  expect(readIfExists(join(home.path, 'output')) ?? '').toBe('');
  expect(terminal.received()).not.toMatch(new RegExp(`${NEW}|${PASSPHRASE}`));
  expect(await openVault(home)).toContain(NEW);
});

it('refuses an empty passphrase in place, and gives up after three wrong ones', async () => {
  const home = await homeWithVault();
  const before = fingerprint(home).find((line) => line.includes('secrets.vault.age '));
  const terminal = openTerminal({ home, env: { TOKEN: NEW } });
  terminal.type('printf %s "$TOKEN" | mesa auth set-key --org acme\r');
  await terminal.waitFor(`? ${QUESTION}`);
  terminal.type('\r');
  await terminal.waitFor(/\? Vault passphrase: .*\n> type the passphrase, or press Ctrl-C/);
  await terminal.answer(QUESTION, 'wrong once');
  await terminal.answer(`Incorrect passphrase. ${QUESTION}`, 'wrong twice');
  await terminal.answer(`Incorrect passphrase. ${QUESTION}`, 'wrong thrice');
  expect(await terminal.ended()).toBe(6);
  expect(terminal.screen()).toContain(`mesa: incorrect passphrase for the vault ${home.vault}\nhint: `);
  expect(terminal.screen()).not.toMatch(/✔|MESA_VAULT_PASSPHRASE/);
  expect(terminal.received()).not.toMatch(/wrong/);
  expect(fingerprint(home)).toContain(before);
});

it('goes on with the right passphrase after a wrong one, with the editing keys and without a trace', async () => {
  const home = await homeWithVault();
  const terminal = openTerminal({ home });
  terminal.type('mesa auth get-key --org acme > key\r');
  await terminal.answer(QUESTION, 'wrong once');
  // Backspace, Ctrl-W, Ctrl-U and an arrow key, none of which is shown.
  await terminal.answer(
    `Incorrect passphrase. ${QUESTION}`,
    `zzz\u0015${PASSPHRASE}x\u007f yyy\u0017\u007f\u001b[D`,
  );
  expect(await terminal.ended()).toBe(0);
  expect(readFileSync(join(home.path, 'key'), 'utf8')).toBe(`${OLD}\n`);
  expect(terminal.received()).not.toMatch(new RegExp(`wrong|zzz|yyy|${PASSPHRASE}|${OLD}`));
});

it('shows nothing of what is typed, not even how much', async () => {
  const home = await homeWithVault();
  const terminal = openTerminal({ home });
  terminal.type('mesa auth list\r');
  await terminal.waitFor(`? ${QUESTION} [input is hidden]`);
  const before = terminal.received();
  terminal.type(PASSPHRASE);
  await terminal.answer(QUESTION, '');
  const [unseen = ''] = terminal.received().slice(before.length).split('\r');
  expect(unseen).toBe('');
});

describe('-y on a terminal', () => {
  it.each([
    ['a vault without MESA_VAULT_PASSPHRASE', 'mesa -y auth list', 6, 'set MESA_VAULT_PASSPHRASE'],
    ['a key that is not given', 'mesa auth set-key --org acme -y', 2, 'mesa auth set-key --org acme'],
    ['a key without a passphrase', 'echo "$TOKEN" | mesa -y auth set-key', 6, 'set MESA_VAULT_PASSPHRASE'],
  ])('asks nothing for %s', async (_, command, status, hint) => {
    const home = await homeWithVault();
    const before = fingerprint(home);
    const terminal = openTerminal({ home, env: { TOKEN: NEW } });
    expect(await terminal.run(command)).toBe(status);
    expect(terminal.screen()).toMatch(/mesa: [^]*\nhint: /);
    expect(terminal.screen()).toContain(hint);
    expect(terminal.received()).not.toContain('\u001b[?25l');
    expect(fingerprint(home)).toEqual(before);
  });

  it('writes the default configuration on a first run, and no store', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    expect(await terminal.run('mesa -y auth list')).toBe(0);
    expect(terminal.screen()).not.toContain('Welcome');
    expect(readIfExists(home.config)).toMatch(/^\[secrets\]\nbackend = "encrypted-file"\n$/m);
    expect(home.tree().filter((path) => path.includes('secrets'))).toEqual([]);
  });
});
