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
import { join } from 'node:path';

import type { Backend } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { nearestExisting, probeLock } from '../platform/probe-lock.ts';
import { mountOf } from '../platform/replaceable.ts';

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
  /** Undefined when secrets can be kept in the data directory; else why not: IO, STORE_BUSY where nothing can be locked. */
  readonly unusable: MesaAuthError | undefined;
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

/** Why what is kept in the data directory goes soon: a CI job, a file system in memory, a container. Empty on a lasting disk. */
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
  } else if (isContainer(env) && mountOf(place) === '/') {
    reasons.push(`this is a container, and ${place} is on no volume: it goes with the container`);
  }
  return reasons;
}

/** Looks at the machine. Leaves nothing behind: what it tries, it tries in a directory that it removes. */
export async function probeMachine({ env, dataDir, enoughMemory }: ProbeInput): Promise<Probe> {
  const passing = reasonsToPass({ env, dataDir });
  const findings = [...passing];
  if (isContainer(env) && passing.length === 0) {
    findings.push(`this is a container, and ${nearestExisting(dataDir)} is on a volume`);
  }
  if (!enoughMemory) {
    findings.push("there is too little free memory for the vault's key derivation (256 MiB)");
  }
  const obstacle = await tryPlace(nearestExisting(dataDir), join(dataDir, '.lock'));
  if (obstacle === undefined && findings.length === 0) {
    findings.push(`${dataDir} can be kept private and durable`);
  }
  const recommended = passing.length > 0 || !enoughMemory ? 'plaintext-file' : 'encrypted-file';
  return { recommended, findings, unusable: obstacle };
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

/**
 * Makes a directory private and a file in it durable, and locks one, as a store does; gives why that failed.
 * @param lockFile the one that will be locked, for messages
 */
async function tryPlace(place: string, lockFile: string): Promise<MesaAuthError | undefined> {
  let dir: string;
  try {
    dir = mkdtempSync(join(place, '.mesa-probe-'));
  } catch {
    return unusable(`${place} cannot be written`);
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
    await probeLock(file, lockFile);
    const isPrivate = (statSync(dir).mode & 0o777) === 0o700 && (statSync(file).mode & 0o777) === 0o600;
    return isPrivate ? undefined : unusable(`the file system of ${place} cannot keep files private`);
  } catch (error) {
    return error instanceof MesaAuthError ? error : unusable(`${place} cannot keep files durably`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function unusable(message: string): MesaAuthError {
  return new MesaAuthError('IO', message, {
    hint: 'make it writable, or set XDG_DATA_HOME to another directory',
  });
}
