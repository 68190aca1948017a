import type { EnvironmentKey } from '../core/resolve-key.ts';
import { reasonsToPass } from '../onboarding/probe.ts';
import { checkAgent } from './check-agent.ts';
import { checkConfig } from './check-config.ts';
import { checkEnvironment } from './check-environment.ts';
import { checkFiles } from './check-files.ts';
import { checkGitHelper } from './check-git-helper.ts';
import { checkLegacyKeys } from './check-legacy-keys.ts';
import { checkPlaintextDisk } from './check-plaintext-disk.ts';
import { checkSlowStart } from './check-slow-start.ts';
import { checkBothBackends, checkStores } from './check-stores.ts';
import { checkStrayFiles } from './check-stray-files.ts';
import { checkWorkFactor } from './check-work-factor.ts';
import type { Finding } from './finding.ts';
import type { Patient } from './patient.ts';

/** Every check, one after the other: the files first, because the others read them. */
export async function examine(
  patient: Patient,
  environmentKey: () => EnvironmentKey | undefined,
): Promise<readonly Finding[]> {
  const { env, paths } = patient;
  return [
    ...checkConfig(patient),
    ...(await checkFiles(patient)),
    ...(await checkStrayFiles(patient)),
    ...checkStores(patient),
    ...checkLegacyKeys(patient),
    ...checkBothBackends(patient),
    ...checkPlaintextDisk(patient, reasonsToPass({ env, dataDir: paths.dataDir })),
    ...(await checkWorkFactor(patient)),
    ...(await checkAgent(patient)),
    ...(await checkEnvironment(patient, environmentKey)),
    ...checkSlowStart(patient),
    ...(await checkGitHelper(patient)),
  ];
}
