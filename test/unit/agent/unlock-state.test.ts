import { describe, expect, it } from 'vitest';

import type { AgentBackend } from '../../../src/agent/agent-backend.ts';
import type { Reply, Request } from '../../../src/agent/protocol.ts';
import type { Moment } from '../../../src/agent/two-clocks.ts';
import { createUnlockState, type Connection, type Session } from '../../../src/agent/unlock-state.ts';
import type { Change, KeyEntry } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import { MesaAuthError } from '../../../src/errors.ts';

const MINUTE = 60_000;
const VAULT = '/vault';
const OPEN: Connection = { isOpen: true, poll: () => Promise.resolve() };
const SET: Change = { kind: 'set', scope: { kind: 'global' }, token: Token.parse('mesa_new') };

interface Under {
  readonly session: Session;
  /** Lets time pass by either clock. */
  readonly pass: (milliseconds: Partial<Moment>) => void;
  readonly written: readonly (readonly Change[])[];
  readonly ask: (request: Request, connection?: Connection) => Promise<Reply>;
}

function entriesOf(count: number, key: string): Map<`orgs/${string}`, KeyEntry> {
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const org = `o${String(index).padStart(5, '0')}`;
      const entry: KeyEntry = {
        scope: { kind: 'org', org },
        token: Token.parse(key),
        added: undefined,
        expires: undefined,
        keyId: undefined,
        api: undefined,
      };
      return [`orgs/${org}` as const, entry];
    }),
  );
}

function create(options: { readonly vault?: Partial<AgentBackend> } = {}): Under {
  let time: Moment = { wall: 1_000_000_000, monotonic: 5_000 };
  const written: (readonly Change[])[] = [];
  const vault: AgentBackend = {
    path: VAULT,
    derivations: { opening: 1, sealing: 2 },
    read: () => Promise.resolve({ entries: entriesOf(3, 'mesa_key'), revision: 1 }),
    apply: async (changes, { beforeWriting }) => {
      await beforeWriting();
      written.push(changes);
      return changes.map(() => 'stored');
    },
    ...options.vault,
  };
  const session = createUnlockState({
    vault,
    idleMs: 15 * MINUTE,
    lifetimeMs: 60 * MINUTE,
    now: () => time,
    version: '1.2.3',
    pid: 77,
  });
  return {
    session,
    pass: ({ wall = 0, monotonic = 0 }) => {
      time = { wall: time.wall + wall, monotonic: time.monotonic + monotonic };
    },
    written,
    ask: (request, connection = OPEN) => session.handle(request, connection),
  };
}

const both = (milliseconds: number): Moment => ({ wall: milliseconds, monotonic: milliseconds });
const apply = (sent: Moment): Request => ({ type: 'apply', vault: VAULT, sent, changes: [SET], last: true });
const START = { wall: 1_000_000_000, monotonic: 5_000 };

describe('the idle time', () => {
  it.each<[string, Request]>([
    ['read', { type: 'read', vault: VAULT, scopes: [] }],
    ['list', { type: 'list', vault: VAULT, after: undefined }],
    ['apply', apply(START)],
    ['extend', { type: 'extend', vault: VAULT, idleMs: undefined }],
  ])('is started anew by %s', async (_, request) => {
    const { session, pass, ask } = create();
    pass(both(10 * MINUTE));
    await ask(request);
    expect(session.remaining()).toBe(15 * MINUTE);
  });

  it.each<[string, Request]>([
    ['status', { type: 'status' }],
    ['a read of another vault', { type: 'read', vault: '/other', scopes: [] }],
    ['a write to another vault', { ...apply(START), vault: '/other' } as Request],
  ])('is not extended by %s', async (_, request) => {
    const { session, pass, ask, written } = create();
    pass(both(10 * MINUTE));
    const reply = await ask(request);
    expect(reply.type === 'status' || (reply.type === 'refused' && reply.reason === 'vault')).toBe(true);
    expect(session.remaining()).toBe(5 * MINUTE);
    expect(written).toEqual([]);
  });

  it.each([
    ['the wall clock, as after a sleep of the machine', { wall: 15 * MINUTE }],
    ['the monotonic clock, when the other was set back', { wall: -60 * MINUTE, monotonic: 15 * MINUTE }],
  ])('ends by %s; then nothing is answered any more', async (_, time) => {
    const { session, pass, ask, written } = create();
    pass(time);
    expect(session.remaining()).toBe(0);
    for (const request of [
      { type: 'read', vault: VAULT, scopes: [] },
      apply(START),
      { type: 'status' },
    ] as const) {
      expect(await ask(request)).toEqual({ type: 'locked' });
    }
    expect(written).toEqual([]);
  });

  it('is set by extend, and never lasts longer than the limit, which no use extends', async () => {
    const { session, pass, ask } = create();
    for (let use = 0; use < 5; use += 1) {
      pass(both(10 * MINUTE));
      await ask({ type: 'read', vault: VAULT, scopes: [] });
    }
    expect(session.remaining()).toBe(10 * MINUTE);
    const reply = await ask({ type: 'extend', vault: VAULT, idleMs: 30 * MINUTE });
    expect(reply).toMatchObject({ type: 'status', status: { idleMs: 30 * MINUTE } });
    expect(session.remaining()).toBe(10 * MINUTE);
    pass(both(10 * MINUTE));
    expect(await ask({ type: 'status' })).toEqual({ type: 'locked' });
  });
});

