import { existsSync, realpathSync } from 'node:fs';

import { MesaAuthError } from '../errors.ts';
import { withFileLock } from '../platform/file-lock.ts';
import { findTemps, removeStrayTemps } from '../platform/replace-file.ts';
import type { Examined } from './examined.ts';
import { errorOf, type Finding } from './finding.ts';

// A writer holds the lock for a second or two; whoever holds it now may own the file.
const LOCK_PATIENCE_MS = 5_000;

/** Temporary files of writers that were killed, of a store that is not there (yet), too. */
export async function checkStrayFiles({
  paths,
  config,
  withLock,
}: Pick<Examined, 'paths' | 'config' | 'withLock'>): Promise<readonly Finding[]> {
  const configFile = config instanceof MesaAuthError ? undefined : config.file;
  const targets = [
    paths.encryptedStore,
    paths.plaintextStore,
    ...(configFile === undefined ? [] : [configFile]),
  ].map(resolveLinks);
  const findings: Finding[] = [];
  for (const target of targets) {
    const strays = await straysOf(target, paths.lockFile);
    if (strays.length > 0) {
      findings.push({
        check: 'stray_files',
        severity: 'warning',
        what: `a write that was cut off left ${strays.join(', ')}`,
        why: 'it may hold keys, in the form that the store has',
        mend: 'mesa auth doctor --fix',
        fix: async () => {
          await withLock(() => Promise.resolve(removeStrayTemps(target)));
          return strays.map((path) => `removed ${path}`);
        },
      });
    }
  }
  return findings;
}

/** What cannot be resolved is taken as it is; the check of files tells of it. */
function resolveLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Looked for under the lock: a temporary file may belong to somebody who is writing right now. */
async function straysOf(target: string, lockFile: string): Promise<readonly string[]> {
  let found: readonly string[] = [];
  const look = (): Promise<void> => {
    found = findTemps(target);
    return Promise.resolve();
  };
  const unreadable = await errorOf(look);
  // No lock file, no writer: and looking makes none.
  if (unreadable !== undefined || found.length === 0 || !existsSync(lockFile)) {
    return found;
  }
  const options = { path: lockFile, onWait: () => undefined, giveUpAfterMs: LOCK_PATIENCE_MS };
  const error = await errorOf(() => withFileLock(options, look));
  return error?.code === 'STORE_BUSY' ? [] : found;
}
