import { existsSync } from 'node:fs';

import { agentStatus } from '../../agent/control.ts';
import type { Config } from '../../config/config.ts';
import { describeDuration } from '../../core/duration.ts';
import { isEncrypted, type KeyEntries, type SecretStore } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { readSecret } from '../../session/secret-variable.ts';

/** How a store was found. */
export type StoreState =
  | { readonly kind: 'plaintext'; readonly entries: KeyEntries }
  | {
      readonly kind: 'unlocked';
      readonly entries: KeyEntries;
      /** The variable that opened it, or the agent. */
      readonly by: string;
      /** Milliseconds until the agent locks unless it is used before; undefined when it does not tell. */
      readonly left: number | undefined;
    }
  /** There is no file yet, so no keys either. */
  | { readonly kind: 'absent'; readonly entries: KeyEntries }
  /** LOCKED: no passphrase is at hand. */
  | { readonly kind: 'locked'; readonly entries: undefined; readonly error: MesaAuthError }
  /** A wrong passphrase, a damaged or unsafe file. */
  | { readonly kind: 'unreadable'; readonly entries: undefined; readonly error: MesaAuthError };

/**
 * Looks into the configured store as every command does, MESA_ORGS included, but takes a locked or unreadable one for
 * an answer.
 * @param context one that asks nothing
 * @throws INVALID_MESA_ORGS
 */
export async function storeStatus(context: Context, config: Config, store: SecretStore): Promise<StoreState> {
  let entries: KeyEntries;
  try {
    await beginCommand(context, config);
    entries = await store.read();
  } catch (error) {
    if (!(error instanceof MesaAuthError) || error.code === 'INVALID_MESA_ORGS') {
      throw error;
    }
    return { kind: error.code === 'LOCKED' ? 'locked' : 'unreadable', entries: undefined, error };
  }
  if (!existsSync(store.location)) {
    return { kind: 'absent', entries };
  }
  if (!isEncrypted(store.backend)) {
    return { kind: 'plaintext', entries };
  }
  const passphrase = readSecret(context.host, 'MESA_VAULT_PASSPHRASE');
  if (passphrase !== undefined) {
    return { kind: 'unlocked', entries, by: passphrase.variable, left: undefined };
  }
  const agent = await agentStatus(context.paths);
  const end = agent === undefined ? undefined : Math.min(agent.idleUntil.getTime(), agent.lockedAt.getTime());
  const left = end === undefined ? undefined : Math.max(0, end - context.host.now().getTime());
  return { kind: 'unlocked', entries, by: 'agent', left };
}

/** `unlocked by the agent, locks in 20 minutes`. */
export function describeState(state: StoreState): string {
  switch (state.kind) {
    case 'plaintext':
      return 'not encrypted';
    case 'unlocked':
      if (state.by === 'agent') {
        return `unlocked by the agent${state.left === undefined ? '' : `, locks in ${describeDuration(state.left)}`}`;
      }
      return `unlocked with ${state.by}`;
    case 'absent':
      return 'not made yet';
    case 'locked':
      return 'locked';
    case 'unreadable':
      return 'cannot be read';
  }
}
