import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { MAX_LINE_BYTES, MAX_REQUEST_BYTES, type Reply, type Request } from '../../../src/agent/protocol.ts';
import { formatReply } from '../../../src/agent/format-reply.ts';
import { formatApply, formatRequest } from '../../../src/agent/format-request.ts';
import { parseReply } from '../../../src/agent/parse-reply.ts';
import { parseRequest } from '../../../src/agent/parse-request.ts';
import type { Change } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import { MesaAuthError } from '../../../src/errors.ts';
import { findFault } from '../../support/runs.ts';

const SENT = { wall: 1_790_000_000_000, monotonic: 123_456 };
const VAULT = '/home/ä "x"/secrets.vault.age';
const SET: Change = { kind: 'set', scope: { kind: 'org', org: 'acme' }, token: Token.parse('mesa_"\\~') };
const LEARN: Change = {
  kind: 'learn',
  scope: { kind: 'global' },
  token: Token.parse('mesa_a'),
  facts: { keyId: 'key_"1', expires: new Date(9) },
};
const REPLACE: Change = {
  kind: 'replace',
  scope: { kind: 'org', org: 'acme' },
  old: Token.parse('mesa_old'),
  token: Token.parse('mesa_new'),
  facts: { keyId: 'key_2' },
  api: 'http://127.0.0.1:4477',
};
const UNDO: Change = { kind: 'undo', scope: { kind: 'global' }, present: Token.parse('mesa_a'), keep: 5 };
const ANY_UNDO: Change = { kind: 'undo', scope: { kind: 'global' }, present: undefined };
const FORGET: Change = { kind: 'forget', scope: { kind: 'global' } };
const REMOVE: Change = { kind: 'remove', scope: { kind: 'repo', org: 'acme', repo: 'web' } };

const REQUESTS: readonly Request[] = [
  { type: 'status' },
  { type: 'lock' },
  { type: 'extend', vault: VAULT, idleMs: undefined },
  { type: 'extend', vault: VAULT, idleMs: 900_000 },
  { type: 'read', vault: VAULT, scopes: [{ kind: 'global' }, { kind: 'org', org: 'acme' }] },
  { type: 'list', vault: VAULT, after: undefined },
  { type: 'list', vault: VAULT, after: 'orgs/acme' },
  {
    type: 'apply',
    vault: VAULT,
    sent: SENT,
    changes: [
      SET,
      { ...SET, keep: 0 },
      REMOVE,
      LEARN,
      { ...LEARN, facts: {} },
      REPLACE,
      UNDO,
      ANY_UNDO,
      FORGET,
    ],
    last: true,
  },
  { type: 'apply', vault: VAULT, sent: SENT, changes: [], last: false },
];

const REPLIES: readonly Reply[] = [
  {
    type: 'status',
    status: {
      pid: 7,
      version: '0.1.0',
      vault: VAULT,
      unlockedSince: new Date(0),
      idleUntil: new Date(1),
      lockedAt: new Date(2),
      idleMs: 900_000,
      derivations: { opening: 1, sealing: 2 },
    },
  },
  { type: 'locked' },
  { type: 'busy' },
  { type: 'refused', reason: 'unable' },
  {
    type: 'entries',
    entries: [
      {
        scope: { kind: 'global' },
        token: Token.parse('mesa_a'),
        added: new Date(5),
        expires: new Date(7),
        keyId: 'key_1',
        api: 'https://api.mesa.dev',
      },
      {
        scope: { kind: 'org', org: 'acme' },
        token: Token.parse('mesa_b'),
        added: undefined,
        expires: undefined,
        keyId: undefined,
        api: undefined,
      },
    ],
    revision: '1.2.3',
    more: true,
    warnings: ['mind the gap'],
  },
  {
    type: 'outcomes',
    outcomes: ['stored', 'replaced', 'removed', 'learnt', 'undone', 'forgotten', 'absent'],
    replacements: [{ scope: { kind: 'org', org: 'acme' }, old: 'mesa_****11aa', new: '****' }],
    warnings: [],
  },
  { type: 'failed', error: new MesaAuthError('IO', 'cannot', { hint: 'try' }), warnings: [] },
];

/** Tokens compare by what they hold. */
function revealed(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) =>
      part instanceof MesaAuthError
        ? { code: part.code, message: part.message, hint: part.hint }
        : part instanceof Token
          ? part.reveal()
          : part,
    ),
  );
}

