import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import type { Backend } from '../core/secret-store.ts';

export interface ProbeInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataDir: string;
  /** Whether the vault's key derivation fits into memory. */
  readonly enoughMemory: boolean;
}

/** What was found out about this machine, and what follows for the choice of a backend. */
export interface Probe {
  readonly recommended: Backend;
  /** One line each, for the person. */
  readonly findings: readonly string[];
  /** Undefined when secrets can be kept in the data directory; else why not. */
  readonly unusable: string | undefined;
}

export const CI_VARIABLES: readonly string[] = [
  'CI',
  'GITHUB_ACTIONS',
  'GITLAB_CI',
  'BUILDKITE',
  'CIRCLECI',
  'JENKINS_URL',
  'TF_BUILD',
];
export const CONTAINER_VARIABLES: readonly string[] = ['container', 'KUBERNETES_SERVICE_HOST'];
const CONTAINER_FILES = ['/.dockerenv', '/run/.containerenv'];
// statfs(2), f_type: file systems that end with the machine or the container.
const EPHEMERAL_FILE_SYSTEMS = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x794c7630, 'overlayfs'],
]);

/** Why what is kept in the data directory goes soon: a CI job, a file system in memory. Empty on a lasting disk. */
export function reasonsToPass({ env, dataDir }: Pick<ProbeInput, 'env' | 'dataDir'>): readonly string[] {
  const reasons: string[] = [];
  const ci = CI_VARIABLES.find((name) => (env[name] ?? '') !== '' && env[name] !== 'false');
  if (ci !== undefined) {
    reasons.push(`this is a CI job (${ci} is set)`);
  }
  const place = nearestExisting(dataDir);
  const ephemeral = ephemeralFileSystem(place);
  if (ephemeral !== undefined) {
    reasons.push(`${place} is on ${ephemeral}, which does not outlive this machine`);
  }
  return reasons;
}

/** Looks at the machine. Leaves nothing behind: what it tries, it tries in a directory that it removes. */
export function probeMachine({ env, dataDir, enoughMemory }: ProbeInput): Probe {
  const passing = reasonsToPass({ env, dataDir });
  const findings = [...passing];
  if (isContainer(env)) {
    findings.push('this is a container: what is not on a volume goes with it');
  }
  if (!enoughMemory) {
    findings.push("there is too little free memory for the vault's key derivation (256 MiB)");
  }
  const unusable = tryPlace(nearestExisting(dataDir));
  if (unusable === undefined && findings.length === 0) {
    findings.push(`${dataDir} can be kept private and durable`);
  }
  const recommended = passing.length > 0 || !enoughMemory ? 'plaintext-file' : 'encrypted-file';
  return { recommended, findings, unusable };
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path));
}

function isContainer(env: ProbeInput['env']): boolean {
  if (CONTAINER_VARIABLES.some((name) => (env[name] ?? '') !== '')) {
    return true;
  }
  if (CONTAINER_FILES.some((file) => existsSync(file))) {
    return true;
  }
  try {
    return /docker|containerd|kubepods|lxc/.test(readFileSync('/proc/1/cgroup', 'utf8'));
  } catch {
    return false;
  }
}

function ephemeralFileSystem(path: string): string | undefined {
  try {
    return EPHEMERAL_FILE_SYSTEMS.get(statfsSync(path).type);
  } catch {
    return undefined;
  }
}

/** Makes a directory private and a file in it durable, as a store does; gives why that failed. */
function tryPlace(place: string): string | undefined {
  let dir: string;
  try {
    dir = mkdtempSync(join(place, '.mesa-probe-'));
  } catch {
    return `${place} cannot be written`;
  }
  try {
    chmodSync(dir, 0o700);
    const file = join(dir, 'probe');
    const fd = openSync(file, 'wx', 0o600);
    try {
      writeSync(fd, 'probe');
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const isPrivate = (statSync(dir).mode & 0o777) === 0o700 && (statSync(file).mode & 0o777) === 0o600;
    return isPrivate ? undefined : `the file system of ${place} cannot keep files private`;
  } catch {
    return `${place} cannot keep files durably`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
