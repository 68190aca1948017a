import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { parseStoreKey } from '../../../src/core/key-scope.ts';
import type { Backend, SecretStore } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import type { Paths } from '../../../src/platform/paths.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import { storeOf } from '../../../src/stores/stores.ts';
import type { PassphraseSource } from '../../../src/vault/passphrase.ts';
import type { TempHome } from '../../support/temp-home.ts';
import type { Problem } from './fault-row.ts';
import { WORK_FACTOR } from './work-factor.ts';

export const PASSPHRASE = 'copper-tulip-lantern-orbit';

/** Ends the name of the file that stands for what a writer left that was killed before. */
export const OLD_STRAY = '.12345678901234.tmp';

/** A key's value that says whose it is, so that a mix-up shows. */
export function keyOf(name: string): string {
  return `mesa_key_of_${name}`;
}

export function storePath(home: TempHome, backend: Backend): string {
  return backend === 'encrypted-file' ? home.vault : home.plaintext;
}

export function pathsOf(home: TempHome): Paths {
  return resolvePaths({ env: { HOME: home.path }, platform: process.platform });
}

export interface TestStore extends SecretStore {
  /** Whether a write had to wait for the lock long enough to say so. */
  readonly waited: boolean;
}

/** What a vault has after its passphrase was changed. */
export const NEW_PASSPHRASE = 'walnut-harbor-violet-engine';

function knownPassphrase(text: string): PassphraseSource {
  const known = () => Promise.resolve({ text, typed: false, mayCreate: true });
  return { toOpen: known, toCreate: known };
}

/** The store in this process, with a derivation that costs nothing for a vault that was made that way. */
export async function openHomeStore(
  home: TempHome,
  backend: Backend,
  passphrase: string = PASSPHRASE,
): Promise<TestStore> {
  let waited = false;
  const store = await storeOf(backend, {
    paths: pathsOf(home),
    passphrases: () => Promise.resolve(knownPassphrase(passphrase)),
    now: () => new Date(),
    warn: () => undefined,
    onLockWait: () => {
      waited = true;
    },
    workFactor: WORK_FACTOR,
  });
  return {
    backend,
    location: store.location,
    read: () => store.read(),
    apply: (changes, onReplaced) => store.apply(changes, onReplaced),
    get waited() {
      return waited;
    },
  };
}

/** What a store holds, as `scope=key` lines. @throws when the store is damaged */
export async function readKeys(
  home: TempHome,
  backend: Backend,
  passphrase?: string,
): Promise<readonly string[]> {
  const store = await openHomeStore(home, backend, passphrase);
  return [...(await store.read())].map(([scope, { token }]) => `${scope}=${token.reveal()}`);
}

/** The lines of readKeys for scopes that hold their own keyOf, or what stands behind `=`. */
export function keyLines(scopes: readonly string[]): readonly string[] {
  return scopes.map((scope) => (scope.includes('=') ? scope : `${scope}=${keyOf(scope)}`));
}

/** A document with these keys, as somebody may have written it. */
export function documentText(scopes: readonly string[]): string {
  return ['version = 1', ...scopes.map((name) => `[keys."${name}"]\nkey = "${keyOf(name)}"`)].join('\n');
}

export async function storeKeys(
  home: TempHome,
  backend: Backend,
  scopes: readonly string[],
  passphrase?: string,
): Promise<TestStore> {
  const store = await openHomeStore(home, backend, passphrase);
  await store.apply(
    scopes.map((name) => {
      const scope = parseStoreKey(name);
      if (scope === undefined) {
        throw new Error(`no scope: ${name}`);
      }
      return { kind: 'set', scope, token: Token.parse(keyOf(name)) };
    }),
  );
  return store;
}

/** Empties a home directory, so that the next point starts from nothing. */
export function clearHome(home: TempHome): void {
  for (const name of readdirSync(home.path)) {
    rmSync(join(home.path, name), { recursive: true, force: true });
  }
}

export function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}

/** Whatever lies beside a store or config file and is neither it, nor its neighbours that belong there. */
export function strayFiles(path: string): readonly string[] {
  const expected = new Set([
    '.lock',
    'secrets.plaintext.toml',
    'secrets.vault.age',
    'config.toml',
    'linked.toml',
    'backup.age',
    'backup.toml',
  ]);
  return listDir(dirname(path)).filter((name) => !expected.has(name));
}

function listDir(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}

/** A file must be 0600 and its directory 0700, where they exist. */
export function modeProblems(path: string): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [at, wanted] of [
    [path, 0o600],
    [dirname(path), 0o700],
  ] as const) {
    const mode = (statSync(at, { throwIfNoEntry: false })?.mode ?? wanted) & 0o7777;
    if (mode !== wanted) {
      problems.push({ kind: 'damaged', text: `mode ${mode.toString(8)} of ${at}` });
    }
  }
  return problems;
}
