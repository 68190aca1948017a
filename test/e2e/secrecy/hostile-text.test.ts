import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { BACKENDS } from '../../../src/core/secret-store.ts';
import { runMesa, type RunResult } from '../../support/run-mesa.ts';
import { sealDocument, UNLOCKED } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_organization009f2c';

// What moves the cursor, rings, clears, sets titles or the clipboard, reorders or hides: C0 but LF, DEL, C1, and
// the invisible and bidirectional format characters.
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- what must not be there
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

const HOSTILE_CODES = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code),
].concat(0x61c, 0x200b, 0x200e, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xe0041);

function escaped(code: number): string {
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

function hostileDocument(): string {
  const names = HOSTILE_CODES.flatMap((code) => {
    const text = escaped(code);
    return [`${text}]52;c;ZXZpbA==${escaped(7)}`, `orgs/a${text}b`, `orgs/acme/repos/${text}`];
  });
  return [
    'version = 1',
    `"title${escaped(0x1b)}]0;x${escaped(7)}" = "${escaped(0x9b)}31m"`,
    ...names.map((name) => `[keys."${name}"]\nkey = "mesa_neverReachable00"`),
    `[keys."orgs/acme"]\nkey = "${KEY}"\n"${escaped(0x202e)}" = "${escaped(0x1b)}c"`,
    '',
  ].join('\n');
}

function expectSafe(result: RunResult): void {
  expect(result.stdout).not.toMatch(UNSAFE);
  expect(result.stderr).not.toMatch(UNSAFE);
}

describe.each(BACKENDS)('a hostile document in the %s backend', (backend) => {
  it('cannot write anything but text, and its sound entries still work', async () => {
    const home = createTempHome();
    home.useBackend(backend);
    if (backend === 'plaintext-file') {
      home.write('.local/share/mesa/secrets.plaintext.toml', hostileDocument());
    } else {
      home.write('.local/share/mesa/secrets.vault.age', await sealDocument(hostileDocument()));
    }
    for (const args of [
      ['list'],
      ['list', '--json'],
      ['get-key', '--org', 'acme', '--explain'],
      ['get-key', '--org', 'acme', '--json'],
      ['rm-key', '--org', 'other'],
      ['set-key', '--org', 'other', 'mesa_anotherOne00000'],
    ]) {
      const result = await runMesa(['auth', ...args], { home, env: { ...UNLOCKED, MESA_DEBUG: '1' } });
      expect([args[0], result.status]).toEqual([args[0], args[0] === 'rm-key' ? 4 : 0]);
      expectSafe(result);
    }
    const found = await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED });
    expect(found).toMatchObject({ status: 0, stdout: `${KEY}\n` });
    // What is no scope was kept by that write, and is named in a warning.
    expect(found.stderr.match(/which is no scope/g)).toHaveLength(HOSTILE_CODES.length * 3);
  });
});

/** A home directory whose own name is hostile. */
function hostileHome(home: TempHome): string {
  return join(home.path, 'h\u001b[2J\u009b31m\u202e\u0007\n\r\u200b"\\');
}

it('a hostile path cannot write anything but text on any way through the program', async () => {
  const home = createTempHome();
  const env = { HOME: hostileHome(home), MESA_DEBUG: '1', MESA_VAULT_PASSPHRASE: '' };
  const inside = (path: string): string => join(hostileHome(home), path).slice(home.path.length + 1);
  const config = inside('.config/mesa/config.toml');
  const run = async (args: readonly string[], status: number): Promise<void> => {
    const result = await runMesa(args, { home, env });
    expect([args, result.status]).toEqual([args, status]);
    expectSafe(result);
  };
  await run(['auth', 'set-key', 'mesa_x'], 6);
  await run(['init', '-y', '--backend', 'plaintext-file'], 0);
  await run(['auth', 'set-key', 'mesa_x'], 0);
  await run(['auth', 'list', '--json'], 0);
  await run(['auth', 'list', '-c', '\u001b[31m/\u202e'], 3);
  home.write(inside('.local/share/mesa/secrets.plaintext.toml'), 'version = 2\n');
  await run(['auth', 'list'], 8);
  home.write(inside('.local/share/mesa/secrets.plaintext.toml'), 'version = \n');
  await run(['auth', 'list'], 8);
  home.write(config, '[organizations."\\u001b[31m\\u202e"]\napi-key = "x"\n');
  home.write(inside('.local/share/mesa/secrets.vault.age'), 'damaged');
  await run(['auth', 'list'], 8);
  home.write(config, '[secrets]\nbackend = "\\u001b[31m\\u202e\\n"\n');
  await run(['auth', 'list'], 3);
  home.write(config, 'broken');
  await run(['auth', 'list'], 3);
});
