import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { openTerminal, type Terminal } from '../../support/terminal.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ACME = 'mesa_organization009f2c';

function start(command: string): { home: TempHome; terminal: Terminal } {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: GLOBAL, 'orgs/acme': ACME }));
  const terminal = openTerminal({ home });
  terminal.type(`${command}\r`);
  return { home, terminal };
}

it.each([
  ['', true],
  ['n', true],
  ['y', false],
])('rm-key asks on a terminal, naming the key (answer %j)', async (answer, stays) => {
  const { home, terminal } = start('mesa auth rm-key');
  await terminal.answer('Remove the key for global (mesa_****11aa) from plaintext-file?', answer);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.screen()).toContain(stays ? 'nothing was changed' : 'removed key for global');
  const text = readFileSync(home.plaintext, 'utf8');
  expect([text.includes(GLOBAL), text.includes(ACME)]).toEqual([stays, true]);
});

it.each([
  ['mesa auth rm-key --org acme --yes', 0, false],
  ['mesa auth rm-key --org acme < /dev/null', 0, false],
  ['mesa -y auth rm-key --org acme', 2, true],
  ['mesa auth rm-key --org other', 4, true],
])(
  'rm-key does not ask where nobody is to be asked or there is nothing to ask (%s)',
  async (command, status, stays) => {
    const { home, terminal } = start(command);
    expect(await terminal.ended()).toBe(status);
    expect(terminal.screen()).not.toContain('Remove the key');
    expect(readFileSync(home.plaintext, 'utf8').includes(ACME)).toBe(stays);
  },
);

it.each(['mesa auth restore keys.toml --exact -y', 'mesa -y auth rm-key'])(
  'a refusal says that -y is not --yes (%s)',
  async (command) => {
    const { home, terminal } = start(`echo 'version = 1' > keys.toml; ${command}`);
    const before = readFileSync(home.plaintext, 'utf8');
    expect(await terminal.ended()).toBe(2);
    expect(terminal.screen().replaceAll('\n', '')).toContain(
      '-y never asks and takes the default, which is no; --yes says yes',
    );
    expect(terminal.screen()).not.toContain('nobody to ask');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
  },
);