describe('a write', () => {
  it('is performed for a client that waits for it', async () => {
    const { ask, written } = create();
    expect(await ask(apply(START))).toEqual({
      type: 'outcomes',
      outcomes: ['stored'],
      replacements: [],
      warnings: [],
    });
    expect(written).toEqual([[SET]]);
  });

  it('is dropped when its client is found to be gone after the lock was taken', async () => {
    const { ask, written } = create();
    let isOpen = true;
    const leaving: Connection = {
      get isOpen() {
        return isOpen;
      },
      poll: () => {
        isOpen = false;
        return Promise.resolve();
      },
    };
    expect(await ask(apply(START), leaving)).toEqual({ type: 'refused', reason: 'request' });
    expect(written).toEqual([]);
  });

  it.each([
    ['wall', { wall: 5_001 }],
    ['monotonic', { monotonic: 5_001 }],
  ])('is dropped when it is older than 5 seconds by the %s clock', async (_, time) => {
    const { ask, pass, written } = create();
    pass(time);
    expect(await ask(apply(START))).toEqual({ type: 'refused', reason: 'request' });
    expect(written).toEqual([]);
  });
});

describe('a list', () => {
  it('comes in pages that fit into a line, each entry once and in order', async () => {
    const entries = entriesOf(30, 'x'.repeat(16_000));
    const { ask } = create({ vault: { read: () => Promise.resolve({ entries, revision: 1 }) } });
    const names: string[] = [];
    let after: `orgs/${string}` | undefined;
    for (let more = true; more;) {
      const reply = await ask({ type: 'list', vault: VAULT, after });
      if (reply.type !== 'entries') {
        throw new Error(`no entries: ${reply.type}`);
      }
      const page = reply.entries.map(({ scope }) =>
        scope.kind === 'org' ? (`orgs/${scope.org}` as const) : 'global',
      );
      expect(page.length).toBeGreaterThan(0);
      expect(page.length).toBeLessThan(5);
      names.push(...page);
      after = page.at(-1) as `orgs/${string}`;
      ({ more } = reply);
    }
    expect(names).toEqual([...entries.keys()]);
  });

  it('has another revision when the document is another one', async () => {
    let revision = 1;
    const entries = entriesOf(1, 'mesa_key');
    const { ask } = create({ vault: { read: () => Promise.resolve({ entries, revision }) } });
    const list: Request = { type: 'list', vault: VAULT, after: undefined };
    const first = await ask(list);
    expect(await ask(list)).toEqual(first);
    revision = 2;
    expect(await ask(list)).not.toEqual(first);
  });
});

it.each<[string, Partial<AgentBackend>, Reply]>([
  ['a vault that is gone', { read: () => Promise.resolve(undefined) }, { type: 'refused', reason: 'unable' }],
  [
    'a derivation',
    { read: () => Promise.reject(new MesaAuthError('STORE_BUSY', 'deriving')) },
    { type: 'busy' },
  ],
])('answers at once about %s', async (_, vault, reply) => {
  expect(await create({ vault }).ask({ type: 'read', vault: VAULT, scopes: [] })).toEqual(reply);
});

it('passes on what the store refuses and what it warns of', async () => {
  const error = new MesaAuthError('STORE_DAMAGED', 'damaged', { hint: 'mend it' });
  const { ask } = create({
    vault: {
      read: (warn) => {
        warn('mind the gap');
        return Promise.reject(error);
      },
    },
  });
  expect(await ask({ type: 'read', vault: VAULT, scopes: [] })).toEqual({
    type: 'failed',
    error,
    warnings: ['mind the gap'],
  });
});
