import { existsSync, rmSync } from 'node:fs';

import { errnoOf, MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import { closeQuietly } from '../platform/private-file.ts';
import { MAX_LINE_BYTES, type AgentStatus, type Reply, type Request } from './protocol.ts';
import { parseReply } from './replies.ts';
import { formatRequest } from './requests.ts';
import { agentPlace, hasAgentSocket, type AgentPlace } from './socket-path.ts';

const SILENCE_MS = 1_000;
/** How long a killed process may take to be gone, on a machine that is short of time. */
const DEATH_MS = 10_000;
const POLL_MS = 20;

/** What became of a request, where there was no reply to it. */
export type Failure =
  /** Nobody listens: there is no agent, or one that ended without tidying up. */
  | 'dead'
  /** The connection ended without a reply; the agent may or may not have done what it was asked. */
  | 'broken'
  /** No reply within a second. */
  | 'silent'
  /** Something that this version does not understand. */
  | 'other-version';

export type Answer =
  | { readonly failure: undefined; readonly reply: Reply }
  | { readonly failure: Failure; readonly reply: undefined };

/**
 * Sends the lines of one request and waits for the reply, for a second at most. When this gives up, the connection is
 * closed by then: the agent performs no write whose connection is closed.
 */
export function askAgent(socketPath: string, lines: readonly string[]): Promise<Answer> {
  // Loaded here: no command needs it unless there is an agent.
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    let length = 0;
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const fail = (failure: Failure): void => {
      socket.destroy();
      end({ failure, reply: undefined });
    };
    const take = (chunk: Buffer): void => {
      received.push(chunk);
      length += chunk.length;
      if (chunk.includes('\n') || length > MAX_LINE_BYTES) {
        const reply = parseReply(Buffer.concat(received).toString('utf8'));
        if (reply === undefined || reply === 'version') {
          fail('other-version');
        } else {
          // The agent closes the connection now.
          end({ failure: undefined, reply });
        }
      }
    };
    const socket = connect({
      path: socketPath,
      // Without the stream's own way of reading, which a look-up would load for one line.
      onread: {
        buffer: Buffer.allocUnsafe(MAX_LINE_BYTES),
        callback: (count, buffer) => {
          take(Buffer.from(buffer.subarray(0, count)));
          return true;
        },
      },
    });
    const timer = setTimeout(() => fail('silent'), SILENCE_MS);
    socket.on('error', (error) => {
      const errno = errnoOf(error);
      fail(errno === 'ECONNREFUSED' || errno === 'ENOENT' ? 'dead' : 'broken');
    });
    socket.on('close', () => fail('broken'));
    socket.on('connect', () => socket.write(lines.join('')));
  });
}

export function ask(socketPath: string, request: Request): Promise<Answer> {
  return askAgent(socketPath, [formatRequest(request)]);
}

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
  const { failure, reply } = await ask(place.socket, { type: 'status' });
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
  const place = agentPlace(paths);
  const asked = hasAgentSocket(place) && (await ask(place.socket, { type: 'lock' })).failure === undefined;
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

/** As node:timers/promises has it, which most commands need not load. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Waits until nobody holds the agent's lock, and kills who does not let go; then removes what it left behind. */
async function ensureEnded(place: AgentPlace, asked: boolean): Promise<boolean> {
  const { readHolder, tryLockFile } = await import('../platform/file-lock.ts');
  let found = false;
  let killed = false;
  const started = performance.now();
  for (;;) {
    const fd = await tryLockFile(place.lockFile);
    if (fd !== undefined) {
      rmSync(place.socket, { force: true });
      closeQuietly(fd);
      return found;
    }
    found = true;
    const pid = readHolder(place.lockFile);
    const late = performance.now() - started > SILENCE_MS;
    if ((!asked || late) && !killed && pid !== undefined) {
      killed = kill(pid);
    } else if (late && performance.now() - started > SILENCE_MS + DEATH_MS) {
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
