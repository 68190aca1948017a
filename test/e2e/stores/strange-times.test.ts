import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_precious000000009f2c';
const OTHER = 'mesa_other00000000000c0de';
const ENTRY = `version = 1\n\n[keys."orgs/acme"]\nkey = "${KEY}"\n`;

/** As they are, but for the lock, which a writer makes. */
function files(home: TempHome): readonly string[] {
  return fingerprint(home).filter((line) => !line.endsWith('/.lock'));
}

async function getKey(home: TempHome, org = 'acme', env = {}): Promise<string> {
  const { stdout, stderr } = await runMesa(['auth', 'get-key', '--org', org], { home, env });
  return `${stdout}${stderr}`;
}

describe('a time of a key that no store can hold', () => {
  it.each([
    ['expires', '9999-12-31T23:59:59-01:00'],
    ['added', '0000-01-01T00:00:00+01:00'],
    ['added', '0000-06-01T00:00:00.000Z'],
    ['expires', '0000-01-01'],
  ])('%s = %s, written by hand, is named, and no write makes it worse', async (field, time) => {
    const home = createTempHome();
    writePlaintext(home, `${ENTRY}${field} = ${time}\n`);
    const before = files(home);
    for (const args of [['set-key', '--org', 'o', OTHER], ['list'], ['rm-key', '--org', 'acme']]) {
      expect(await runMesa(['auth', ...args], { home })).toMatchObject({
        status: 8,
        stdout: '',
        stderr:
          `mesa: the secret store ${home.plaintext} is damaged: the field "${field}" of orgs/acme is outside the years 1 to 9999\n` +
          'hint: mesa auth doctor --fix\n',
      });
    }
    expect(files(home)).toEqual(before);
  });

  it('in a backup is refused, and the store keeps what it has', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const backup = home.write('b.toml', `${ENTRY}expires = 9999-12-31T23:59:59-01:00\n`);
    const before = files(home);
    const result = await runMesa(['auth', 'restore', backup, '--yes'], { home });
    expect(result).toMatchObject({
      status: 8,
      stdout: '',
      stderr:
        `mesa: the backup ${backup} is damaged: the field "expires" of orgs/acme is outside the years 1 to 9999\n` +
        'hint: name another backup; nothing was changed\n',
    });
    expect(files(home)).toEqual(before);
    expect(await getKey(home)).toBe(`${KEY}\n`);
  });
});

it.each([
  'when = 9999-12-31T23:59:59-01:00',
  'day = 0000-01-01',
  'big = 99999999999999999999999',
  'hex = 0xFFFFFFFFFFFFFFFF',
  'leap = 2026-06-30T23:59:60Z',
  'nano = 2026-11-21T10:00:00.123456789Z',
  'floats = [1.0, 2, -0.0, nan, 1e3]',
  'deep = { a = { b = [[2026-11-21 10:00:00.5+05:30, 07:32:00]] } }',
])('the unknown field %s is in the same words after a write, and the next command reads it', async (line) => {
  const home = createTempHome();
  writePlaintext(home, ENTRY.replace('\n', `\n${line}\n`) + `${line}\n`);
  expect(await runMesa(['auth', 'set-key', '--org', 'o', OTHER], { home })).toMatchObject({ status: 0 });
  expect(
    readFileSync(home.plaintext, 'utf8')
      .split('\n')
      .filter((written) => written === line),
  ).toHaveLength(2);
  expect(await getKey(home)).toBe(`${KEY}\n`);
  expect(await getKey(home, 'o')).toBe(`${OTHER}\n`);
});

it('a day that there is not is damage, and nothing is written', async () => {
  const home = createTempHome();
  writePlaintext(home, `${ENTRY}expires = 2026-02-30T00:00:00Z\n`);
  const before = files(home);
  expect(await runMesa(['auth', 'set-key', '--org', 'o', OTHER], { home })).toMatchObject({ status: 8 });
  expect(files(home)).toEqual(before);
});

describe('doctor --fix', () => {
  const DAMAGE = [
    ['expires = +010000-01-01T00:59:59.000Z', 'expires = 9999-12-31T23:59:59.999Z'],
    ['added = +010016-11-27T00:00:00.000Z', 'added = 9999-12-31T23:59:59.999Z'],
    ['added = -000001-12-31T23:00:00.000Z', 'added = 0001-01-01T00:00:00.000Z'],
    ['expires = 9999-12-31T23:59:59-01:00', 'expires = 9999-12-31T23:59:59.999Z'],
    ['x = 0-01-01', 'x = 0000-01-01'],
    [
      'x = [{ a = "+010000-01-01T00:00:00.000Z \\" 0-01-01" }, +010000-01-01T00:00:00.000Z]',
      'x = [{ a = "+010000-01-01T00:00:00.000Z \\" 0-01-01" }, 9999-12-31T23:59:59.999Z]',
    ],
  ] as const;

  it.each(DAMAGE)('mends a store that holds %s, keys and all else untouched', async (line, mended) => {
    const home = createTempHome();
    const document = `${ENTRY}${line}\n\n[keys."orgs/globex"]\nkey = "${OTHER}"\n`;
    writePlaintext(home, document);
    const looked = await runMesa(['auth', 'doctor'], { home, env: { CI: '1' } });
    expect(looked).toMatchObject({ status: 1 });
    expect(looked.stdout).toContain('  mend: mesa auth doctor --fix\n');
    expect(looked.stdout).not.toContain('mesa_');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(document);

    const fixed = await runMesa(['auth', 'doctor', '--fix'], { home, env: { CI: '1' } });
    expect(fixed.stderr).toContain(`put the nearest times that a store can hold into ${home.plaintext}`);
    expect(readFileSync(home.plaintext, 'utf8').replace(/^(?=added)/m, '')).toBe(
      document.replace(line, mended),
    );
    expect(await getKey(home)).toBe(`${KEY}\n`);
    expect(await getKey(home, 'globex')).toBe(`${OTHER}\n`);
  });

  it('mends a vault, too', async () => {
    const home = createTempHome();
    await writeVault(home, `${ENTRY}expires = +010000-01-01T00:59:59.000Z\n`);
    expect(await getKey(home, 'acme', UNLOCKED)).toContain('hint: mesa auth doctor --fix\n');
    await runMesa(['auth', 'doctor', '--fix'], { home, env: UNLOCKED });
    expect(await openVault(home)).toBe(`${ENTRY}expires = 9999-12-31T23:59:59.999Z\n`);
    expect(await getKey(home, 'acme', UNLOCKED)).toBe(`${KEY}\n`);
  });

  it('leaves a store alone that is damaged in another way, too', async () => {
    const home = createTempHome();
    writePlaintext(home, `${ENTRY}expires = +010000-01-01T00:59:59.000Z\nx = = 1\n`);
    const before = files(home);
    const result = await runMesa(['auth', 'doctor', '--fix'], { home, env: { CI: '1' } });
    expect(result.status).toBe(1);
    expect(files(home)).toEqual(before);
  });
});
