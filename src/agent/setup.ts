import type { Paths } from '../platform/paths.ts';
import { MAX_UNLOCK_MS } from '../core/unlock-time.ts';
import type { Reply } from './protocol.ts';
import { formatReply } from './format-reply.ts';
import { parseReply } from './parse-reply.ts';
import { asFields, formatLine, parseFields } from './wire.ts';

/** What a new agent is told, on its standard input. */
export interface AgentSetup {
  readonly passphrase: string;
  readonly paths: Paths;
  readonly idleMs: number;
  /** Whether the passphrase is known to open the vault: then the agent is ready before it has opened it. */
  readonly checked: boolean;
  /** For new vaults; see VaultCodecOptions. */
  readonly workFactor: number | undefined;
  /** Descriptors of whoever started it, which it must not keep open. */
  readonly inherited: readonly number[];
}

/** What it says, on its standard output, which it then closes: its status once it is ready, or what the store threw. */
export type AgentStart =
  | Extract<Reply, { type: 'status' | 'failed' }>
  /** There is another one already. */
  | { readonly type: 'running' };

export function formatSetup(setup: AgentSetup): string {
  return formatLine(setup);
}

/** The agent is started by the very same program; so this looks only for what may be there instead. */
export function parseSetup(line: string): AgentSetup | undefined {
  const fields = parseFields(line);
  if (fields === undefined || fields === 'version') {
    return undefined;
  }
  const { passphrase, paths, idleMs, checked, workFactor, inherited } = fields;
  const isSetup =
    typeof passphrase === 'string' &&
    typeof asFields(paths)?.['encryptedStore'] === 'string' &&
    typeof idleMs === 'number' &&
    idleMs > 0 &&
    idleMs <= MAX_UNLOCK_MS &&
    typeof checked === 'boolean' &&
    (workFactor === undefined || typeof workFactor === 'number') &&
    Array.isArray(inherited) &&
    inherited.every((fd) => Number.isSafeInteger(fd) && fd > 2);
  return isSetup
    ? { passphrase, paths: paths as Paths, idleMs, checked, workFactor, inherited: inherited as number[] }
    : undefined;
}

export function formatStart(start: AgentStart): string {
  return start.type === 'running' ? formatLine(start) : formatReply(start);
}

/** Undefined for what is no such line. */
export function parseStart(line: string): AgentStart | undefined {
  const fields = parseFields(line);
  if (fields !== undefined && fields !== 'version' && fields['type'] === 'running') {
    return { type: 'running' };
  }
  const reply = parseReply(line);
  return reply !== undefined && reply !== 'version' && (reply.type === 'status' || reply.type === 'failed')
    ? reply
    : undefined;
}
