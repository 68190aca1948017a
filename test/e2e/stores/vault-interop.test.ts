import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { parseVaultHeader } from '../../../src/vault/header.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { openVault } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';
import { openTerminal } from '../../support/terminal.ts';

const PASSPHRASE = 'correct "horse" b\u00e4ttery $taple';
const UNLOCKED = { MESA_VAULT_PASSPHRASE: PASSPHRASE };

it('a vault that mesa wrote, with the default work factor of 18, is opened by age, which shows the document', async () => {
  const home = createTempHome();
  const stored = await runMesa(['auth', 'set-key', '--org', 'acme'], {
    home,
    env: UNLOCKED,
    stdin: 'mesa_a"b\\c\n',
  });
  expect(stored).toMatchObject({ status: 0, stdout: '' });
  expect(parseVaultHeader(readFileSync(home.vault), home.vault).workFactor).toBe(18);

  const terminal = openTerminal({ home });
  terminal.type(`age -d -o keys.toml '${home.vault}'\r`);
  await terminal.waitFor('Enter passphrase');
  terminal.type(`${PASSPHRASE}\r`);
  expect(await terminal.ended()).toBe(0);
  expect(readFileSync(join(home.path, 'keys.toml'), 'utf8')).toMatch(
    /^version = 1\n\n\[keys\."orgs\/acme"\]\nkey = "mesa_a\\"b\\\\c"\nadded = [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z\napi = "https:\/\/api\.mesa\.dev"\n$/,
  );
  expect(terminal.received()).not.toContain('mesa_a');
});

it('a vault that age wrote from a document is read and rewritten by mesa', async () => {
  const home = createTempHome();
  home.write(
    'keys.toml',
    '# by hand\nversion = 1\nkeys."orgs/acme" = { key = "mesa_by-hand", note = "ours" }\n',
  );
  home.write('.local/share/mesa/x', '');
  const terminal = openTerminal({ home });
  // Confidential from the first byte, as the store has to be.
  terminal.type('umask 077; age -p -o new.age keys.toml\r');
  await terminal.waitFor('Enter passphrase');
  terminal.type(`${PASSPHRASE}\r`);
  await terminal.waitFor('Confirm passphrase');
  terminal.type(`${PASSPHRASE}\r`);
  expect(await terminal.ended()).toBe(0);
  renameSync(join(home.path, 'new.age'), home.vault);

  const found = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED });
  expect(found).toMatchObject({ status: 0, stdout: 'mesa_by-hand\n', stderr: '' });
  const replaced = await runMesa(['auth', 'set-key', '--org', 'acme'], {
    home,
    env: UNLOCKED,
    stdin: 'mesa_new',
  });
  expect(replaced).toMatchObject({ status: 0, stdout: '' });
  expect(await openVault(home, PASSPHRASE)).toMatch(
    /^version = 1\n\n\[keys\."orgs\/acme"\]\nkey = "mesa_new"\nadded = \S+Z\napi = "https:\/\/api\.mesa\.dev"\nnote = "ours"\n$/,
  );
});
