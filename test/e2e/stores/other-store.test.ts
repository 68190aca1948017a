import { describe, expect, it } from 'vitest';

import { CAN_MOUNT, withMounts } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const TO_VAULT = 'mesa auth migrate --to encrypted-file --merge';

/** Keys in plain text, and the vault in force, of which there is no file. */
function keysInPlaintext(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
  home.useBackend('encrypted-file');
  return home;
}

/** Keys in a vault, and plaintext-file in force, of which there is no file. */
async function keysInVault(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': ORG }));
  home.useBackend('plaintext-file');
  return home;
}

describe('keys in the backend that is not used, while the one in force has none', () => {
  it.each([
    { args: ['list'], status: 0 },
    { args: ['get-key', '--org', 'acme'], status: 4 },
    { args: ['get-key', '--org', 'acme', '--explain'], status: 4 },
    { args: ['status'], status: 0 },
    { args: ['status', '--fail-within', '1d'], status: 4 },
  ])('are told of by $args', async ({ args, status }) => {
    const plain = keysInPlaintext();
    const vault = await keysInVault();
    for (const [home, hint] of [
      [plain, `there are keys in ${plain.plaintext}, which is not used; to move them: ${TO_VAULT}`],
      [vault, `there is a vault ${vault.vault}, which is not used; to use it: ${TO_VAULT}`],
    ] as const) {
      const before = fingerprint(home);
      const result = await runMesa(['auth', ...args], { home });
      expect(result.status).toBe(status);
      expect(result.stderr).toContain(`hint: ${hint}\n`);
      expect(fingerprint(home)).toEqual(before);
    }
  });

  it('are not told of where that store holds none, or the one in force has others', async () => {
    const home = keysInPlaintext();
    home.write('.local/share/mesa/secrets.plaintext.toml', documentOf({}));
    const hint = 'hint: mesa auth set-key --org';
    expect((await runMesa(['auth', 'list'], { home })).stderr).toContain(`${hint} ORG\n`);
    home.write('.local/share/mesa/secrets.plaintext.toml', documentOf({ 'orgs/acme': ORG }));
    await writeVault(home, documentOf({ 'orgs/globex': ORG }));
    const result = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED });
    expect(result.stderr).toContain(`${hint} acme\n`);
  });

  it('come into use by what the hint says', async () => {
    const home = keysInPlaintext();
    const migrate = await runMesa(TO_VAULT.split(' ').slice(1), { home, env: UNLOCKED });
    expect(migrate.status).toBe(0);
    const got = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED });
    expect(got.stdout).toBe(`${ORG}\n`);
    const other = await keysInVault();
    expect((await runMesa(TO_VAULT.split(' ').slice(1), { home: other })).status).toBe(0);
    const read = await runMesa(['auth', 'get-key', '--org', 'acme'], { home: other, env: UNLOCKED });
    expect(read.stdout).toBe(`${ORG}\n`);
  });

  it('are a problem for doctor', async () => {
    const home = keysInPlaintext();
    const { status, stdout } = await runMesa(['auth', 'doctor'], { home });
    expect(status).toBe(1);
    expect(stdout).toContain(
      `warning: there are keys in ${home.plaintext}, but mesa uses encrypted-file; only there: orgs/acme\n`,
    );
    expect(stdout).toContain(`  mend: ${TO_VAULT}\n`);
  });
});

function unknown(home: TempHome): TempHome {
  home.write('.config/mesa/config.toml', '[secrets]\nbackend = "keychain"\n');
  return home;
}

describe('a backend that is none', () => {
  it('is mended by naming the one that has keys', async () => {
    const plain = await runMesa(['auth', 'list'], { home: unknown(keysInPlaintext()) });
    expect(plain.stderr).toContain('mesa init --backend plaintext-file\n');
    const vault = await runMesa(['auth', 'list'], { home: unknown(await keysInVault()) });
    expect(vault.stderr).toContain('mesa init --backend encrypted-file\n');
    expect([plain.status, vault.status]).toEqual([3, 3]);
  });

  it('is replaced with a warning about keys that stay in the other store, and what moves them', async () => {
    const home = unknown(keysInPlaintext());
    const result = await runMesa(['init', '-y', '--backend', 'encrypted-file'], { home });
    expect(result.status).toBe(0);
    expect(result.stderr).toContain(`${home.plaintext} stay there; encrypted-file does not use them`);
    expect(result.stderr).toContain(`hint: ${TO_VAULT}\n`);
  });
});

it('unlock with keys in plain text says what puts them into a vault', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
  const result = await runMesa(['auth', 'unlock'], { home });
  expect(result.status).toBe(2);
  expect(result.stderr).toContain(
    'hint: to keep the keys in a vault: mesa auth migrate --to encrypted-file\n',
  );
});

// In a container a disk lasts where it is a volume.
it.runIf(CAN_MOUNT)('doctor names one way out of keys in both stores on a disk that lasts', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
  await writeVault(home, documentOf({ 'orgs/acme': ORG }));
  const { stdout } = await runMesa(['auth', 'doctor', '--json'], {
    home,
    env: UNLOCKED,
    under: withMounts(`mount --bind ${home.path} ${home.path}`),
  });
  const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; mend: string }[] };
  const mends = findings.filter(({ check }) => ['both_backends', 'plaintext_disk'].includes(check));
  expect(mends.map(({ mend }) => mend)).toEqual([TO_VAULT, TO_VAULT]);
});
