import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

import { CAN_CHOWN, CAN_MOUNT, OBEYING_MODES, withMounts } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_Lq8sN2pX9f2c';
const DOCUMENT = documentOf({ 'orgs/acme': KEY });

function plaintextHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, DOCUMENT);
  home.useBackend('plaintext-file');
  return home;
}

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, DOCUMENT);
  home.useBackend('encrypted-file');
  return home;
}

/** A file mounted over itself, as a single file that a container was given. */
function mountedOver(path: string): readonly string[] {
  copyFileSync(path, `${path}.outside`);
  chmodSync(`${path}.outside`, 0o600);
  return withMounts(`mount --bind '${path}.outside' '${path}'`);
}

/** What runs a command as a user without a name, as containers do. */
function anyUserOf(group: number): readonly string[] {
  return ['setpriv', '--reuid=1000650000', `--regid=${group}`, '--clear-groups'];
}

it('a migration to plain text that could not change config.toml writes no key', async () => {
  const home = await vaultHome();
  chmodSync(dirname(home.config), 0o500);
  const migrate = ['auth', 'migrate', '--to', 'plaintext-file', '--yes'];
  const result = await runMesa(migrate, { home, env: UNLOCKED, under: OBEYING_MODES });
  chmodSync(dirname(home.config), 0o700);
  expect(result).toMatchObject({ status: 1, stdout: '' });
  expect(result.stderr).toContain(
    `mesa: cannot write ${home.config}: permission denied; nothing was changed\n`,
  );
  expect(existsSync(home.plaintext)).toBe(false);
  expect(existsSync(home.vault)).toBe(true);
});

it.runIf(CAN_MOUNT)(
  'a config.toml that is mounted by itself is named as that, and no key moves',
  async () => {
    for (const args of [
      ['init', '-y', '--backend', 'encrypted-file'],
      ['auth', 'migrate', '--to', 'encrypted-file'],
    ]) {
      const home = plaintextHome();
      const result = await runMesa(args, { home, env: UNLOCKED, under: mountedOver(home.config) });
      expect(result).toMatchObject({
        status: 1,
        stderr: `mesa: ${home.config} is mounted by itself and cannot be replaced: mount its directory instead; nothing was changed\nhint: see where it comes from: findmnt ${home.config}\n`,
      });
      expect(existsSync(home.vault)).toBe(false);
      expect(readFileSync(home.plaintext, 'utf8')).toBe(DOCUMENT);
    }
  },
);

it.runIf(CAN_MOUNT)(
  'a store that is mounted by itself is told before the vault is opened, and by doctor',
  async () => {
    for (const home of [plaintextHome(), await vaultHome()]) {
      const store = existsSync(home.vault) ? home.vault : home.plaintext;
      const options = { home, under: mountedOver(store) };
      // Without a passphrase: nothing was asked.
      const result = await runMesa(['auth', 'set-key', '--org', 'b'], { ...options, stdin: 'mesa_other' });
      expect(result).toMatchObject({ status: 1 });
      expect(result.stderr).toContain(`mesa: ${store} is mounted by itself and cannot be replaced`);
      const doctor = await runMesa(['auth', 'doctor'], options);
      expect(doctor.stdout).toContain(`warning: ${store} is mounted by itself and cannot be replaced\n`);
    }
  },
);

it.runIf(CAN_MOUNT)(
  'the very key that is stored is no write, so that it succeeds where nothing can be written',
  async () => {
    const home = plaintextHome();
    const under = withMounts(
      `mount --bind ${home.dataDir} ${home.dataDir} && mount -o remount,bind,ro ${home.dataDir}`,
    );
    const set = (stdin: string) => runMesa(['auth', 'set-key', '--org', 'acme'], { home, under, stdin });
    const stored = await runMesa(['auth', 'set-key', '--org', 'acme'], { home, stdin: `${KEY}\n` });
    expect(stored.status).toBe(0);
    const before = readFileSync(home.plaintext, 'utf8');
    expect(await set(KEY)).toMatchObject({
      status: 0,
      stderr: 'plaintext-file has this key for orgs/acme (mesa_****9f2c) already; nothing was changed\n',
    });
    expect(await set('mesa_another_one0')).toMatchObject({ status: 1 });
    expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
  },
);

it.runIf(CAN_MOUNT)(
  'an XDG_RUNTIME_DIR that is read-only is passed over, and the agent is beside the vault',
  async () => {
    const home = await vaultHome();
    const runtime = join(home.path, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    const under = withMounts(`mount -t tmpfs -o ro,mode=700 none ${runtime}`);
    const options = { home, env: { ...UNLOCKED, XDG_RUNTIME_DIR: runtime }, under };
    expect(await runMesa(['auth', 'unlock'], options)).toMatchObject({ status: 0 });
    expect(existsSync(join(home.dataDir, 'agent.sock'))).toBe(true);
    expect(await runMesa(['auth', 'lock'], { home })).toMatchObject({
      status: 0,
      stderr: 'locked the vault\n',
    });
  },
);

it.runIf(CAN_CHOWN && process.getuid?.() === 0)(
  'a home of root that group 0 may write is taken by a user of group 0 alone',
  async () => {
    const home = createTempHome();
    chmodSync(home.path, 0o775);
    expect(await runMesa(['auth', 'list'], { home, under: anyUserOf(0) })).toMatchObject({ status: 0 });
    const refused = await runMesa(['auth', 'list'], { home, under: anyUserOf(100) });
    expect(refused).toMatchObject({ status: 8 });
    expect(refused.stderr).toContain('export XDG_DATA_HOME=');
    expect(refused.stderr).not.toContain('chmod');
  },
);

it('a quoted end date is shown as one that cannot be read, and does not pass', async () => {
  const home = plaintextHome();
  home.write('.local/share/mesa/secrets.plaintext.toml', `${DOCUMENT}expires = "2021-01-01"\n`);
  const status = ['auth', 'status', '--org', 'acme', '--offline'];
  expect((await runMesa(status, { home })).stdout).toContain('unreadable date');
  expect(await runMesa([...status, '--fail-within', '7d'], { home })).toMatchObject({ status: 9 });
});

it('comments of a store stay when another key is stored', async () => {
  const home = plaintextHome();
  home.write('.local/share/mesa/secrets.plaintext.toml', `# ask ops\n${DOCUMENT}# the end\n`);
  await runMesa(['auth', 'set-key', '--org', 'b'], { home, stdin: 'mesa_other' });
  expect(readFileSync(home.plaintext, 'utf8')).toMatch(/^# ask ops\nversion = 1\n[^]*\n# the end\n$/);
});

it('no backup goes into the directory of the stores, by whatever way', async () => {
  const home = plaintextHome();
  symlinkSync(home.dataDir, join(home.path, 'link'));
  for (const file of [join(home.dataDir, '.secrets.vault.age.123.tmp'), 'link/uses.1.log', home.dataDir]) {
    const before = home.tree();
    expect(await runMesa(['auth', 'backup', file, '--plaintext', '--yes'], { home })).toMatchObject({
      status: 2,
    });
    expect(home.tree()).toEqual(before);
  }
});
