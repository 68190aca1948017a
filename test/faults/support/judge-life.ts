import { readFileSync, statSync } from 'node:fs';

import { inject } from 'vitest';

import { loadConfig } from '../../../src/config/config-file.ts';
import type { Backend } from '../../../src/core/secret-store.ts';
import { VaultCodec } from '../../../src/vault/vault-codec.ts';
import { runMesa, type RunResult } from '../../support/run-mesa.ts';
import type { TempHome } from '../../support/temp-home.ts';
import type { Problem } from './fault-row.ts';
import { judgeReport, sameLines, strays } from './judge.ts';
import {
  keyLines,
  keyOf,
  modeProblems,
  OLD_STRAY,
  NEW_PASSPHRASE,
  PASSPHRASE,
  readBytes,
  readKeys,
  storeKeys,
  storePath,
} from './key-home.ts';

const NEXT_SCOPE = 'orgs/next';

/** Exactly one of the two passphrases opens the vault, with every key in it, and the next writer can go on. */
export async function judgePassphraseChange(
  home: TempHome,
  scopes: readonly string[],
  result: RunResult,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [...modeProblems(home.vault)];
  const opening: string[] = [];
  for (const passphrase of [PASSPHRASE, NEW_PASSPHRASE]) {
    try {
      const found = await readKeys(home, 'encrypted-file', passphrase);
      opening.push(passphrase);
      if (!sameLines(found, keyLines(scopes))) {
        problems.push({ kind: 'damaged', text: `the vault holds ${found.join(', ')}` });
      }
    } catch {
      // Wrong for this vault; how many are not is counted.
    }
  }
  const [passphrase] = opening;
  problems.push(...judgeReport(result, passphrase === NEW_PASSPHRASE));
  if (passphrase === undefined || opening.length > 1) {
    problems.push({ kind: 'damaged', text: `${opening.length} passphrases open the vault` });
    return problems;
  }
  await storeKeys(home, 'encrypted-file', [NEXT_SCOPE], passphrase);
  const found = await readKeys(home, 'encrypted-file', passphrase);
  if (!sameLines(found, keyLines([...scopes, NEXT_SCOPE]))) {
    problems.push({ kind: 'damaged', text: `after the next writer the vault holds ${found.join(', ')}` });
  }
  return [...problems, ...modeProblems(home.vault), ...strays(home.vault)];
}

export interface MigrationCase {
  readonly from: Backend;
  readonly to: Backend;
  readonly args: readonly string[];
  readonly scopes: readonly string[];
}

/**
 * The store that the configuration names has every key, whenever the migration was cut off; success means that the
 * other one is gone; and the same command brings it to its end.
 */
export async function judgeMigration(
  home: TempHome,
  { from, to, args, scopes }: MigrationCase,
  result: RunResult,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const judgeInForce = async (when: string): Promise<Backend> => {
    const { backend } = await loadConfig(home.config, []);
    const found = await readKeys(home, backend).catch(() => ['unreadable']);
    if (!sameLines(found, keyLines(scopes))) {
      problems.push({ kind: 'damaged', text: `${when}, ${backend} is in force with ${found.join(', ')}` });
    }
    for (const path of [home.vault, home.plaintext, home.config]) {
      problems.push(...modeProblems(path));
    }
    return backend;
  };
  const isDone = (): boolean => readBytes(storePath(home, from)) === undefined;
  const inForce = await judgeInForce('after the fault');
  problems.push(...judgeReport(result, inForce === to));
  if (result.status === 0 && !isDone()) {
    problems.push({ kind: 'silent', text: 'the source is still there' });
  }
  // A killed one cannot tidy up; one that failed for another reason can, unless that is what failed, and then it says so.
  const hasFailed = result.status !== null && result.status !== 0;
  if (
    hasFailed &&
    inForce === from &&
    to === 'plaintext-file' &&
    readBytes(storePath(home, to)) !== undefined &&
    !result.stderr.includes('what was written stays')
  ) {
    problems.push({ kind: 'stray', text: `the keys stay in plain text: ${result.stderr}` });
  }
  // What was left before, and could not be removed because that was the fault, goes with the next write to that store.
  const left = (): readonly Problem[] =>
    [...strays(home.vault), ...strays(home.config)].filter(({ text }) => !text.endsWith(OLD_STRAY));
  if (inForce === from && readBytes(storePath(home, to)) === undefined && left().length === 0) {
    // As before the first run, so the next one is the first one again.
    return problems;
  }
  const again = await runMesa(args, {
    home,
    script: inject('quickMesa'),
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
  });
  const last = await judgeInForce('after the next run');
  if (again.status !== 0 || last !== to || !isDone()) {
    problems.push({ kind: 'damaged', text: `the next run did not end it: ${again.stderr}` });
  }
  return [...problems, ...left()];
}

export interface BackupCase {
  readonly backend: Backend;
  readonly file: string;
  readonly scopes: readonly string[];
}

/** There is no backup or a whole one, private; the store is as it was. */
export async function judgeBackup(
  home: TempHome,
  { backend, file, scopes }: BackupCase,
  result: RunResult,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [...modeProblems(file)];
  const exists = statSync(file, { throwIfNoEntry: false }) !== undefined;
  problems.push(...judgeReport(result, exists));
  if (exists) {
    const codec = new VaultCodec({ passphrase: PASSPHRASE, path: file });
    const text = await codec.decode(readFileSync(file)).catch(() => 'unreadable');
    if (!scopes.every((name) => text.includes(`key = "${keyOf(name)}"`))) {
      problems.push({ kind: 'damaged', text: `the backup holds ${text}` });
    }
    if (result.stderr.includes('nothing was written')) {
      problems.push({ kind: 'unclear', text: `untrue: ${result.stderr}` });
    }
  }
  const found = await readKeys(home, backend).catch(() => ['unreadable']);
  if (!sameLines(found, keyLines(scopes))) {
    problems.push({ kind: 'damaged', text: `the store holds ${found.join(', ')}` });
  }
  return problems;
}
