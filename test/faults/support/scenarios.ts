import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

import type { Backend } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import type { RunResult } from '../../support/run-mesa.ts';
import { answerJson, IDENTITY, startApiServer } from '../../support/api-server.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import type { Problem } from './fault-row.ts';
import { judgeBackup, judgeMigration, judgePassphraseChange } from './judge-life.ts';
import { judgeConfig, judgeMove, judgeStore } from './judge.ts';
import {
  documentText,
  keyOf,
  NEW_PASSPHRASE,
  OLD_STRAY,
  PASSPHRASE,
  readBytes,
  storeKeys,
  storePath,
} from './key-home.ts';

/** A command that writes, from a known state, and how to tell whether it did it all or nothing. */
export interface Scenario {
  /** `~/` stands for the home directory; see argsIn. */
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the state that the command starts from, in an empty home directory. */
  readonly prepare: (home: TempHome) => void;
  /** What is wrong after the command. Writes once more, to see whether the next command can. */
  readonly judge: (home: TempHome, result: RunResult) => Promise<readonly Problem[]>;
  /** The file that is replaced. */
  readonly target: (home: TempHome) => string;
}

const FEW_SCOPES = ['global', 'orgs/acme', 'orgs/acme/repos/web'];

/** Enough for a store of several pages. */
export const MANY_SCOPES = [...FEW_SCOPES, ...Array.from({ length: 150 }, (_, n) => `orgs/more-${n}`)];

const CONFIG_TEXT = '# ours\n[other]\nname = "kept"\n\n[secrets]\nbackend = "encrypted-file" # why\n';
const NEW_CONFIG_TEXT =
  '# Configuration of mesa. Keys live in the secret store, never in this file.\n\n[secrets]\nbackend = "encrypted-file"\n';

export const SCENARIO_NAMES = [
  'plaintext: first set-key',
  'plaintext: set-key',
  'plaintext: rm-key',
  'plaintext: undo',
  'plaintext: mint-token',
  'vault: first set-key',
  'vault: set-key',
  'vault: rm-key',
  'vault: undo',
  'vault: mint-token',
  'config: first init',
  'config: use',
  'config: init, linked file',
  'vault: change-passphrase',
  'vault: restore',
  'plaintext: restore',
  'migrate: to encrypted-file',
  'migrate: to plaintext-file',
  'backup: vault',
  'backup: plaintext store',
] as const;

/** It replaces two files, one after the other. */
export const LEGACY_KEYS = 'doctor --fix: legacy keys';

export type ScenarioName = (typeof SCENARIO_NAMES)[number] | typeof LEGACY_KEYS;

/**
 * For errors: a token is minted whether or not the key's id could be stored, so a status of 0 is no lie there. What is
 * written is written as by set-key.
 */
export function withoutMinting(name: ScenarioName): boolean {
  return !name.endsWith('mint-token');
}

/** For every scenario. */
export const SCENARIO_ENV = {
  MESA_VAULT_PASSPHRASE: PASSPHRASE,
  MESA_NEW_VAULT_PASSPHRASE: NEW_PASSPHRASE,
} as const;

/** The arguments of a scenario's command in one home directory. */
export function argsIn({ args }: Scenario, home: TempHome): readonly string[] {
  return args.map((word) => word.replace(/^~(?=\/)/, home.path));
}

/** Each may be given what the store holds at first. */
export const SCENARIOS: Readonly<Record<ScenarioName, (scopes?: readonly string[]) => Promise<Scenario>>> = {
  'plaintext: first set-key': () => firstKey('plaintext-file'),
  'plaintext: set-key': (scopes) => oneMoreKey('plaintext-file', scopes),
  'plaintext: rm-key': (scopes) => oneKeyLess('plaintext-file', scopes),
  'plaintext: undo': (scopes) => undone('plaintext-file', scopes),
  'plaintext: mint-token': (scopes) => learntKeyId('plaintext-file', scopes),
  'vault: first set-key': () => firstKey('encrypted-file'),
  'vault: set-key': (scopes) => oneMoreKey('encrypted-file', scopes),
  'vault: rm-key': (scopes) => oneKeyLess('encrypted-file', scopes),
  'vault: undo': (scopes) => undone('encrypted-file', scopes),
  'vault: mint-token': (scopes) => learntKeyId('encrypted-file', scopes),
  'config: use': () => Promise.resolve(usedOrg()),
  'config: first init': () => Promise.resolve(firstConfig()),
  'config: init, linked file': () => Promise.resolve(linkedConfig()),
  [LEGACY_KEYS]: legacyKeys,
  'vault: change-passphrase': changedPassphrase,
  'vault: restore': (scopes) => restored('encrypted-file', scopes),
  'plaintext: restore': (scopes) => restored('plaintext-file', scopes),
  'migrate: to encrypted-file': (scopes) => migrated('plaintext-file', 'encrypted-file', scopes),
  'migrate: to plaintext-file': (scopes) => migrated('encrypted-file', 'plaintext-file', scopes),
  'backup: vault': () => backedUp('encrypted-file'),
  'backup: plaintext store': () => backedUp('plaintext-file'),
};

