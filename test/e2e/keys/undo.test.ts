import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { BACKENDS } from '../../../src/core/secret-store.ts';
import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  openVault,
  PASSPHRASE,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const GOOD = 'mesa_good00000000011aa';
const WRONG = 'mesa_wrong0000000009f2c';
const THIRD = 'mesa_third000000000c0de';
const PLAIN = '[secrets]\nbackend = "plaintext-file"\n';

async function run(home: TempHome, args: string, stdin?: string) {
  const { status, stdout, stderr } = await runMesa(['auth', ...args.split(' ')], {
    home,
    env: UNLOCKED,
    ...(stdin === undefined ? {} : { stdin }),
  });
  return { status, stdout, stderr };
}

function plainHome(keys: Readonly<Record<string, string>>): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf(keys));
  return home;
}

describe.each(BACKENDS)('with the %s backend', (backend) => {
  it('a key that was replaced is named, and comes back; once more, and all is as before', async () => {
    const home = createTempHome();
    await (backend === 'plaintext-file'
      ? writePlaintext(home, documentOf({ 'orgs/acme': GOOD, 'orgs/acme/repos/web': GOOD }))
      : writeVault(home, documentOf({ 'orgs/acme': GOOD, 'orgs/acme/repos/web': GOOD })));
    expect(await run(home, 'set-key --org acme', WRONG)).toEqual({
      status: 0,
      stdout: '',
      stderr: `replaced key for orgs/acme (mesa_****11aa by mesa_****9f2c) in ${backend}; mesa auth undo --org acme brings it back\n`,
    });
    for (const [now, before, key] of [
      ['11aa', '9f2c', GOOD],
      ['9f2c', '11aa', WRONG],
      ['11aa', '9f2c', GOOD],
    ] as const) {
      expect(await run(home, 'undo --org acme')).toEqual({
        status: 0,
        stdout: '',
        stderr: `brought back key for orgs/acme (mesa_****${now} in place of mesa_****${before}) in ${backend}; mesa auth undo --org acme changes them again\n`,
      });
      expect((await run(home, 'get-key --org acme')).stdout).toBe(`${key}\n`);
      expect((await run(home, 'get-key --org acme --repo web')).stdout).toBe(`${GOOD}\n`);
    }
    for (const args of ['list', 'list --json', 'status --offline', 'status --offline --json']) {
      expect((await run(home, args)).stdout).not.toContain('9f2c');
    }
  });

  it('there is nothing to bring back where no key was replaced, or by the same one', async () => {
    const home = createTempHome();
    if (backend === 'plaintext-file') {
      home.useBackend(backend);
    }
    const nothing = {
      status: 4,
      stdout: '',
      stderr: `mesa: there is no replaced key for orgs/acme in ${backend}\nhint: mesa auth list\n`,
    };
    expect(await run(home, 'undo --org acme')).toEqual(nothing);
    await run(home, 'set-key --org acme', GOOD);
    expect((await run(home, 'set-key --org acme', GOOD)).stderr).toBe(
      `replaced key for orgs/acme (mesa_****11aa) in ${backend}\n`,
    );
    expect(await run(home, 'undo --org acme')).toEqual(nothing);
    expect(await run(home, 'undo')).toMatchObject({ status: 4 });
  });

  it('a key that was removed leaves no copy, and neither does the one before it', async () => {
    const home = createTempHome();
    if (backend === 'plaintext-file') {
      home.useBackend(backend);
    }
    await run(home, 'set-key --org acme', GOOD);
    await run(home, 'set-key --org acme', WRONG);
    await run(home, 'set-key', THIRD);
    expect(await run(home, 'rm-key --org acme')).toMatchObject({ status: 0 });
    expect(await run(home, 'undo --org acme')).toMatchObject({ status: 4 });
    const text =
      backend === 'plaintext-file' ? readFileSync(home.plaintext, 'utf8') : await openVault(home, PASSPHRASE);
    expect(text).toContain(THIRD);
    for (const file of home.tree().filter((name) => !name.endsWith('/'))) {
      const content = readFileSync(`${home.path}/${file}`, 'latin1');
      expect(`${content}${text}`).not.toMatch(new RegExp(`${GOOD}|${WRONG}`));
    }
  });
});

