import { expect, it } from 'vitest';

import { isAlive, unlock } from '../../support/agent.ts';
import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  PASSPHRASE,
  sealDocument,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';
import { typeNewPassphrase } from '../../support/wizard.ts';

const KEY = 'mesa_kept0000000000000';
const NEW = 'another one of mine';
const CHANGE = ['auth', 'change-passphrase'];
const BOTH = { ...UNLOCKED, MESA_NEW_VAULT_PASSPHRASE: NEW };
const DOCUMENT = `${documentOf({ 'orgs/acme': KEY })}key-id = "k1"\nnote = "of a later version"\n`;

async function homeWithVault(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, DOCUMENT);
  home.useBackend('encrypted-file');
  return home;
}

it('seals the same document with the new passphrase, and the old one opens it no more', async () => {
  const home = await homeWithVault();
  expect(await runMesa(CHANGE, { home, env: BOTH })).toMatchObject({
    status: 0,
    stdout: '',
    stderr:
      `changed the passphrase of ${home.vault}\n` +
      'mesa: warning: MESA_VAULT_PASSPHRASE still holds the old passphrase; set it to the new one\n' +
      'hint: backups made before still open with the old passphrase\n',
  });
  expect(await openVault(home, NEW)).toBe(DOCUMENT);
  await expect(openVault(home)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
});

it('asks for the old passphrase, then for the new one twice, and leaves the terminal as it was', async () => {
  const home = await homeWithVault();
  const terminal = openTerminal({ home });
  terminal.type('mesa auth change-passphrase\r');
  await terminal.answer('Vault passphrase:', 'not this one');
  await terminal.answer('Incorrect passphrase. Vault passphrase:', PASSPHRASE);
  await typeNewPassphrase(terminal, NEW, 'New passphrase for the vault');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.modes()).toEqual(COOKED);
  expect(terminal.screen()).toContain(`changed the passphrase of ${home.vault}`);
  expect(terminal.received()).not.toMatch(new RegExp(`${PASSPHRASE}|${NEW}|MESA_VAULT`));
  expect(await openVault(home, NEW)).toBe(DOCUMENT);
});

interface Refusal {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly status: number;
  readonly stderr: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    title: 'the present passphrase is wrong',
    env: { ...BOTH, MESA_VAULT_PASSPHRASE: 'not this one' },
    status: 6,
    stderr:
      'mesa: incorrect passphrase for the vault VAULT\nhint: type it again, or check MESA_VAULT_PASSPHRASE\n',
  },
  {
    title: 'there is nobody to ask for the present one',
    env: { MESA_NEW_VAULT_PASSPHRASE: NEW },
    status: 6,
    stderr:
      'mesa: the vault VAULT needs its passphrase, and there is nobody to ask for it\n' +
      'hint: set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y\n',
  },
  {
    title: 'there is nobody to ask for the new one',
    env: UNLOCKED,
    status: 6,
    stderr:
      'mesa: there is no new passphrase, and nobody to ask for it\n' +
      'hint: set MESA_NEW_VAULT_PASSPHRASE, or run mesa on a terminal without -y\n',
  },
  {
    title: 'the new one is the present one',
    env: { ...UNLOCKED, MESA_NEW_VAULT_PASSPHRASE: PASSPHRASE },
    status: 2,
    stderr: 'mesa: the new passphrase is the present one\nhint: choose another one; nothing was changed\n',
  },
  {
    title: 'the new one is blank',
    env: { ...UNLOCKED, MESA_NEW_VAULT_PASSPHRASE: ' ' },
    status: 2,
    stderr:
      'mesa: MESA_NEW_VAULT_PASSPHRASE is blank; it protects no vault\nhint: set it to a passphrase, or unset it\n',
  },
  {
    title: 'something is given as an argument',
    env: BOTH,
    args: ['surplus'],
    status: 2,
    stderr:
      "mesa: too many arguments for 'change-passphrase'. Expected 0 arguments but got 1\nhint: mesa auth change-passphrase --help\n",
  },
];

it.each(REFUSALS)('leaves the vault as it was when $title', async ({ env, args = [], status, stderr }) => {
  const home = await homeWithVault();
  const before = fingerprint(home);
  expect(await runMesa([...CHANGE, ...args], { home, env })).toMatchObject({
    status,
    stdout: '',
    stderr: stderr.replaceAll('VAULT ', `${home.vault} `).replaceAll('VAULT\n', `${home.vault}\n`),
  });
  expect(fingerprint(home)).toEqual(before);
});

it('accepts a weak one from the environment, with a warning', async () => {
  const home = await homeWithVault();
  const env = { ...UNLOCKED, MESA_NEW_VAULT_PASSPHRASE: 'short' };
  const result = await runMesa(CHANGE, { home, env });
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(result.stderr).toMatch(
    /^mesa: warning: MESA_NEW_VAULT_PASSPHRASE is weak: use at least 12 characters\n/,
  );
  expect(await openVault(home, 'short')).toBe(DOCUMENT);
});

it('says that there is no vault, or that the store has no passphrase', async () => {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  expect(await runMesa(CHANGE, { home, env: BOTH })).toMatchObject({
    status: 4,
    stderr: `mesa: there is no vault yet at ${home.vault}\nhint: mesa auth set-key --org ORG\n`,
  });
  writePlaintext(home, DOCUMENT);
  expect(await runMesa(CHANGE, { home, env: BOTH })).toMatchObject({
    status: 2,
    stderr:
      'mesa: keys are kept in plaintext-file, which has no passphrase\nhint: mesa auth migrate --to encrypted-file\n',
  });
  expect(home.tree()).not.toContain('.local/share/mesa/secrets.vault.age');
});

it('refuses a damaged vault before anything is asked', async () => {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  const vault = await sealDocument(DOCUMENT);
  home.write('.local/share/mesa/secrets.vault.age', vault.subarray(0, 60));
  const before = fingerprint(home);
  expect(await runMesa(CHANGE, { home, env: BOTH })).toMatchObject({
    status: 8,
    stderr: expect.stringContaining(`the vault ${home.vault} is damaged`) as string,
  });
  expect(fingerprint(home)).toEqual(before);
});

it('asks for the passphrase of an unlocked vault all the same, and locks it', async () => {
  const home = await homeWithVault();
  const agent = await unlock(home);
  const asked = await runMesa(CHANGE, { home, env: { MESA_NEW_VAULT_PASSPHRASE: NEW } });
  expect(asked.status).toBe(6);
  expect(isAlive(agent)).toBe(true);
  expect(await runMesa(CHANGE, { home, env: BOTH })).toMatchObject({ status: 0 });
  expect(isAlive(agent)).toBe(false);
  expect((await runMesa(['auth', 'list'], { home })).status).toBe(6);
});