const SET_KEY = { args: ['auth', 'set-key', '--org', 'new'], stdin: keyOf('orgs/new') };

function firstKey(backend: Backend): Promise<Scenario> {
  return Promise.resolve({
    ...SET_KEY,
    prepare: (home: TempHome) => home.useBackend(backend),
    judge: (home: TempHome, result: RunResult) =>
      judgeStore(home, { backend, before: undefined, oldScopes: [], newScopes: ['orgs/new'] }, result),
    target: (home: TempHome) => storePath(home, backend),
  });
}

async function oneMoreKey(backend: Backend, scopes: readonly string[] = FEW_SCOPES): Promise<Scenario> {
  return { ...SET_KEY, ...(await existingStore(backend, scopes, [...scopes, 'orgs/new'])) };
}

async function oneKeyLess(backend: Backend, scopes: readonly string[] = FEW_SCOPES): Promise<Scenario> {
  const rest = scopes.filter((scope) => scope !== 'orgs/acme');
  return { args: ['auth', 'rm-key', '--org', 'acme'], ...(await existingStore(backend, scopes, rest)) };
}

const MISTAKE = 'mesa_mistake';

/** A key was replaced by mistake. */
async function undone(backend: Backend, scopes: readonly string[] = FEW_SCOPES): Promise<Scenario> {
  const mistaken = scopes.map((scope) => (scope === 'orgs/acme' ? `${scope}=${MISTAKE}` : scope));
  const home = createTempHome();
  const store = await storeKeys(home, backend, scopes);
  await store.apply([{ kind: 'set', scope: { kind: 'org', org: 'acme' }, token: Token.parse(MISTAKE) }]);
  const before = readBytes(storePath(home, backend));
  return {
    args: ['auth', 'undo', '--org', 'acme'],
    ...(await existingStore(backend, mistaken, scopes, before)),
  };
}

/** The first token of a key: its id is learnt, and kept where that is possible. The token is minted in any case. */
async function learntKeyId(backend: Backend, scopes: readonly string[] = FEW_SCOPES): Promise<Scenario> {
  const store = await existingStore(backend, scopes, scopes);
  const { url } = await startApiServer((_, response) => answerJson(response, 200, IDENTITY));
  return {
    ...store,
    args: ['auth', 'mint-token', '--repo', 'acme/web'],
    env: { MESA_API_URL: url },
    prepare(home) {
      store.prepare(home);
      // The log of uses has faults of its own.
      home.write('.config/mesa/config.toml', `[secrets]\nbackend = "${backend}"\naudit = false\n`);
    },
    judge(home, result) {
      const isSaid = result.stderr.includes('was not remembered');
      return store.judge(home, isSaid && result.status === 0 ? { ...result, status: 1 } : result);
    },
  };
}

async function existingStore(
  backend: Backend,
  oldScopes: readonly string[],
  newScopes: readonly string[],
  made?: Buffer,
): Promise<Pick<Scenario, 'prepare' | 'judge' | 'target'>> {
  const before = made ?? (await makeStoreBytes(backend, oldScopes));
  const target = (home: TempHome): string => storePath(home, backend);
  return {
    prepare(home) {
      home.useBackend(backend);
      home.write(relative(home.path, target(home)), before);
      leaveStray(home, target(home));
    },
    judge: (home, result) => judgeStore(home, { backend, before, oldScopes, newScopes }, result),
    target,
  };
}

/** The bytes of a store with these keys. */
export async function makeStoreBytes(backend: Backend, scopes: readonly string[]): Promise<Buffer> {
  const home = createTempHome();
  await storeKeys(home, backend, scopes);
  const bytes = readBytes(storePath(home, backend));
  if (bytes === undefined) {
    throw new Error('no store was made');
  }
  return bytes;
}

function firstConfig(): Scenario {
  return {
    args: ['init', '-y'],
    prepare: () => undefined,
    judge: (home, result) =>
      judgeConfig(
        home,
        { file: home.config, before: undefined, after: Buffer.from(NEW_CONFIG_TEXT) },
        result,
      ),
    target: (home) => home.config,
  };
}

