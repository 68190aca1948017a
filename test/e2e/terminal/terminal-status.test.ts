import { describe, expect, it } from 'vitest';

import { jwtExpiringIn } from '../../support/jwt.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, PASSPHRASE, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, readIfExists } from '../../support/temp-home.ts';
import { COOKED, openTerminal } from '../../support/terminal.ts';

const HOUR = 60 * 60;
// Half an hour from another number of hours, so that it does not matter how long this file takes.
const SOON = jwtExpiringIn(5.5 * HOUR);
const OVER = jwtExpiringIn(-2.5 * HOUR);
const LATER = jwtExpiringIn(25 * HOUR);
const ORG = 'mesa_organization009f2c';

describe('on a terminal, get-key mentions a key', () => {
  it.each([
    {
      title: 'that ends within a day',
      document: documentOf({ 'orgs/acme': SOON }),
      warning:
        'the key for orgs/acme expires in 5 hours [0-9]+ minutes?; replace it: mesa auth set-key --org acme',
    },
    {
      title: 'that has ended',
      document: documentOf({ 'orgs/acme': OVER }),
      warning:
        'the key for orgs/acme expired 2 hours [0-9]+ minutes? ago; replace it: mesa auth set-key --org acme',
    },
    {
      title: 'that the store says has ended',
      document: `${documentOf({ global: ORG })}expires = 2026-01-01T00:00:00.000Z\n`,
      warning: 'the key for global expired [0-9 a-z]+ ago; replace it: mesa auth set-key',
    },
    { title: 'not at all that ends later', document: documentOf({ 'orgs/acme': LATER }), warning: undefined },
    {
      title: 'not at all of which that is not known',
      document: documentOf({ 'orgs/acme': ORG }),
      warning: undefined,
    },
    {
      title: 'not at all that only looks like a JWT',
      document: documentOf({ 'orgs/acme': 'eyJhbGciOiJIUzI1NiJ9.x' }),
      warning: undefined,
    },
  ])('$title', async ({ document, warning }) => {
    const home = createTempHome();
    writePlaintext(home, document);
    const terminal = openTerminal({ home });
    expect(await terminal.run('mesa auth get-key --org acme > key')).toBe(0);
    const lines = terminal
      .screen()
      .split('\n')
      .filter((line) => line.includes('warning'));
    expect(lines).toEqual(
      warning === undefined
        ? []
        : [expect.stringMatching(new RegExp(`^(?:\\$ )?mesa: warning: ${warning}$`))],
    );
    expect(readIfExists(`${home.path}/key`)).toBe(/key = "(.*)"/.exec(document)?.[1]?.concat('\n'));
    // Elsewhere nobody reads it.
    const piped = await runMesa(['auth', 'get-key', '--org', 'acme'], { home });
    expect(piped).toMatchObject({ status: 0, stderr: '' });
    terminal.clear();
    expect(await terminal.run('mesa auth get-key --org acme > key 2> messages')).toBe(0);
    expect(readIfExists(`${home.path}/messages`)).toBe('');
  });

  it('in MESA_API_KEY, too', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home, env: { MESA_API_KEY: OVER } });
    expect(await terminal.run('mesa auth get-key > key')).toBe(0);
    expect(terminal.screen()).toMatch(
      /mesa: warning: the key in MESA_API_KEY expired 2 hours [0-9]+ minutes? ago; replace it: export MESA_API_KEY=<another key>\n/,
    );
  });
});

describe('on a terminal, without asking anything,', () => {
  it('status tells that the vault is locked, and nothing of keys', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    const before = fingerprint(home);
    const terminal = openTerminal({ home });
    expect(await terminal.run('mesa auth status --offline --org acme')).toBe(0);
    expect(terminal.screen()).toContain('store      encrypted-file, locked\n');
    expect(terminal.screen()).toContain('hint: mesa auth unlock, or set MESA_VAULT_PASSPHRASE\n');
    expect(await terminal.run('mesa auth status --offline --fail-within 7d')).toBe(6);
    expect(terminal.screen()).not.toContain('passphrase:');
    expect(terminal.modes()).toEqual(COOKED);
    expect(fingerprint(home)).toEqual(before);
  });

  it('status and doctor show no wizard on a first run', async () => {
    const home = createTempHome();
    const terminal = openTerminal({ home });
    expect(await terminal.run('mesa auth status --offline; mesa auth doctor')).toBe(0);
    expect(terminal.screen()).toContain('config     none: the defaults apply');
    expect(terminal.screen()).toContain('mesa: nothing is wrong');
    expect(home.tree()).toEqual([]);
  });

  it('doctor --fix leaves legacy keys of a locked vault where they are, and says what to type', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({}));
    home.write('.config/mesa/config.toml', `[organizations.acme]\napi-key = "${ORG}"\n`);
    const before = fingerprint(home);
    const terminal = openTerminal({ home, env: { CI: '1' } });
    expect(await terminal.run('mesa auth doctor --fix')).toBe(1);
    expect(terminal.screen()).toContain('mend: mesa auth unlock && mesa auth doctor --fix');
    expect(fingerprint(home)).toEqual(before);
    expect(await terminal.run(`MESA_VAULT_PASSPHRASE='${PASSPHRASE}' mesa auth doctor --fix`)).toBe(0);
    expect(terminal.screen()).toContain('moved the key for acme from');
    expect(terminal.screen()).not.toContain(ORG);
    expect(readIfExists(home.config)).toBe('[organizations.acme]\n');
  });
});
