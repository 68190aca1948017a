import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { documentOf, PASSPHRASE, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, readIfExists } from '../../support/temp-home.ts';
import { KEYS, openTerminal } from '../../support/terminal.ts';

const KEY = 'mesa_argument0000004444';

it('answers a key given as an argument with a hint about the history, for the same scope', async () => {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  const terminal = openTerminal({ home });
  expect(await terminal.run(`mesa auth set-key ${KEY} --org acme --repo web`)).toBe(0);
  expect(terminal.screen()).toContain(
    `(mesa_****4444) in plaintext-file
hint: the key is in the history of your shell now; next time: printf %s "$TOKEN" | mesa auth set-key --org acme --repo web
`,
  );
  terminal.clear();
  expect(await terminal.run('echo mesa_piped_00000000 | mesa auth set-key --org acme')).toBe(0);
  expect(terminal.screen()).toContain('stored key for orgs/acme');
  expect(terminal.screen()).not.toContain('hint:');
  terminal.clear();
  // Where nobody reads it, as in a script, there is no history either.
  expect(await terminal.run(`mesa auth set-key ${KEY} --org acme 2>said; cat said`)).toBe(0);
  expect(terminal.screen()).toContain('replaced key for orgs/acme');
  expect(terminal.screen()).not.toContain('hint:');
});

it('removes a key given as an argument from the process list before it asks anything', async () => {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({}));
  const terminal = openTerminal({ home });
  terminal.type(`mesa auth set-key ${KEY}\r`);
  await terminal.waitFor('? Vault passphrase:');
  const pid = String(terminal.foreground());
  const listed = execFileSync('ps', ['-ww', '-o', 'args=', '-p', pid], { encoding: 'utf8' });
  expect(listed.trim()).toBe('mesa');
  expect(readIfExists(`/proc/${pid}/cmdline`) ?? '').not.toContain(KEY);
  await terminal.answer('Vault passphrase:', PASSPHRASE);
  expect(await terminal.ended()).toBe(0);
});

const BOLD = '\u001b[1m';

describe.each([
  ['colours its output', {}, true],
  ['leaves colours out for NO_COLOR', { NO_COLOR: '1' }, false],
  ['takes an empty NO_COLOR for unset', { NO_COLOR: '' }, true],
  ['leaves colours out for FORCE_COLOR=0', { FORCE_COLOR: '0' }, false],
])('a terminal', (title, env, colored) => {
  it(title, async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const terminal = openTerminal({ home, env });
    await terminal.run('mesa auth list');
    await terminal.run('mesa auth get-key --org other');
    expect(terminal.screen()).toMatch(/SCOPE +KEY[^]*hint: mesa auth set-key --org other/);
    expect(terminal.received().includes(BOLD)).toBe(colored);
  });

  it(`${title} in the questions, too`, async () => {
    const terminal = openTerminal({ home: createTempHome(), env });
    terminal.type('mesa init\r');
    await terminal.waitFor('⏎ select');
    terminal.type(KEYS.ctrlC);
    expect(await terminal.ended()).toBe(130);
    expect(terminal.received().includes(BOLD)).toBe(colored);
  });
});

it('colours what is redirected for FORCE_COLOR alone', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
  const terminal = openTerminal({ home });
  await terminal.run('mesa auth list > plain; FORCE_COLOR=1 mesa auth list > colored');
  expect(readIfExists(`${home.path}/plain`)).toMatch(/^SCOPE +KEY +ADDED\norgs\/acme +mesa_\*{4}4444 /);
  expect(readIfExists(`${home.path}/colored`)).toMatch(/^.\[1mSCOPE +KEY +ADDED.\[0m\norgs/);
});
