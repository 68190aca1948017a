import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, openVault, PASSPHRASE, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_Hd5rB7yKc0de';
const PRESENT = 'mesa_Lq8sN2pX9f2c';

function filledHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': PRESENT }));
  return home;
}

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': PRESENT }));
  return home;
}

describe('a file that a variable names', () => {
  it('holds a key, which comes before the store, and status names the variable', async () => {
    const home = filledHome();
    const env = { MESA_API_KEY_FILE: home.write('key', `${KEY}\n`) };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${KEY}\n`,
      stderr: '',
    });
    const { stdout } = await runMesa(['auth', 'status', '--offline'], { home, env });
    expect(stdout).toContain('MESA_API_KEY_FILE (mesa_****c0de)');
    expect((await runMesa(['auth', 'doctor'], { home, env })).stdout).toContain(
      'mend: unset MESA_API_KEY_FILE\n',
    );
  });

  it('holds tokens of organizations, which are registered', async () => {
    const home = filledHome();
    const env = { MESA_ORGS_FILE: home.write('orgs', `a:${KEY}, b:${KEY},\n`) };
    expect(await runMesa(['auth', 'get-key', '--org', 'b'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${KEY}\n`,
      stderr: 'stored 2 keys from MESA_ORGS_FILE in plaintext-file\n',
    });
  });

  it.each([PASSPHRASE, `${PASSPHRASE}\n`, `${PASSPHRASE}\r\n`])(
    'holds a passphrase (%#)',
    async (content) => {
      const home = await vaultHome();
      const env = { MESA_VAULT_PASSPHRASE_FILE: home.write('passphrase', content) };
      expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env })).toMatchObject({
        status: 0,
        stdout: `${PRESENT}\n`,
      });
      const next = home.write('next', 'another passphrase\n');
      const changed = { ...env, MESA_NEW_VAULT_PASSPHRASE_FILE: next };
      const result = await runMesa(['auth', 'change-passphrase'], { home, env: changed });
      expect(result).toMatchObject({ status: 0, stdout: '' });
      expect(result.stderr).toContain('MESA_VAULT_PASSPHRASE_FILE still holds the old passphrase');
      expect(await openVault(home, 'another passphrase')).toContain(PRESENT);
    },
  );

  it.each(['', '\n'])('holds no empty passphrase, and no empty key (%#)', async (content) => {
    const home = await vaultHome();
    const file = home.write('empty', content);
    for (const name of ['MESA_API_KEY_FILE', 'MESA_VAULT_PASSPHRASE_FILE']) {
      const result = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: { [name]: file } });
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toMatch(new RegExp(`^mesa: .*${name} .*empty`));
    }
  });

  it('and the variable itself are an error together; an empty one counts as unset', async () => {
    const home = filledHome();
    const file = home.write('key', KEY);
    for (const [name, value] of [
      ['MESA_API_KEY', KEY],
      ['MESA_ORGS', `a:${KEY}`],
    ] as const) {
      const both = { [name]: value, [`${name}_FILE`]: file };
      const result = await runMesa(['auth', 'get-key'], { home, env: both });
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toBe(`mesa: ${name} and ${name}_FILE are both set\nhint: unset ${name}\n`);
    }
    const env = { MESA_API_KEY: '', MESA_API_KEY_FILE: file, MESA_ORGS: '', MESA_ORGS_FILE: '' };
    expect((await runMesa(['auth', 'get-key'], { home, env })).stdout).toBe(`${KEY}\n`);
    const vault = await vaultHome();
    const passphrases = { MESA_VAULT_PASSPHRASE: PASSPHRASE, MESA_VAULT_PASSPHRASE_FILE: file };
    expect((await runMesa(['auth', 'list'], { home: vault, env: passphrases })).stderr).toBe(
      'mesa: MESA_VAULT_PASSPHRASE and MESA_VAULT_PASSPHRASE_FILE are both set\nhint: unset MESA_VAULT_PASSPHRASE\n',
    );
  });

  it.each([
    ['is not there', 'nowhere', 'no such file or directory'],
    ['is a directory', '.config', 'it is not a regular file'],
    ['is a FIFO that nobody writes to', 'fifo', 'it is not a regular file'],
    ['is a device', '/dev/zero', 'it is not a regular file'],
    ['is the secret itself', KEY, 'no such file or directory'],
  ])('that %s is told of in one sentence, without its name', async (_, path, reason) => {
    for (const name of ['MESA_API_KEY', 'MESA_ORGS', 'MESA_VAULT_PASSPHRASE']) {
      const home = name === 'MESA_VAULT_PASSPHRASE' ? await vaultHome() : filledHome();
      execFileSync('mkfifo', [join(home.path, 'fifo')]);
      const env = { [`${name}_FILE`]: path.startsWith('/') ? path : join(home.path, path) };
      const result = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env });
      expect(result).toMatchObject({
        status: 3,
        stdout: '',
        stderr: `mesa: cannot read the file that ${name}_FILE names: ${reason}\nhint: ls -l "$${name}_FILE"\n`,
      });
      expect(result.milliseconds).toBeLessThan(5_000);
    }
  });

  it('that is huge is refused as too long, not read', async () => {
    const home = filledHome();
    const file = home.write('huge', 'k'.repeat(2_000_000));
    for (const [name, problem] of [
      ['MESA_API_KEY_FILE', 'is longer than 16384 bytes'],
      ['MESA_ORGS_FILE', 'is longer than 65536 bytes'],
    ] as const) {
      const result = await runMesa(['auth', 'get-key'], { home, env: { [name]: file } });
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toContain(problem);
    }
  });

  it('is not passed on: the command of exec gets no variable that names one', async () => {
    const home = filledHome();
    const env = {
      MESA_API_KEY_FILE: home.write('key', KEY),
      MESA_ORGS_FILE: home.write('orgs', `a:${KEY}`),
      MESA_VAULT_PASSPHRASE_FILE: home.write('passphrase', PASSPHRASE),
      MESA_NEW_VAULT_PASSPHRASE_FILE: home.write('next', PASSPHRASE),
    };
    const { status, stdout } = await runMesa(['auth', 'exec', '--', 'env'], { home, env });
    expect(status).toBe(0);
    expect(stdout).toContain(`MESA_API_KEY=${KEY}\n`);
    expect(stdout).not.toContain('_FILE');
  });
});