function usedOrg(): Scenario {
  const before = Buffer.from(CONFIG_TEXT);
  const after = Buffer.from(CONFIG_TEXT.replace('[secrets]\n', '[secrets]\norg = "acme"\n'));
  return {
    args: ['auth', 'use', 'acme'],
    prepare(home) {
      home.write('.config/mesa/config.toml', before);
      leaveStray(home, home.config);
    },
    judge: (home, result) => judgeConfig(home, { file: home.config, before, after }, result),
    target: (home) => home.config,
  };
}

async function legacyKeys(): Promise<Scenario> {
  const moved = ['orgs/old', 'orgs/older'];
  const before = await makeStoreBytes('plaintext-file', FEW_SCOPES);
  const start = '[secrets]\nbackend = "plaintext-file"\n';
  const lines = moved.map((scope) => `api-key = "${keyOf(scope)}"\n`);
  const configBefore = `${start}[organizations.old]\n${lines[0]}[organizations.older]\n${lines[1]}# end\n`;
  const configAfter = `${start}[organizations.old]\n[organizations.older]\n# end\n`;
  return {
    args: ['auth', 'doctor', '--fix'],
    // A machine where keys may be kept in plain text, so that nothing is wrong in the end; and a git that looks at no
    // file of the home directory.
    env: { CI: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_DIR: '/nowhere' },
    prepare(home) {
      home.write('.local/share/mesa/secrets.plaintext.toml', before);
      home.write('.config/mesa/config.toml', configBefore);
    },
    judge: (home, result) =>
      judgeMove(
        home,
        { file: home.config, before: Buffer.from(configBefore), after: Buffer.from(configAfter) },
        { backend: 'plaintext-file', before, oldScopes: FEW_SCOPES, newScopes: [...FEW_SCOPES, ...moved] },
        result,
      ),
    target: (home) => home.plaintext,
  };
}

function linkedFile(home: TempHome): string {
  return join(home.path, 'dotfiles/linked.toml');
}

function linkedConfig(): Scenario {
  const target = linkedFile;
  const before = Buffer.from(CONFIG_TEXT);
  const after = Buffer.from(CONFIG_TEXT.replace('"encrypted-file"', '"plaintext-file"'));
  return {
    args: ['init', '-y', '--backend', 'plaintext-file'],
    prepare(home) {
      home.write('dotfiles/linked.toml', before);
      leaveStray(home, target(home));
      mkdirSync(dirname(home.config), { recursive: true, mode: 0o700 });
      symlinkSync(target(home), home.config);
    },
    judge: (home, result) => judgeConfig(home, { file: target(home), before, after }, result),
    target,
  };
}

async function changedPassphrase(): Promise<Scenario> {
  const store = await existingStore('encrypted-file', FEW_SCOPES, FEW_SCOPES);
  return {
    ...store,
    args: ['auth', 'change-passphrase'],
    judge: (home, result) => judgePassphraseChange(home, FEW_SCOPES, result),
  };
}

const BACKUP = 'backups/backup.age';
const PLAIN_BACKUP = 'backups/backup.toml';

/** A backup with one key that the store has, and one that it lost. */
async function restored(backend: Backend, scopes: readonly string[] = FEW_SCOPES): Promise<Scenario> {
  const store = await existingStore(backend, scopes, [...scopes, 'orgs/lost']);
  return {
    ...store,
    args: ['auth', 'restore', `~/${PLAIN_BACKUP}`, '--yes'],
    prepare(home) {
      store.prepare(home);
      home.write(PLAIN_BACKUP, documentText(['orgs/acme', 'orgs/lost']));
    },
  };
}

async function migrated(
  from: Backend,
  to: Backend,
  scopes: readonly string[] = FEW_SCOPES,
): Promise<Scenario> {
  const store = await existingStore(from, scopes, scopes);
  const args = ['auth', 'migrate', '--to', to, '--yes'];
  return {
    args,
    prepare(home) {
      store.prepare(home);
      leaveStray(home, storePath(home, to));
      leaveStray(home, home.config);
    },
    judge: (home, result) => judgeMigration(home, { from, to, args, scopes }, result),
    target: (home) => storePath(home, to),
  };
}

async function backedUp(backend: Backend): Promise<Scenario> {
  const store = await existingStore(backend, FEW_SCOPES, FEW_SCOPES);
  const target = (home: TempHome): string => join(home.path, BACKUP);
  return {
    args: ['auth', 'backup', `~/${BACKUP}`],
    prepare(home) {
      store.prepare(home);
      home.write('backups/backup.toml', '');
    },
    judge: (home, result) => judgeBackup(home, { backend, file: target(home), scopes: FEW_SCOPES }, result),
    target,
  };
}

function leaveStray(home: TempHome, target: string): void {
  home.write(join(relative(home.path, dirname(target)), `.${basename(target)}${OLD_STRAY}`), 'half');
}