describe('a message', () => {
  it.each(REQUESTS.map((request) => [request.type, request] as const))(
    '%s is read as it was written',
    (_, request) => {
      const line = formatRequest(request);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(revealed(parseRequest(line))).toEqual(revealed(request));
    },
  );

  it.each(REPLIES.map((reply) => [reply.type, reply] as const))(
    '%s is read as it was written',
    (_, reply) => {
      const line = formatReply(reply);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(revealed(parseReply(line))).toEqual(revealed(reply));
    },
  );

  it('of another version is told from one that makes no sense', () => {
    for (const parse of [parseRequest, parseReply]) {
      expect(parse('{"v":4,"type":"status"}')).toBe('version');
      for (const line of [
        '',
        'null',
        '[]',
        '1',
        '"v"',
        '{}',
        '{"v":"1"}',
        '{"v":3}',
        '{"v":3,"type":"no"}',
        '{',
      ]) {
        expect(parse(line)).toBeUndefined();
      }
    }
  });

  it.each([
    ['a scope that is none', '{"v":3,"type":"read","vault":"/v","scopes":["teams/blue"]}'],
    [
      'too many scopes',
      `{"v":3,"type":"read","vault":"/v","scopes":${JSON.stringify(Array(17).fill('global'))}}`,
    ],
    ['no vault', '{"v":3,"type":"read","scopes":[]}'],
    ['a path without end', `{"v":3,"type":"read","vault":"/${'v'.repeat(5_000)}","scopes":[]}`],
    ['an idle time above 12 hours', '{"v":3,"type":"extend","vault":"/v","idleMs":43200001}'],
    ['an idle time that is no time', '{"v":3,"type":"extend","vault":"/v","idleMs":null}'],
    [
      'a key that is none',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["set","global","a b",null,null]],"last":true}',
    ],
    [
      'a time to keep that is none',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["set","global","a",null,-1]],"last":true}',
    ],
    [
      'an undo of what is no key',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["undo","global","a b",null]],"last":true}',
    ],
    [
      'a change with more',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["set","global","a",null,null,1]],"last":true}',
    ],
    [
      'a key id that is none',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["learn","global","a",{"keyId":"a b"}]],"last":true}',
    ],
    [
      'an end that is no date',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["learn","global","a",{"expires":"soon"}]],"last":true}',
    ],
    [
      'a replacement of what is no key',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["replace","global","a",{},1,null]],"last":true}',
    ],
    [
      'an API that is none',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["set","global","a","not one",null]],"last":true}',
    ],
    [
      'a kind of change that is none',
      '{"v":3,"type":"apply","vault":"/v","sent":{"wall":1,"monotonic":1},"changes":[["move","global","a",null,null]],"last":true}',
    ],
    ['a write without its time', '{"v":3,"type":"apply","vault":"/v","changes":[],"last":true}'],
  ])('with %s is refused', (_, line) => {
    expect(parseRequest(line)).toBeUndefined();
  });
});

function changes(count: number, size: number): readonly Change[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'set',
    scope: { kind: 'org', org: `o${index}` },
    token: Token.parse('"'.repeat(size)),
  }));
}

describe('a write', () => {
  it.each([
    [0, 1],
    [1, 16_384],
    [1_000, 50],
    [7, 16_000],
  ])(
    'of %i keys with %i characters goes out in lines that fit, of which only the last performs it',
    (count, size) => {
      const lines = formatApply(VAULT, changes(count, size), SENT) ?? [];
      expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(MAX_LINE_BYTES);
      const parsed = lines.map((line) => parseRequest(line) as Extract<Request, { type: 'apply' }>);
      expect(parsed.map(({ last }) => last)).toEqual(lines.map((_, index) => index === lines.length - 1));
      expect(revealed(parsed.flatMap((part) => part.changes))).toEqual(revealed(changes(count, size)));
    },
  );

  it('that is larger than a request may be is not sent at all', () => {
    expect(formatApply(VAULT, changes(20, 16_000), SENT)).toBeUndefined();
    expect(MAX_REQUEST_BYTES).toBeLessThan(20 * 16_000);
  });
});

it('whatever arrives is taken, or refused without a word of it, and nothing else happens', async () => {
  const SECRET = 'mesa_never_repeated';
  const piece = fc.oneof(
    fc.constantFrom(
      ...REQUESTS.map(formatRequest),
      ...REPLIES.map(formatReply),
      SECRET,
      '__proto__',
      '"v":3,',
      '[',
      '{"',
    ),
    fc.json(),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const line = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      expect(await findFault(SECRET, () => [parseRequest(text), parseReply(text)])).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});
