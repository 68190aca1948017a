import { checkLockFile } from '../platform/file-lock.ts';
import { checkPrivateDir } from '../platform/private-dir.ts';
import { readPrivateFile, type Looseness, type Warn } from '../platform/private-file.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';

const UNSAFE = 'somebody else could have changed it, so mesa does not use it';
const LOOSE = 'keys, and what they are for, are for you alone';

/** Modes, owners, links: what the store's own checks refuse or tighten, at every place that has to be private. */
export async function checkFiles({ paths }: Pick<Patient, 'paths'>): Promise<readonly Finding[]> {
  const dir = { path: paths.dataDir, base: paths.dataBase };
  const findings = await checkPlace((warn, looseness) => checkPrivateDir(dir, warn, looseness));
  for (const path of [paths.encryptedStore, paths.plaintextStore]) {
    findings.push(...(await checkPlace((warn, looseness) => readPrivateFile(path, warn, looseness))));
  }
  const lock = await errorOf(() => {
    checkLockFile(paths.lockFile);
  });
  return lock === undefined
    ? findings
    : [...findings, findingFrom('files', lock, 'without the lock mesa writes nothing')];
}

async function checkPlace(look: (warn: Warn, looseness: Looseness) => unknown): Promise<Finding[]> {
  const loose: string[] = [];
  const error = await errorOf(() => look((message) => loose.push(message), 'leave'));
  if (error !== undefined) {
    return [findingFrom('files', error, UNSAFE)];
  }
  const fix = (): Promise<readonly string[]> => {
    const done: string[] = [];
    look((message) => done.push(message), 'tighten');
    return Promise.resolve(done);
  };
  return loose.map((what) => ({
    check: 'files',
    severity: 'error',
    what,
    why: LOOSE,
    mend: 'mesa auth doctor --fix',
    fix,
  }));
}
