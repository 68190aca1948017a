import { describe, expect, it } from 'vitest';

import { runMesa, runShell } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, sealDocument, UNLOCKED } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const DOCUMENT = documentOf({ 'orgs/acme': ORG });
const VAULT = '.local/share/mesa/secrets.vault.age';
// Far above what these take where others derive keys, and below any wait for somebody who is not there.
const AT_ONCE_MS = 45_000;
const RESTORE = 'mv -i VAULT VAULT.damaged && mesa auth restore "$BACKUP"';
const COMMANDS = [
  ['list', '--json', '-y'],
  ['get-key', '--org', 'acme'],
  ['get-key', '--org', 'acme', '--explain'],
  ['set-key', 'mesa_anotherOne00000'],
];

/** Runs every command against this vault: each must end as described, and leave every file as it was. */
async function expectRefusal(
  vault: string | Uint8Array,
  expected: { readonly status: number; readonly message: string; readonly hint: string },
  env: Readonly<Record<string, string>> = UNLOCKED,
): Promise<void> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  home.write(VAULT, vault);
  home.write('.local/share/mesa/.lock', '');
  const before = fingerprint(home);
  for (const args of COMMANDS) {
    const result = await runMesa(['auth', ...args], { home, env });
    expect({ args, ...result }).toMatchObject({
      args,
      status: expected.status,
      stdout: '',
      stderr: `mesa: ${expected.message}\nhint: ${expected.hint}\n`.replaceAll(/\bVAULT\b/g, home.vault),
    });
    expect(result.milliseconds).toBeLessThan(AT_ONCE_MS);
  }
  expect(fingerprint(home)).toEqual(before);
}

describe('a vault', () => {
  it.each([
    { title: 'without a passphrase', env: {} },
    { title: 'with an empty passphrase', env: { MESA_VAULT_PASSPHRASE: '' } },
  ])('stays shut $title and without a terminal, at once', async ({ env }) => {
    const expected = {
      status: 6,
      message: 'the vault VAULT needs its passphrase, and there is nobody to ask for it',
      hint: 'set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y',
    };
    await expectRefusal(await sealDocument(DOCUMENT), expected, env);
  });

  it.each([`${UNLOCKED.MESA_VAULT_PASSPHRASE} `, ' '])(
    'stays shut to a wrong passphrase, which is tried once: %j',
    async (passphrase) => {
      const expected = {
        status: 6,
        message: 'incorrect passphrase for the vault VAULT',
        hint: 'type it again, or check MESA_VAULT_PASSPHRASE',
      };
      await expectRefusal(await sealDocument(DOCUMENT), expected, { MESA_VAULT_PASSPHRASE: passphrase });
    },
  );

  // One changed byte, and cut anywhere: test/faults/damaged-vault.test.ts.
  it.each([
    {
      title: 'followed by more',
      change: (vault: Buffer) => Buffer.concat([vault, vault]),
      expected: {
        status: 8,
        message: 'the vault VAULT is damaged',
        hint: `mesa has not changed it; with a backup: ${RESTORE}`,
      },
    },
    {
      title: 'empty',
      change: () => Buffer.alloc(0),
      expected: {
        status: 8,
        message: 'the vault VAULT is empty',
        hint: `start anew: rm VAULT; with a backup: ${RESTORE}`,
      },
    },
    {
      title: 'not an age file at all',
      change: () => Buffer.from(DOCUMENT),
      expected: {
        status: 8,
        message: 'VAULT is not an age file',
        hint: `move it away; with a backup: ${RESTORE}`,
      },
    },
    {
      title: 'of a later age',
      change: (vault: Buffer) => Buffer.from(vault.toString('latin1').replace('/v1', '/v2'), 'latin1'),
      expected: {
        status: 8,
        message: 'VAULT is an age file of an unknown version',
        hint: `move it away; with a backup: ${RESTORE}`,
      },
    },
    {
      title: 'armored',
      change: (vault: Buffer) =>
        Buffer.from(
          `-----BEGIN AGE ENCRYPTED FILE-----\n${vault.toString('base64')}\n-----END AGE ENCRYPTED FILE-----\n`,
        ),
      expected: {
        status: 8,
        message: 'VAULT is an armored age file; the vault is a binary one',
        hint: 'decrypt it with age -d and encrypt it again with age -p, without -a',
      },
    },
    {
      title: 'encrypted to a recipient',
      change: (vault: Buffer) =>
        Buffer.from(
          vault
            .toString('latin1')
            .replace(/scrypt \S+ 10/, 'X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc'),
          'latin1',
        ),
      expected: {
        status: 8,
        message: 'VAULT is encrypted to an age recipient, not with a passphrase',
        hint: 'the vault needs exactly one passphrase: age -p',
      },
    },
    ...['21', '62', '9'.repeat(400)].map((factor) => ({
      title: `asking for a work factor of ${factor.slice(0, 5)}`,
      change: (vault: Buffer) =>
        Buffer.from(vault.toString('latin1').replace(/(scrypt \S+) 10/, `$1 ${factor}`), 'latin1'),
      expected: {
        status: 8,
        message: 'VAULT asks for a work factor above 20; its key derivation would take too much memory',
        hint: `trust this file only if you made it; with a backup: ${RESTORE}`,
      },
    })),
  ])('is refused when it is $title', async ({ change, expected }) => {
    await expectRefusal(change(Buffer.from(await sealDocument(DOCUMENT))), expected);
  });

  it('is refused for a document that is none, by line and column', async () => {
    await expectRefusal(await sealDocument('version = 1\n[keys.global]\nkey = "mesa_s3cret\n'), {
      status: 8,
      message: 'the secret store VAULT:3:19 is damaged: invalid TOML',
      hint: `mesa has not changed it; mend it by hand, or: ${RESTORE}`,
    });
  });

  it('is refused when its document has a later version', async () => {
    await expectRefusal(await sealDocument(documentOf({ 'orgs/acme': ORG }, 2)), {
      status: 8,
      message: 'VAULT has version 2; this mesa knows version 1',
      hint: 'update mesa',
    });
  });
});

