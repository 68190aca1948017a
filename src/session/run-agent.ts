import { closeSync, openSync } from 'node:fs';

import { sleep } from '../agent/client.ts';
import { probeAgent } from '../agent/control.ts';
import { MAX_LINE_BYTES } from '../agent/protocol.ts';
import { serve, type AgentServer } from '../agent/server.ts';
import { formatStart, parseSetup, type AgentSetup, type AgentStart } from '../agent/setup.ts';
import { agentPlace, assertSocketPath } from '../agent/socket-path.ts';
import { readClocks } from '../agent/two-clocks.ts';
import { createUnlockState } from '../agent/unlock-state.ts';
import { MAX_UNLOCK_MS } from '../core/unlock-time.ts';
import { MesaAuthError } from '../errors.ts';
import { ensurePrivateDir } from '../platform/create-dirs.ts';
import { tryLockFile, writeHolder } from '../platform/file-lock.ts';
import type { Host, InputStream } from '../platform/host.ts';
import type { Paths } from '../platform/paths.ts';
import { closeQuietly } from '../platform/private-file.ts';
import { wallClock } from '../platform/process-host.ts';
import { AgentSideStore } from '../stores/agent-side-store.ts';
import { VERSION } from './program.ts';

const ENDING_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;
/** A timer does not count the time that the machine sleeps, so the clocks are looked at now and then. */
const LONGEST_NAP_MS = 5_000;

const TAKEN_WITHIN_MS = 5_000;
const POLL_MS = 20;

/**
 * The agent: the process that `mesa auth unlock` starts. It is told the passphrase on standard input, says on standard
 * output that it is ready, and then holds the vault open until it ends.
 * @returns a status only when it did not become an agent
 * @throws USAGE when somebody typed its name
 */
export async function runAgent(host: Host): Promise<number> {
  const setup = host.stdin.isTerminal ? undefined : parseSetup(readLine(host.stdin));
  if (setup === undefined) {
    throw new MesaAuthError('USAGE', 'this is a part of mesa that nobody needs to run', {
      hint: 'mesa auth unlock',
    });
  }
  process.title = 'mesa agent';
  setup.inherited.forEach(closeQuietly);
  const start = await become(setup, host.platform);
  try {
    host.stdout.write(formatStart(start));
  } catch {
    // Whoever started it is gone, so nobody knows of it: it ends, as when it is asked to.
    process.kill(process.pid, 'SIGTERM');
  }
  if (start.type !== 'status') {
    return 0;
  }
  leaveStandardStreams();
  return new Promise<never>(() => undefined);
}

async function become(setup: AgentSetup, platform: Host['platform']): Promise<AgentStart> {
  try {
    const { paths, passphrase, idleMs, checked, workFactor } = setup;
    const place = agentPlace(paths);
    assertSocketPath(place, platform);
    let server: AgentServer | undefined;
    // No tidying up but the socket: whatever else this process has ends with it, at once, also in the middle of a
    // derivation, for which an exit would wait.
    const lock = (): void => {
      server?.close();
      process.kill(process.pid, 'SIGKILL');
    };
    const vault = new AgentSideStore({
      paths,
      passphrase,
      now: wallClock,
      onWrongPassphrase: lock,
      ...(workFactor === undefined ? {} : { workFactor }),
    });
    if (!checked) {
      await vault.open();
    }
    ensurePrivateDir(place.dir, () => undefined);
    if (!(await takePlace(paths))) {
      return { type: 'running' };
    }
    const session = createUnlockState({
      vault,
      idleMs,
      lifetimeMs: MAX_UNLOCK_MS,
      now: readClocks,
      version: VERSION,
      pid: process.pid,
    });
    const listening = await serve(place.socket, session, lock);
    server = listening;
    for (const signal of ENDING_SIGNALS) {
      process.on(signal, lock);
    }
    const watch = (): void => {
      const remaining = listening.isReachable() ? session.remaining() : 0;
      if (remaining === 0) {
        lock();
      }
      setTimeout(watch, Math.min(remaining, LONGEST_NAP_MS));
    };
    watch();
    if (checked) {
      vault.openSoon();
    }
    return { type: 'status', status: session.status() };
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return { type: 'failed', error, warnings: [] };
  }
}

/**
 * Takes the agents' lock, until this process ends. Whoever else holds it may be about to listen, or be a command that
 * looks for an agent: the place counts as taken once somebody answers there, in whatever way.
 */
async function takePlace(paths: Paths): Promise<boolean> {
  const place = agentPlace(paths);
  const deadline = performance.now() + TAKEN_WITHIN_MS;
  for (;;) {
    const fd = await tryLockFile(place.lockFile);
    if (fd !== undefined) {
      writeHolder(fd);
      return true;
    }
    const probe = await probeAgent(paths);
    if ((probe !== 'none' && probe !== 'dead') || performance.now() > deadline) {
      return false;
    }
    await sleep(POLL_MS);
  }
}

/** The first line, or what there is of it. */
function readLine(stdin: InputStream): string {
  const received: Uint8Array[] = [];
  let length = 0;
  for (const chunk of stdin.chunks()) {
    received.push(chunk);
    length += chunk.length;
    if (chunk.includes(0x0a) || length > MAX_LINE_BYTES) {
      break;
    }
  }
  return Buffer.concat(received).toString('utf8');
}

/** The lowest free descriptor is the one that was just closed: nothing else shall get the number of a standard stream. */
function leaveStandardStreams(): void {
  for (const fd of [0, 1]) {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  }
}
