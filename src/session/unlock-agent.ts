import { ask } from '../agent/client.ts';
import { lockAgent } from '../agent/control.ts';
import type { AgentStatus } from '../agent/protocol.ts';
import { agentPlace } from '../agent/socket-path.ts';
import { spawnAgent, type AgentProcess } from '../agent/start.ts';
import { describeDuration } from '../core/duration.ts';
import { MesaAuthError } from '../errors.ts';
import { inheritedDescriptors } from '../platform/inherited-descriptors.ts';
import type { Context } from './context.ts';
import { AGENT_COMMAND } from './program.ts';

export interface StartOptions {
  readonly passphrase: string;
  /** Milliseconds without use until it locks. */
  readonly idleMs: number;
  /** Whether the passphrase is known to open the vault. */
  readonly checked: boolean;
  /** A process that was started ahead of need. */
  readonly agent?: AgentProcess | undefined;
}

// A derivation with the highest work factor takes ten seconds, more where memory is slow.
const OPENED_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 30_000;

/**
 * Starts the agent for this user's vault. One that holds another vault, or is of another version, or does not answer, is
 * replaced.
 * @throws WRONG_PASSPHRASE, FAILURE, and whatever kept it from opening the vault or from listening
 */
export async function startAgent(
  context: Pick<Context, 'host' | 'paths'>,
  options: StartOptions,
): Promise<AgentStatus> {
  const { paths, host } = context;
  const { passphrase, idleMs } = options;
  let { agent, checked } = options;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const setup = {
      passphrase,
      paths,
      idleMs,
      checked,
      workFactor: host.workFactor,
      inherited: inheritedDescriptors(),
    };
    agent ??= spawnAgent([host.script, AGENT_COMMAND]);
    const start = await agent.begin(setup, checked ? READY_WITHIN_MS : OPENED_WITHIN_MS);
    agent = undefined;
    if (start.type === 'failed') {
      throw start.error;
    }
    const status = start.type === 'status' ? start.status : await extendAgent(context, idleMs);
    if (status !== undefined) {
      return status;
    }
    await lockAgent(paths);
    // The agent opens the vault before it looks for another one.
    checked = true;
  }
  throw new MesaAuthError('FAILURE', 'the unlock agent ended as soon as it had started', {
    hint: 'try again: mesa auth unlock',
  });
}

/**
 * Starts the idle time of a running agent anew.
 * @param idleMs also sets its length
 * @returns undefined when there is no agent of this version for this vault
 */
export async function extendAgent(
  { paths }: Pick<Context, 'paths'>,
  idleMs: number | undefined,
): Promise<AgentStatus | undefined> {
  const request = { type: 'extend', vault: paths.encryptedStore, idleMs } as const;
  const { reply } = await ask(agentPlace(paths), request);
  return reply?.type === 'status' ? reply.status : undefined;
}

/** After a passphrase was typed: keeps the vault unlocked, or warns that it could not. */
export async function keepUnlocked(
  context: Pick<Context, 'host' | 'output' | 'paths'>,
  options: Omit<StartOptions, 'checked'>,
): Promise<void> {
  try {
    await startAgent(context, { ...options, checked: true });
    context.output.note(
      `mesa: the vault stays unlocked for ${describeDuration(options.idleMs)} after each use; to lock it: mesa auth lock`,
    );
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    context.output.warn(`the vault does not stay unlocked: ${error.message}`);
  }
}
