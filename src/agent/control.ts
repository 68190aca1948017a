import { existsSync, rmSync } from 'node:fs';

import { errnoOf, MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import { closeQuietly } from '../platform/private-file.ts';
import { ask, sleep, type Failure } from './client.ts';
import type { AgentStatus } from './protocol.ts';
import { agentPlace, agentPlaces, hasAgentSocket, type AgentPlace } from './socket-path.ts';

/** How long one that was asked to end may take, until it is killed. */
const PATIENCE_MS = 1_000;
/** How long a killed process may take to be gone, on a machine that is short of time. */
const DEATH_MS = 10_000;
const POLL_MS = 20;

/** What there is in the agent's place. `none`: nothing; otherwise see Failure. */
export type AgentProbe = AgentStatus | 'none' | Failure;

/**
 * Asks the agent about itself, which does not extend its idle time. At most a second.
 * @throws STORE_UNSAFE when somebody else may have made the socket
 */
export async function probeAgent(paths: Paths): Promise<AgentProbe> {
  const place = agentPlace(paths);
  if (!hasAgentSocket(place)) {
    return 'none';
  }
  const { failure, reply } = await ask(place, { type: 'status' });
  if (failure !== undefined) {
    return failure;
  }
  switch (reply.type) {
    case 'status':
      return reply.status;
    case 'refused':
      return 'other-version';
    default:
      return 'broken';
  }
}

/**
 * The agent of this user, undefined when none answers or it is of another version; `probeAgent` tells these apart. The
 * agent may hold another vault than `paths.encryptedStore`.
 */
export async function agentStatus(paths: Paths): Promise<AgentStatus | undefined> {
  try {
    const probe = await probeAgent(paths);
    return typeof probe === 'string' ? undefined : probe;
  } catch (error) {
    if (error instanceof MesaAuthError) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Makes the agent of this user forget what it holds, whatever vault that is of: it is asked to end, and one that does
 * not answer is killed. Usually a few milliseconds; one that hangs costs a second.
 * @returns whether there was one; it is gone when this resolves
 * @throws STORE_UNSAFE when somebody else may have made the socket; FAILURE when the agent cannot be ended; IO
 */
export async function lockAgent(paths: Paths): Promise<boolean> {
  let found = false;
  let failure: MesaAuthError | undefined;
  for (const place of agentPlaces(paths)) {
    try {
      found = (await lockAt(place)) || found;
    } catch (error) {
      if (!(error instanceof MesaAuthError)) {
        throw error;
      }
      failure ??= error;
    }
  }
  if (failure !== undefined) {
    throw failure;
  }
  return found;
}

async function lockAt(place: AgentPlace): Promise<boolean> {
  const asked = hasAgentSocket(place) && (await ask(place, { type: 'lock' })).failure === undefined;
  // Where no agent ever ran there is no lock file, and none is made.
  return (existsSync(place.lockFile) && (await ensureEnded(place, asked))) || asked;
}

/** Removes the socket of an agent that ended without tidying up, so that the next command finds none. */
export async function removeDeadSocket(place: AgentPlace): Promise<void> {
  const { tryLockFile } = await import('../platform/file-lock.ts');
  // A new agent may be about to make its own.
  const fd = await tryLockFile(place.lockFile);
  if (fd !== undefined) {
    rmSync(place.socket, { force: true });
    closeQuietly(fd);
  }
}

/** Waits until nobody holds the agent's lock, and kills who does not let go; then removes what it left behind. */
async function ensureEnded(place: AgentPlace, asked: boolean): Promise<boolean> {
  const [{ readHolder, tryLockFile }, { hasFileOpen }] = await Promise.all([
    import('../platform/file-lock.ts'),
    import('../platform/process-state.ts'),
  ]);
  let found = false;
  let killed: number | undefined;
  const started = performance.now();
  for (;;) {
    const fd = await tryLockFile(place.lockFile);
    if (fd !== undefined) {
      rmSync(place.socket, { force: true });
      closeQuietly(fd);
      return found;
    }
    found = true;
    const written = readHolder(place.lockFile);
    // What is written may be of the holder before, whose pid may be another process's by now: that one is not killed.
    const pid = written !== undefined && hasFileOpen(written, place.lockFile) !== false ? written : undefined;
    const late = performance.now() - started > PATIENCE_MS;
    if ((!asked || late) && pid !== undefined && pid !== killed) {
      killed = kill(pid) ? pid : killed;
    } else if (late && performance.now() - started > PATIENCE_MS + DEATH_MS) {
      throw new MesaAuthError(
        'FAILURE',
        `the unlock agent${pid === undefined ? '' : ` (pid ${pid})`} does not end`,
        pid === undefined ? {} : { hint: `kill -KILL ${pid}` },
      );
    }
    await sleep(POLL_MS);
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return false;
  }
}
