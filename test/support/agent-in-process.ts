import { onTestFinished } from 'vitest';

import { serve } from '../../src/agent/server.ts';
import { agentPlace } from '../../src/agent/socket-path.ts';
import { readClocks } from '../../src/agent/two-clocks.ts';
import { createUnlockState } from '../../src/agent/unlock-state.ts';
import { ensurePrivateDir } from '../../src/platform/create-dirs.ts';
import { resolvePaths } from '../../src/platform/process-host.ts';
import { AgentSideStore } from '../../src/stores/agent-side-store.ts';
import { PASSPHRASE } from './stores.ts';
import type { TempHome } from './temp-home.ts';

const HOUR = 60 * 60 * 1_000;

export interface ResidentAgent {
  readonly vault: AgentSideStore;
  /** Whether it came upon a vault that its passphrase does not open. */
  readonly sawWrongPassphrase: boolean;
  readonly socket: string;
}

/** The agent of a home directory, in this process, with a derivation that costs nothing. Ends with the test. */
export async function startResidentAgent(
  home: TempHome,
  now: () => Date = () => new Date(),
): Promise<ResidentAgent> {
  const paths = resolvePaths({ env: { HOME: home.path }, platform: 'linux' });
  const place = agentPlace(paths);
  ensurePrivateDir(place.dir, () => undefined);
  let sawWrongPassphrase = false;
  const vault = new AgentSideStore({
    paths,
    passphrase: PASSPHRASE,
    now,
    workFactor: 10,
    onWrongPassphrase: () => {
      sawWrongPassphrase = true;
    },
  });
  const session = createUnlockState({
    vault,
    idleMs: HOUR,
    lifetimeMs: HOUR,
    now: readClocks,
    version: 'test',
    pid: process.pid,
  });
  const server = await serve(place.socket, session, () => undefined);
  onTestFinished(() => server.close());
  return {
    vault,
    socket: place.socket,
    get sawWrongPassphrase() {
      return sawWrongPassphrase;
    },
  };
}
