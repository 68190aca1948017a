import { reasonsToPass } from '../onboarding/probe.ts';
import { checkAgent } from './check-agent.ts';
import { checkConfig } from './check-config.ts';
import { checkEnvironment, type EnvironmentReaders } from './check-environment.ts';
import { checkExpiredKeys, checkExpiryDates } from './check-expiry-dates.ts';
import { checkFiles } from './check-files.ts';
import { checkGitHelper } from './check-git-helper.ts';
import { checkLegacyKeys } from './check-legacy-keys.ts';
import { checkLock } from './check-lock.ts';
import { checkMounts } from './check-mounts.ts';
import { checkPlaintextDisk } from './check-plaintext-disk.ts';
import { checkPreviousKeys } from './check-previous-keys.ts';
import { checkSettings } from './check-settings.ts';
import { checkSlowStart } from './check-slow-start.ts';
import { checkBothBackends, checkStores } from './check-stores.ts';
import { checkStrayFiles } from './check-stray-files.ts';
import { checkWorkFactor } from './check-work-factor.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** Every check, one after the other: the files first, because the others read them. */
export async function examine(
  patient: Examined,
  environment: EnvironmentReaders,
): Promise<readonly Finding[]> {
  const { env, paths } = patient;
  const passing = reasonsToPass({ env, dataDir: paths.dataDir });
  return [
    ...checkConfig(patient),
    ...checkSettings(patient),
    ...(await checkFiles(patient)),
    ...checkMounts(patient),
    ...(await checkLock(patient)),
    ...(await checkStrayFiles(patient)),
    ...(await checkStores(patient)),
    ...(await checkExpiryDates(patient)),
    ...checkExpiredKeys(patient),
    ...(await checkPreviousKeys(patient)),
    ...(await checkLegacyKeys(patient)),
    ...checkBothBackends(patient, passing),
    ...checkPlaintextDisk(patient, passing),
    ...(await checkWorkFactor(patient)),
    ...(await checkAgent(patient)),
    ...(await checkEnvironment(patient, environment)),
    ...checkSlowStart(patient),
    ...(await checkGitHelper(patient)),
  ];
}
