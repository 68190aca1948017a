import { dirname } from 'node:path';

import { MesaAuthError } from '../errors.ts';
import { globalPath } from '../git/global-settings.ts';
import { isMountPoint } from '../platform/replaceable.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** Single files that a container was given: they are read, and can never be replaced. */
export function checkMounts({
  env,
  paths,
  config,
}: Pick<Examined, 'env' | 'paths' | 'config'>): readonly Finding[] {
  const places = [
    paths.encryptedStore,
    paths.plaintextStore,
    ...(config instanceof MesaAuthError || config.file === undefined ? [] : [config.file]),
    ...gitSettings(env),
  ];
  return places
    .filter((path) => isMountPoint(path))
    .map((path) => ({
      check: 'mounts',
      severity: 'warning',
      what: `${path} is mounted by itself and cannot be replaced`,
      why: 'files are replaced as a whole, so that nothing is ever half-written; this one stays as it is',
      mend: `mount its directory instead: ${dirname(path)}`,
    }));
}

/** None without a home. */
function gitSettings(env: Examined['env']): readonly string[] {
  try {
    return [globalPath(env)];
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return [];
  }
}
