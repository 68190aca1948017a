import { formatStoreKey } from '../core/key-scope.ts';
import type { KeyEntry, Replacement } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { AgentBackend } from './agent-backend.ts';
import { countFitting } from './format-reply.ts';
import {
  MAX_REPLACEMENTS,
  REQUEST_LIMIT_MS,
  type AgentStatus,
  type Reply,
  type Request,
} from './protocol.ts';
import { elapsed, type Moment } from './two-clocks.ts';

export interface SessionOptions {
  readonly vault: AgentBackend;
  /** Milliseconds without use until it locks. */
  readonly idleMs: number;
  /** Milliseconds until it locks in any case. */
  readonly lifetimeMs: number;
  readonly now: () => Moment;
  /** Of mesa. */
  readonly version: string;
  readonly pid: number;
}

/** What a request came over. */
export interface Connection {
  /** Resolves after whatever had arrived by now was seen, the end of the connection included. */
  poll(): Promise<void>;
  readonly isOpen: boolean;
}

/** What the agent does, without sockets: requests, and the two limits on time. */
export interface Session {
  /** Never rejects for what a client may cause. */
  handle(request: Request, connection: Connection): Promise<Reply>;
  status(): AgentStatus;
  /** Milliseconds until it must lock unless it is used; 0 when it must now. */
  remaining(): number;
}

type EntriesReply = Extract<Reply, { type: 'entries' }>;

/**
 * Both limits hold by the wall clock and by the monotonic one, whichever is further: the latter stands still while the
 * machine sleeps, the former can be set back. `read`, `list`, `apply` and `extend` count as use; `status` does not.
 */
export function createUnlockState(options: SessionOptions): Session {
  const { vault, lifetimeMs, now, version, pid } = options;
  const started = now();
  let { idleMs } = options;
  let used = started;

  const remainingIdle = (at: Moment): number => idleMs - elapsed(used, at);
  const remainingLife = (at: Moment): number => lifetimeMs - elapsed(started, at);
  const remaining = (): number => {
    const at = now();
    return Math.max(0, Math.min(remainingIdle(at), remainingLife(at)));
  };

  const status = (): AgentStatus => {
    const at = now();
    const lockedAt = at.wall + remainingLife(at);
    return {
      pid,
      version,
      vault: vault.path,
      unlockedSince: new Date(started.wall),
      idleUntil: new Date(Math.min(at.wall + remainingIdle(at), lockedAt)),
      lockedAt: new Date(lockedAt),
      idleMs,
      derivations: vault.derivations,
    };
  };

  const read = async (select: (all: ReadonlyMap<string, KeyEntry>) => Page): Promise<Reply> => {
    const warnings: string[] = [];
    return attempt(warnings, async () => {
      const view = await vault.read((message) => warnings.push(message));
      if (view === undefined) {
        return refused('unable');
      }
      const { candidates, rest } = select(view.entries);
      const reply = {
        type: 'entries',
        // The number alone would come again after a new start.
        revision: `${pid}.${started.wall}.${view.revision}`,
        more: true,
        warnings,
      } as const;
      const fitting = countFitting(candidates, reply);
      return {
        ...reply,
        more: fitting < candidates.length || rest,
        entries: candidates.slice(0, fitting),
      } satisfies EntriesReply;
    });
  };

  const apply = async (
    request: Extract<Request, { type: 'apply' }>,
    connection: Connection,
  ): Promise<Reply> => {
    const warnings: string[] = [];
    // A client that gave up has closed the connection, and written by itself: performing its request now could undo
    // what others wrote since. Under the lock nobody can come between this look and the write.
    const beforeWriting = async (): Promise<void> => {
      await connection.poll();
      if (!connection.isOpen || elapsed(request.sent, now()) > REQUEST_LIMIT_MS) {
        throw new MesaAuthError('INTERRUPTED', 'the client gave up');
      }
    };
    return attempt(warnings, async () => {
      const warn = (message: string): void => {
        warnings.push(message);
      };
      const replacements: Replacement[] = [];
      const outcomes = await vault.apply(request.changes, {
        warn,
        beforeWriting,
        onReplaced: (replacement) => replacements.push(replacement),
      });
      return outcomes === undefined
        ? refused('unable')
        : { type: 'outcomes', outcomes, replacements: replacements.slice(0, MAX_REPLACEMENTS), warnings };
    });
  };

  const handle = async (request: Request, connection: Connection): Promise<Reply> => {
    if (request.type === 'lock' || remaining() === 0) {
      return { type: 'locked' };
    }
    if (request.type === 'status') {
      return { type: 'status', status: status() };
    }
    if (request.vault !== vault.path) {
      return refused('vault');
    }
    used = now();
    switch (request.type) {
      case 'extend':
        idleMs = request.idleMs ?? idleMs;
        return { type: 'status', status: status() };
      case 'read':
        return read((all) => ({
          candidates: request.scopes.flatMap((scope) => all.get(formatStoreKey(scope)) ?? []),
          rest: false,
        }));
      case 'list':
        return read((all) => pageAfter(all, request.after));
      case 'apply':
        return apply(request, connection);
    }
  };
  return { handle, status, remaining };
}

/** Entries from which a reply takes as many as fit, and whether there are others behind them. */
interface Page {
  readonly candidates: readonly KeyEntry[];
  readonly rest: boolean;
}

/** More than fit into a line: the shortest entry takes 20 bytes. */
const LARGEST_PAGE = 4_096;

function pageAfter(all: ReadonlyMap<string, KeyEntry>, after: string | undefined): Page {
  const candidates: KeyEntry[] = [];
  let behind = after === undefined;
  for (const [name, entry] of all) {
    if (behind) {
      if (candidates.length === LARGEST_PAGE) {
        return { candidates, rest: true };
      }
      candidates.push(entry);
    }
    behind ||= name === after;
  }
  return { candidates, rest: false };
}

function refused(reason: Extract<Reply, { type: 'refused' }>['reason']): Reply {
  return { type: 'refused', reason };
}

/** What the store throws, as a reply. */
async function attempt(warnings: readonly string[], work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    switch (error.code) {
      case 'STORE_BUSY':
        return { type: 'busy' };
      case 'INTERRUPTED':
        return refused('request');
      default:
        return { type: 'failed', error, warnings };
    }
  }
}
