import { existsSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';

/** A store in one backend, and what a killed writer of the other one left, of which there is no file. */
const HOMES = [
  {
    stray: 'secrets.plaintext.toml',
    make: async (home: TempHome): Promise<void> => {
      home.useBackend('encrypted-file');
      await writeVault(home, documentOf({ 'orgs/acme': ORG }));
    },
  },
  {
    stray: 'secrets.vault.age',
    make: (home: TempHome): Promise<void> => {
      writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
      return Promise.resolve();
    },
  },
];

describe.each(HOMES)('a cut-off first write of $stray', ({ stray, make }) => {
  const leave = async (): Promise<{ home: TempHome; temp: string }> => {
    const home = createTempHome();
    await make(home);
    const temp = home.write(`.local/share/mesa/.${stray}.1234512345.tmp`, documentOf({ 'orgs/acme': ORG }));
    return { home, temp };
  };

  it('is found by doctor and removed with --fix', async () => {
    const { home, temp } = await leave();
    const found = await runMesa(['auth', 'doctor'], { home });
    expect(found.status).toBe(1);
    expect(found.stdout).toContain(`warning: a write that was cut off left ${temp}\n`);
    expect(existsSync(temp)).toBe(true);
    const fixed = await runMesa(['auth', 'doctor', '--fix'], { home });
    expect(fixed.stderr).toContain(`mesa: removed ${temp}\n`);
    expect(existsSync(temp)).toBe(false);
  });

  it('is removed by the next write, of the other store', async () => {
    const { home, temp } = await leave();
    expect(await runMesa(['auth', 'set-key', ORG], { home, env: UNLOCKED })).toMatchObject({ status: 0 });
    expect(existsSync(temp)).toBe(false);
  });
});