describe('a weak passphrase from the environment', () => {
  it('is accepted with a warning for a new vault, and without one afterwards', async () => {
    const home = createTempHome();
    const env = { MESA_VAULT_PASSPHRASE: 'short' };
    expect(await runMesa(['auth', 'set-key', ORG], { home, env })).toMatchObject({
      status: 0,
      stdout: '',
      stderr:
        'mesa: warning: MESA_VAULT_PASSPHRASE is weak: use at least 12 characters\n' +
        'stored key for global (mesa_****9f2c) in encrypted-file\n',
    });
    expect(await runMesa(['auth', 'get-key'], { home, env })).toMatchObject({
      status: 0,
      stdout: `${ORG}\n`,
      stderr: '',
    });
  });

  it('is refused when it is blank: no vault is made with it', async () => {
    const home = createTempHome();
    const env = { MESA_VAULT_PASSPHRASE: ' \t ' };
    expect(await runMesa(['auth', 'set-key', ORG], { home, env })).toMatchObject({
      status: 2,
      stdout: '',
      stderr:
        'mesa: MESA_VAULT_PASSPHRASE is blank; it protects no vault\nhint: set it to a passphrase, or unset it\n',
    });
    expect(home.tree()).toEqual([]);
  });

  it('is refused when it is no text: Node would take many such for the same one', async () => {
    const home = createTempHome();
    const script = `MESA_VAULT_PASSPHRASE=$(printf 'a long passphrase \\377'); export MESA_VAULT_PASSPHRASE
      mesa auth set-key mesa_x`;
    expect(await runShell(script, { home })).toMatchObject({
      status: 2,
      stdout: '',
      stderr: 'mesa: MESA_VAULT_PASSPHRASE is not UTF-8 text\nhint: set it to a passphrase in UTF-8\n',
    });
    expect(home.tree()).toEqual([]);
  });
});
