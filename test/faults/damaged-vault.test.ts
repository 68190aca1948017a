import { readFileSync } from 'node:fs';

import { expect, inject, it } from 'vitest';

import { parseStoreKey } from '../../src/core/key-scope.ts';
import type { Change } from '../../src/core/secret-store.ts';
import { Token } from '../../src/core/token.ts';
import { MesaAuthError, type ErrorCode } from '../../src/errors.ts';
import { runMesa } from '../support/run-mesa.ts';
import { fingerprint } from '../support/stores.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { inParallel } from './support/in-parallel.ts';
import { keyLines, keyOf, openHomeStore, PASSPHRASE, readKeys } from './support/key-home.ts';
import { makeStoreBytes } from './support/scenarios.ts';

const SCOPES = ['orgs/acme'];
const VAULT = '.local/share/mesa/secrets.vault.age';
const SCOPE = parseStoreKey('orgs/acme');
const CHANGES: readonly Change[] =
  SCOPE === undefined ? [] : [{ kind: 'set', scope: SCOPE, token: Token.parse(keyOf('another')) }];

/** A damaged copy of a vault, and how it may be refused. */
interface Damage {
  readonly label: string;
  readonly bytes: Buffer;
  readonly codes: readonly ErrorCode[];
  /** Whether to try a write, too: it starts a process for the lock, so not for each of thousands. */
  readonly write: boolean;
}

/** Where the parts of a vault begin. */
interface Parts {
  readonly salt: number;
  readonly workFactor: number;
  readonly body: number;
  readonly mac: number;
  readonly payload: number;
}

function partsOf(vault: Buffer): Parts {
  const text = vault.toString('latin1');
  const salt = text.indexOf('scrypt ') + 'scrypt '.length;
  const mac = text.indexOf('\n--- ') + '\n--- '.length;
  return {
    salt,
    workFactor: text.indexOf(' ', salt) + 1,
    body: text.indexOf('\n', salt) + 1,
    mac,
    payload: text.indexOf('\n', mac) + 1,
  };
}

function everyBit(vault: Buffer): readonly Damage[] {
  const { salt, workFactor, body, mac } = partsOf(vault);
  const codesAt = (at: number): readonly ErrorCode[] => {
    if (at < salt - '-> scrypt '.length) {
      return ['STORE_FOREIGN'];
    }
    if (at < salt) {
      return ['STORE_FOREIGN', 'STORE_DAMAGED'];
    }
    if (at >= workFactor && at < body) {
      return ['WORK_FACTOR', 'STORE_DAMAGED', 'WRONG_PASSPHRASE'];
    }
    // Another salt or wrapped key cannot be told from another passphrase.
    return at < mac - '\n--- '.length ? ['WRONG_PASSPHRASE', 'STORE_DAMAGED'] : ['STORE_DAMAGED'];
  };
  return Array.from({ length: vault.length * 8 }, (_, bit) => {
    const bytes = Buffer.from(vault);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const at = bit >> 3;
    return {
      label: `bit ${bit & 7} of byte ${at}`,
      bytes,
      codes: codesAt(at),
      write: (bit & 7) === (at & 7),
    };
  });
}

function everyLength(vault: Buffer): readonly Damage[] {
  const { salt } = partsOf(vault);
  const firstLine = 'age-encryption.org/v1\n'.length;
  const codesOf = (length: number): readonly ErrorCode[] => {
    if (length === 0 || length >= salt) {
      return ['STORE_DAMAGED'];
    }
    // `-> s` may still become anything.
    return length < firstLine ? ['STORE_FOREIGN'] : ['STORE_FOREIGN', 'STORE_DAMAGED'];
  };
  return Array.from({ length: vault.length }, (_, length) => ({
    label: `${length} bytes`,
    bytes: vault.subarray(0, length),
    codes: codesOf(length),
    write: true,
  }));
}