it('how long a replaced key is kept is configured, and with 0 none is, of any scope', async () => {
  const home = plainHome({ 'orgs/acme': GOOD, 'orgs/beta': GOOD });
  home.write('.config/mesa/config.toml', `${PLAIN}keep-replaced = "30d"\n`);
  const before = Date.now();
  await run(home, 'set-key --org beta', WRONG);
  const until = /until = (.*)/.exec(readFileSync(home.plaintext, 'utf8'))?.[1] ?? '';
  expect(Math.round((Date.parse(until) - before) / 86_400_000)).toBe(30);
  home.write('.config/mesa/config.toml', `${PLAIN}keep-replaced = "0"\n`);
  expect((await run(home, 'set-key --org acme', WRONG)).stderr).toBe(
    'replaced key for orgs/acme (mesa_****11aa by mesa_****9f2c) in plaintext-file\n',
  );
  expect(readFileSync(home.plaintext, 'utf8')).not.toMatch(new RegExp(`previous|${GOOD}`));
  expect(await run(home, 'undo --org acme')).toMatchObject({ status: 4 });
});

it('what is over is not brought back, and goes with the next write', async () => {
  const home = plainHome({ 'orgs/acme': WRONG });
  const kept = `\n[previous."orgs/acme"]\nkey = "${GOOD}"\nuntil = 2026-01-01T00:00:00.000Z\n`;
  home.write('.local/share/mesa/secrets.plaintext.toml', `${documentOf({ 'orgs/acme': WRONG })}${kept}`);
  expect(await run(home, 'undo --org acme')).toMatchObject({ status: 4 });
  expect(readFileSync(home.plaintext, 'utf8')).toContain(GOOD);
  await run(home, 'set-key', THIRD);
  expect(readFileSync(home.plaintext, 'utf8')).not.toMatch(new RegExp(`previous|${GOOD}`));
});

it('restore and migrate keep the key that loses, and what could be brought back before', async () => {
  const home = plainHome({ 'orgs/acme': WRONG });
  home.write('backup.toml', documentOf({ 'orgs/acme': GOOD }));
  expect(await run(home, `restore ${home.path}/backup.toml --yes`)).toMatchObject({ status: 0 });
  expect((await run(home, 'get-key --org acme')).stdout).toBe(`${GOOD}\n`);
  expect(await run(home, 'migrate --to encrypted-file')).toMatchObject({ status: 0 });
  expect(await openVault(home, PASSPHRASE)).toMatch(new RegExp(`previous[^]*${WRONG}`));
  expect(await run(home, 'undo --org acme')).toMatchObject({ status: 0 });
  expect((await run(home, 'get-key --org acme')).stdout).toBe(`${WRONG}\n`);
});

it('doctor finds a replaced key without the one that replaced it, and takes it away', async () => {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  home.write(
    '.local/share/mesa/secrets.plaintext.toml',
    `${documentOf({ global: THIRD })}\n[previous."orgs/acme"]\nkey = "${GOOD}"\nuntil = 2099-01-01T00:00:00.000Z\n`,
  );
  const found = await run(home, 'doctor --json');
  expect(JSON.parse(found.stdout)).toMatchObject({
    findings: expect.arrayContaining([expect.objectContaining({ check: 'previous_keys', fixable: true })]),
  });
  expect(found.stdout).not.toContain(GOOD);
  await run(home, 'doctor --fix');
  expect(readFileSync(home.plaintext, 'utf8')).not.toContain(GOOD);
  expect((await run(home, 'get-key')).stdout).toBe(`${THIRD}\n`);
});
