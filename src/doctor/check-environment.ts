import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';

import { MesaAuthError } from '../errors.ts';
import type { Examined } from './examined.ts';
import { errorOf, findingFrom, type Finding } from './finding.ts';

/** A key, by the variable that holds it or names its file; the organization that it is for, if one is named. */
export interface SetKey {
  readonly variable: string;
  readonly org: string | undefined;
}

/** Of variables; each throws when its variable is malformed. */
export interface EnvironmentReaders {
  readonly key: () => Promise<SetKey | undefined>;
  readonly org: () => string | undefined;
  readonly orgs: () => unknown;
}

/** Variables that hide the store, or that stop every command that uses a key. */
export async function checkEnvironment(
  { paths, config, stores }: Pick<Examined, 'paths' | 'config' | 'stores'>,
  environment: EnvironmentReaders,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let key: SetKey | undefined;
  const organization = await errorOf(() => environment.org());
  const malformed = [
    organization,
    await errorOf(async () => {
      key = await environment.key();
    }),
    await errorOf(() => environment.orgs()),
  ];
  for (const error of malformed) {
    // The key's reader reads MESA_ORG, too.
    if (error !== undefined && (error === organization || error.code !== organization?.code)) {
      findings.push(findingFrom('environment', error, 'every command that uses a key stops at it'));
    }
  }
  const isStoreThere = !(config instanceof MesaAuthError) && stores[config.backend].exists;
  if (key !== undefined && isStoreThere) {
    const forWhom = key.org === undefined ? '' : ` for organization '${key.org}'`;
    findings.push({
      check: 'environment',
      severity: 'warning',
      what: `${key.variable} is set and comes before the store${forWhom}`,
      why: 'keys that you store or replace are not the ones that are used',
      mend: `unset ${key.variable}`,
    });
  }
  const defaultDir = join(paths.home, '.local', 'share', 'mesa');
  const hidden =
    defaultDir === paths.dataDir
      ? []
      : [paths.encryptedStore, paths.plaintextStore]
          .map((path) => join(defaultDir, basename(path)))
          .filter((path) => existsSync(path));
  if (hidden.length > 0) {
    findings.push({
      check: 'environment',
      severity: 'warning',
      what: `XDG_DATA_HOME is set, so ${hidden.join(' and ')} ${hidden.length === 1 ? 'is' : 'are'} not used`,
      why: 'keys that are only there are not found',
      mend: 'unset XDG_DATA_HOME, or move the file away',
    });
  }
  return findings;
}
