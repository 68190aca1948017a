import type { KeyScope, StoreKey } from '../core/key-scope.ts';
import type { Change, ChangeOutcome, KeyEntry, Replacement } from '../core/secret-store.ts';
import type { MesaAuthError } from '../errors.ts';
import type { Moment } from './two-clocks.ts';

// One JSON line each way on a connection of its own; docs/agent-protocol.md describes the messages.

/** An agent of another version is replaced, not obeyed. */
export const PROTOCOL_VERSION = 3;
/** Its line break included. */
export const MAX_LINE_BYTES = 65_536;
/** Of all lines of one request; only `apply` has several. */
export const MAX_REQUEST_BYTES = 4 * MAX_LINE_BYTES;
/** How long a connection may take, and how old a write may be when it is performed. */
export const REQUEST_LIMIT_MS = 5_000;
/** How many are told of in one reply, which is one line. Nobody reads more. */
export const MAX_REPLACEMENTS = 16;
export type Request =
  | { readonly type: 'status' }
  | { readonly type: 'lock' }
  /** Starts the idle time anew; with `idleMs`, also sets its length. */
  | { readonly type: 'extend'; readonly vault: string; readonly idleMs: number | undefined }
  /** The entries of these scopes. */
  | { readonly type: 'read'; readonly vault: string; readonly scopes: readonly KeyScope[] }
  /** The entries that follow `after` in listing order, as many as fit into a line. */
  | { readonly type: 'list'; readonly vault: string; readonly after: StoreKey | undefined }
  /** Part of a transaction. The lines of one connection belong together; the `last` one performs them. */
  | {
      readonly type: 'apply';
      readonly vault: string;
      readonly sent: Moment;
      readonly changes: readonly Change[];
      readonly last: boolean;
    };

export interface AgentStatus {
  readonly pid: number;
  /** Of mesa, as in package.json. */
  readonly version: string;
  /** The vault's absolute path. */
  readonly vault: string;
  readonly unlockedSince: Date;
  /** When it locks unless it is used before. */
  readonly idleUntil: Date;
  /** When it locks in any case. */
  readonly lockedAt: Date;
  readonly idleMs: number;
  /** How many keys it has derived so far: to open the vault, and to seal it. */
  readonly derivations: { readonly opening: number; readonly sealing: number };
}

/**
 * version: the request is of another version. vault: the agent holds another one. unable: its file is gone, or there is no memory to seal it.
 * request: it makes no sense, or is too old.
 */
export const REFUSALS = ['version', 'vault', 'unable', 'request'] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Reply =
  | { readonly type: 'status'; readonly status: AgentStatus }
  /** Locked: the agent ends with this. */
  | { readonly type: 'locked' }
  | {
      readonly type: 'entries';
      readonly entries: readonly KeyEntry[];
      /** Which document they are of; another one has another revision. */
      readonly revision: string;
      /** Whether there are more behind them. */
      readonly more: boolean;
      readonly warnings: readonly string[];
    }
  | {
      readonly type: 'outcomes';
      readonly outcomes: readonly ChangeOutcome[];
      readonly replacements: readonly Replacement[];
      readonly warnings: readonly string[];
    }
  /** Deriving a key, or waiting for another writer: ask again. */
  | { readonly type: 'busy' }
  | { readonly type: 'refused'; readonly reason: Refusal }
  /** What the store threw. */
  | { readonly type: 'failed'; readonly error: MesaAuthError; readonly warnings: readonly string[] };
