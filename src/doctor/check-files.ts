import { checkLockFile } from '../platform/file-lock.ts';
import { checkPrivateDir } from '../platform/private-dir.ts';
import { readPrivateFile, usePrivateFile, type Looseness, type Warn } from '../platform/private-file.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';
import type { Examined } from './examined.ts';

const UNSAFE = 'somebody else could have changed it, so mesa does not use it';
const LOG_UNSAFE = 'uses of keys are not recorded in it';
const LOG_LOOSE = 'it tells which keys you have, and when you use them';
const LOCK_UNSAFE = 'without the lock mesa writes nothing';
const LOCK_LOOSE = 'whoever can read it can hold the lock, and keep mesa from writing';
const LOOSE = 'keys, and what they are for, are for you alone';

/** Modes, owners, links: what the store's own checks refuse or tighten, at every place that has to be private. */
export async function checkFiles({ paths }: Pick<Examined, 'paths'>): Promise<readonly Finding[]> {
  const dir = { path: paths.dataDir, base: paths.dataBase };
  const findings = await checkPlace((warn, looseness) => checkPrivateDir(dir, warn, looseness));
  for (const path of [paths.encryptedStore, paths.plaintextStore]) {
    findings.push(...(await checkPlace((warn, looseness) => readPrivateFile(path, warn, looseness))));
  }
  for (const path of [paths.useLog, paths.olderUseLog]) {
    // Of any size: the next use puts it aside.
    const log = (warn: Warn, looseness: Looseness): unknown =>
      usePrivateFile(path, warn, looseness, () => undefined);
    findings.push(...(await checkPlace(log, LOG_UNSAFE, LOG_LOOSE)));
  }
  const lock = await checkPlace(
    (warn, looseness) => checkLockFile(paths.lockFile, warn, looseness),
    LOCK_UNSAFE,
    LOCK_LOOSE,
  );
  return [...findings, ...lock];
}

/** Tells why it matters: `unsafe` of what mesa refuses, `loose` of what it tightens. */
async function checkPlace(
  look: (warn: Warn, looseness: Looseness) => unknown,
  unsafe = UNSAFE,
  loose = LOOSE,
): Promise<Finding[]> {
  const found: string[] = [];
  const error = await errorOf(() => look((message) => found.push(message), 'leave'));
  if (error !== undefined) {
    return [findingFrom('files', error, unsafe)];
  }
  const fix = (): Promise<readonly string[]> => {
    const done: string[] = [];
    look((message) => done.push(message), 'tighten');
    return Promise.resolve(done);
  };
  return found.map((what) => ({
    check: 'files',
    severity: 'error',
    what,
    why: loose,
    mend: 'mesa auth doctor --fix',
    fix,
  }));
}