/** What is wrong when a damaged vault is read, and when it is to be changed: everything but one clear error. */
async function judge(home: TempHome, { bytes, codes, write }: Damage): Promise<readonly Problem[]> {
  home.write(VAULT, bytes);
  home.write('.local/share/mesa/.lock', '');
  const before = fingerprint(home);
  const problems: Problem[] = [];
  const store = await openHomeStore(home, 'encrypted-file');
  for (const attempt of [() => store.read(), ...(write ? [() => store.apply(CHANGES)] : [])]) {
    const error = await attempt().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    if (error === undefined) {
      problems.push({ kind: 'silent', text: 'it was opened' });
    } else if (!(error instanceof MesaAuthError) || !codes.includes(error.code)) {
      problems.push({ kind: 'unclear', text: error.message });
    } else if (!error.message.includes(home.vault) || error.hint === undefined) {
      problems.push({ kind: 'unclear', text: `${error.message}; ${error.hint ?? 'no hint'}` });
    }
  }
  if (fingerprint(home).join('\n') !== before.join('\n')) {
    problems.push({ kind: 'damaged', text: `there is now ${home.tree().join(' ')}` });
  }
  return problems;
}

it.each([
  { title: 'every bit of a vault', damage: everyBit },
  { title: 'every length of a vault', damage: everyLength },
])('refuses a vault with one fault in one clear error, and leaves it alone: $title', async (row) => {
  const vault = await makeStoreBytes('encrypted-file', SCOPES);
  const damaged = row.damage(vault);
  const result = new FaultRow(row.title);
  await inParallel(damaged, createTempHome, async (damage, home) => {
    result.point(damage.label, await judge(home, damage));
  });
  result.close(damaged.length);
  // The same, without a fault.
  const home = createTempHome();
  home.write(VAULT, vault);
  expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(SCOPES));
});

const COMMANDS: readonly (readonly string[])[] = [
  ['auth', 'get-key', '--org', 'acme'],
  ['auth', 'get-key', '--org', 'acme', '--explain'],
  ['auth', 'list', '--json', '-y'],
  ['auth', 'set-key', keyOf('another')],
  ['auth', 'rm-key', '--org', 'acme'],
];
const WRONG = {
  status: 6,
  stderr:
    'mesa: incorrect passphrase for the vault {vault}\nhint: type it again, or check MESA_VAULT_PASSPHRASE\n',
};
const DAMAGED = {
  status: 8,
  stderr:
    'mesa: the vault {vault} is damaged\nhint: mesa has not changed it; with a backup: ' +
    'mv -i {vault} {vault}.damaged && mesa auth restore "$BACKUP"\n',
};

it('ends every command with that one error, in the program as in its parts', async () => {
  const row = new FaultRow('commands on a damaged vault');
  const vault = await makeStoreBytes('encrypted-file', SCOPES);
  const { salt, body, mac, payload } = partsOf(vault);
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(vault);
    // Still a letter of base64, where it was one.
    bytes[at] = (vault[at] ?? 0) === 0x41 ? 0x42 : 0x41;
    return bytes;
  };
  for (const [label, bytes, expected] of [
    ['a byte of the salt', flipped(salt), WRONG],
    ['a byte of the wrapped key', flipped(body), WRONG],
    ['a byte of the MAC', flipped(mac), DAMAGED],
    ['the first byte of the payload', flipped(payload), DAMAGED],
    ['the last byte', flipped(vault.length - 1), DAMAGED],
    ['cut in the header', vault.subarray(0, salt + 10), DAMAGED],
    ['cut behind the header', vault.subarray(0, payload), DAMAGED],
    ['cut by one byte', vault.subarray(0, -1), DAMAGED],
  ] as const) {
    const home = createTempHome();
    home.useBackend('encrypted-file');
    home.write(VAULT, bytes);
    home.write('.local/share/mesa/.lock', '');
    const before = fingerprint(home);
    for (const args of COMMANDS) {
      const result = await runMesa(args, {
        home,
        script: inject('quickMesa'),
        env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
      });
      expect({ label, args, ...result }).toMatchObject({
        status: expected.status,
        stdout: '',
        stderr: expected.stderr.replaceAll('{vault}', home.vault),
      });
      row.point(`${label}: ${args.join(' ')}`, []);
    }
    expect(fingerprint(home)).toEqual(before);
    expect(readFileSync(home.vault).equals(bytes)).toBe(true);
  }
  row.close(COMMANDS.length * 8);
});