describe('a passphrase of the environment', () => {
  it('opens the vault in the other form of Unicode, and with the line break of a file', async () => {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    const store = { MESA_VAULT_PASSPHRASE: 'Ka\u0308se-turbine-quilt\n' };
    const set = ['auth', 'set-key', '--org', 'acme'];
    expect((await runMesa(set, { home, env: store, stdin: KEY })).status).toBe(0);
    for (const passphrase of [
      'K\u00e4se-turbine-quilt',
      'Ka\u0308se-turbine-quilt',
      'K\u00e4se-turbine-quilt\r\n',
    ]) {
      const result = await runMesa(['auth', 'get-key', '--org', 'acme'], {
        home,
        env: { MESA_VAULT_PASSPHRASE: passphrase },
      });
      expect(result).toMatchObject({ status: 0, stdout: `${KEY}\n` });
    }
    expect(
      await runMesa(['auth', 'get-key', '--org', 'acme'], {
        home,
        env: { MESA_VAULT_PASSPHRASE: 'Kase-turbine-quilt' },
      }),
    ).toMatchObject({ status: 6, stdout: '' });
  });

  it('is refused when it is nothing but a line break', async () => {
    const home = await vaultHome();
    const result = await runMesa(['auth', 'list'], { home, env: { MESA_VAULT_PASSPHRASE: '\n' } });
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain('MESA_VAULT_PASSPHRASE holds an empty passphrase');
  });
});
