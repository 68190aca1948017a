import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import type { KeyScope } from '../../src/core/key-scope.ts';
import {
  KEEP_REPLACED_MS,
  type Change,
  type KeyEntries,
  type KeyFacts,
  type Replacement,
  type SecretStore,
} from '../../src/core/secret-store.ts';
import { Token } from '../../src/core/token.ts';
import type { TempHome } from '../support/temp-home.ts';

/** A store to be judged. Made anew by each test, empty at first. */
export interface StoreUnderTest {
  /** A store object over the same place each time, as another process would open it. */
  open(): Promise<SecretStore>;
  /** Sets the clock of every store that `open` gave and gives. */
  useClock(now: () => Date): void;
}

/** A store over a document in a file. */
export interface FileStoreUnderTest extends StoreUnderTest {
  readonly home: TempHome;
  readonly path: string;
  /** What the stores warned about. */
  readonly warnings: readonly string[];
  /** Puts a document where the store is, as another program would write it. */
  plant(document: string): Promise<void>;
  /** The document in the file. */
  document(): Promise<string>;
}

const GLOBAL: KeyScope = { kind: 'global' };
const ACME: KeyScope = { kind: 'org', org: 'acme' };
const WEB: KeyScope = { kind: 'repo', org: 'acme', repo: 'web' };
const FIRST = new Date('2026-11-21T10:00:00.000Z');
const LATER = new Date('2027-01-02T03:04:05.678Z');

function set(scope: KeyScope, token: string): Change {
  return { kind: 'set', scope, token: Token.parse(token) };
}

function learn(scope: KeyScope, token: string, facts: KeyFacts): Change {
  return { kind: 'learn', scope, token: Token.parse(token), facts };
}

function replace(scope: KeyScope, old: string, token: string, facts: KeyFacts = {}): Change {
  return { kind: 'replace', scope, old: Token.parse(old), token: Token.parse(token), facts };
}

function undo(scope: KeyScope, present: string | undefined): Change {
  return { kind: 'undo', scope, present: present === undefined ? undefined : Token.parse(present) };
}

/** The same change, with how many milliseconds the key that it replaces is kept. */
function keep(change: Change, milliseconds: number): Change {
  return change.kind === 'set' || change.kind === 'undo' ? { ...change, keep: milliseconds } : change;
}

function remove(scope: KeyScope): Change {
  return { kind: 'remove', scope };
}

function org(name: string): KeyScope {
  return { kind: 'org', org: name };
}

function repo(name: string, of: string): KeyScope {
  return { kind: 'repo', org: of, repo: name };
}

/** Store key to the key's value. */
function values(entries: KeyEntries): Record<string, string> {
  return Object.fromEntries(Array.from(entries, ([name, { token }]) => [name, token.reveal()]));
}

/** The laws that hold for every SecretStore, wherever it keeps its keys. One test each. */
export function secretStoreLaws(create: () => StoreUnderTest): void {
  it('is empty where there is none yet', async () => {
    const store = await create().open();
    expect(await store.read()).toEqual(new Map());
  });

  it('gives back what was set, at the scope where it was set and nowhere else', async () => {
    const under = create();
    await (await under.open()).apply([set(GLOBAL, 'g-token'), set(ACME, 'o-token'), set(WEB, 'r-token')]);
    const entries = await (await under.open()).read();
    expect(values(entries)).toEqual({
      global: 'g-token',
      'orgs/acme': 'o-token',
      'orgs/acme/repos/web': 'r-token',
    });
    expect(Array.from(entries.values(), ({ scope }) => scope)).toEqual([GLOBAL, ACME, WEB]);
  });

  it('gives at least the entries of the scopes that are asked for, and none for those that are not there', async () => {
    const under = create();
    await (await under.open()).apply([set(GLOBAL, 'g-token'), set(ACME, 'o-token')]);
    const entries = await (await under.open()).read([WEB, ACME]);
    expect(entries.get('orgs/acme')?.token.reveal()).toBe('o-token');
    expect(entries.get('orgs/acme/repos/web')).toBeUndefined();
    expect((await (await under.open()).read([])).get('orgs/acme/repos/web')).toBeUndefined();
  });

  it('tells a first set from a replacement and a removal from an absence', async () => {
    const under = create();
    const outcomes: unknown[] = [];
    for (const change of [set(ACME, 'one'), set(ACME, 'two'), remove(ACME), remove(ACME), set(ACME, 'six')]) {
      outcomes.push(...(await (await under.open()).apply([change])));
    }
    expect(outcomes).toEqual(['stored', 'replaced', 'removed', 'absent', 'stored']);
    expect(values(await (await under.open()).read())).toEqual({ 'orgs/acme': 'six' });
  });

  it('performs many changes in their order, with one outcome each', async () => {
    const under = create();
    const store = await under.open();
    await store.apply([set(org('b'), 'old')]);
    const outcomes = await store.apply([
      set(org('a'), 'first'),
      set(org('a'), 'second'),
      remove(org('b')),
      remove(org('b')),
      set(org('b'), 'third'),
      set(org('c'), 'fourth'),
      remove(org('c')),
    ]);
    expect(outcomes).toEqual(['stored', 'replaced', 'removed', 'absent', 'stored', 'stored', 'removed']);
    expect(values(await (await under.open()).read())).toEqual({ 'orgs/a': 'second', 'orgs/b': 'third' });
  });

  it('removes exactly one scope: neither its repositories nor its organization go with it', async () => {
    const under = create();
    const store = await under.open();
    await store.apply([set(GLOBAL, 'g'), set(ACME, 'o'), set(WEB, 'r')]);
    expect(await store.apply([remove(ACME)])).toEqual(['removed']);
    expect(values(await store.read())).toEqual({ global: 'g', 'orgs/acme/repos/web': 'r' });
  });

  it('lists global first, then organizations by name, each followed by its repositories', async () => {
    const under = create();
    const scopes = [repo('z', 'b'), org('a.b'), repo('Z', 'a'), org('b'), repo('a', 'a'), org('a'), GLOBAL];
    await (await under.open()).apply(scopes.map((scope) => set(scope, 'x')));
    expect([...(await (await under.open()).read()).keys()]).toEqual([
      'global',
      'orgs/a',
      'orgs/a/repos/Z',
      'orgs/a/repos/a',
      'orgs/a.b',
      'orgs/b',
      'orgs/b/repos/z',
    ]);
  });

  it('replaces a key as long as that very one is there, with what is known of the new one', async () => {
    const under = create();
    const facts = { keyId: 'key_2', expires: LATER };
    expect(await (await under.open()).apply([replace(ACME, 'one', 'two', facts)])).toEqual(['absent']);
    expect(await (await under.open()).read()).toEqual(new Map());
    await (await under.open()).apply([set(ACME, 'one'), learn(ACME, 'one', { keyId: 'key_1' })]);
    const outcomes: unknown[] = [];
    for (const change of [
      replace(ACME, 'other', 'two', facts),
      replace(WEB, 'one', 'two', facts),
      replace(ACME, 'one', 'two', facts),
      replace(ACME, 'one', 'two', facts),
      replace(ACME, 'one', 'three'),
    ]) {
      outcomes.push(...(await (await under.open()).apply([change])));
    }
    expect(outcomes).toEqual(['absent', 'absent', 'replaced', 'replaced', 'absent']);
    const entries = await (await under.open()).read();
    expect(values(entries)).toEqual({ 'orgs/acme': 'two' });
    expect(entries.get('orgs/acme')).toMatchObject(facts);
    await (await under.open()).apply([replace(ACME, 'two', 'four')]);
    const last = (await (await under.open()).read()).get('orgs/acme');
    expect([last?.token.reveal(), last?.keyId, last?.expires]).toEqual(['four', undefined, undefined]);
  });

  it('adds what is known of a key as long as that very key is there, and forgets it with the key', async () => {
    const under = create();
    under.useClock(() => FIRST);
    const store = await under.open();
    await store.apply([set(ACME, 'one'), set(WEB, 'two')]);
    under.useClock(() => LATER);
    expect(
      await store.apply([
        learn(ACME, 'one', { keyId: 'key_1' }),
        learn(ACME, 'one', { keyId: 'key_1' }),
        learn(ACME, 'one', { expires: LATER }),
        learn(ACME, 'one', {}),
        learn(WEB, 'another', { keyId: 'key_2' }),
        learn(GLOBAL, 'one', { keyId: 'key_3' }),
      ]),
    ).toEqual(['learnt', 'absent', 'learnt', 'absent', 'absent', 'absent']);
    const entries = await (await under.open()).read();
    expect(entries.get('orgs/acme')).toMatchObject({ keyId: 'key_1', expires: LATER, added: FIRST });
    expect(entries.get('orgs/acme/repos/web')?.keyId).toBeUndefined();
    expect(entries.has('global')).toBe(false);

    await (await under.open()).apply([set(ACME, 'one')]);
    expect((await store.read()).get('orgs/acme')).toMatchObject({ keyId: 'key_1', expires: LATER });
    await (await under.open()).apply([set(ACME, 'new')]);
    expect((await store.read()).get('orgs/acme')).toMatchObject({ keyId: undefined, expires: undefined });
  });

  it('takes `added` from the clock, anew at every replacement', async () => {
    const under = create();
    under.useClock(() => FIRST);
    await (await under.open()).apply([set(ACME, 'one'), set(WEB, 'one')]);
    under.useClock(() => LATER);
    await (await under.open()).apply([set(ACME, 'two')]);
    const entries = await (await under.open()).read();
    expect(entries.get('orgs/acme')?.added).toEqual(LATER);
    expect(entries.get('orgs/acme/repos/web')?.added).toEqual(FIRST);
  });

  it('brings back the key that was replaced last with all that was known of it, and the other one again', async () => {
    const under = create();
    under.useClock(() => FIRST);
    await (
      await under.open()
    ).apply([set(ACME, 'one'), learn(ACME, 'one', { keyId: 'key_1', expires: LATER })]);
    const second = new Date(FIRST.getTime() + 1_000);
    under.useClock(() => second);
    await (await under.open()).apply([set(ACME, 'two')]);
    await (await under.open()).apply([set(ACME, 'two')]);

    const third = new Date(FIRST.getTime() + 2_000);
    under.useClock(() => third);
    expect(await (await under.open()).apply([undo(ACME, 'two')])).toEqual(['undone']);
    const back = (await (await under.open()).read()).get('orgs/acme');
    expect(back?.token.reveal()).toBe('one');
    expect(back).toMatchObject({ keyId: 'key_1', expires: LATER, added: FIRST });

    expect(await (await under.open()).apply([undo(ACME, 'one')])).toEqual(['undone']);
    const again = (await (await under.open()).read()).get('orgs/acme');
    expect([again?.token.reveal(), again?.keyId, again?.added]).toEqual(['two', undefined, second]);
  });

  it('brings back nothing where nothing was replaced, where another key is, and where it is too late', async () => {
    const under = create();
    under.useClock(() => FIRST);
    expect(await (await under.open()).apply([undo(ACME, undefined)])).toEqual(['absent']);
    await (await under.open()).apply([set(ACME, 'one'), set(WEB, 'web')]);
    await (await under.open()).apply([set(ACME, 'two'), keep(set(WEB, 'web2'), 1_000)]);
    for (const change of [undo(ACME, 'one'), undo(ACME, undefined), undo(GLOBAL, undefined)]) {
      expect(await (await under.open()).apply([change])).toEqual(['absent']);
    }
    under.useClock(() => new Date(FIRST.getTime() + 1_000));
    expect(await (await under.open()).apply([undo(WEB, 'web2')])).toEqual(['absent']);
    under.useClock(() => new Date(FIRST.getTime() + KEEP_REPLACED_MS));
    expect(await (await under.open()).apply([undo(ACME, 'two')])).toEqual(['absent']);
    expect(values(await (await under.open()).read())).toEqual({
      'orgs/acme': 'two',
      'orgs/acme/repos/web': 'web2',
    });
  });

  it('brings back no key that was removed, revoked or forgotten, and none where none is kept', async () => {
    const under = create();
    const store = await under.open();
    const names = ['removed', 'revoked', 'forgotten', 'elsewhere'].map(org);
    await store.apply(names.map((scope) => set(scope, 'one')));
    await store.apply(names.map((scope) => set(scope, 'two')));
    const outcomes = await store.apply([
      remove(org('removed')),
      set(org('removed'), 'three'),
      replace(org('revoked'), 'two', 'three'),
      { kind: 'forget', scope: org('forgotten') },
      { kind: 'forget', scope: org('forgotten') },
      replace(org('elsewhere'), 'one', 'three'),
    ]);
    expect(outcomes).toEqual(['removed', 'stored', 'replaced', 'forgotten', 'absent', 'absent']);
    for (const [name, key] of [
      ['removed', 'three'],
      ['revoked', 'three'],
      ['forgotten', 'two'],
    ] as const) {
      expect(await (await under.open()).apply([undo(org(name), key)])).toEqual(['absent']);
    }
    await store.apply([keep(set(org('other'), 'x'), 0), keep(set(org('other'), 'y'), 0)]);
    expect(await (await under.open()).apply([undo(org('elsewhere'), 'two')])).toEqual(['absent']);
    expect(await (await under.open()).apply([undo(org('other'), 'y')])).toEqual(['absent']);
  });

  it('shows the key that was replaced nowhere but masked, and once', async () => {
    const under = create();
    const told: Replacement[] = [];
    const tell = (one: Replacement): number => told.push(one);
    const [old, next] = ['mesa_old0000000011aa', 'mesa_new0000000022bb'];
    await (await under.open()).apply([set(ACME, old)], tell);
    await (await under.open()).apply([set(ACME, old)], tell);
    expect(told).toEqual([]);
    await (await under.open()).apply([set(ACME, next)], tell);
    expect(told).toEqual([{ scope: ACME, old: 'mesa_****11aa', new: 'mesa_****22bb' }]);
    expect(values(await (await under.open()).read())).toEqual({ 'orgs/acme': next });
    await (await under.open()).apply([undo(ACME, next)], tell);
    expect(told.slice(1)).toEqual([{ scope: ACME, old: 'mesa_****22bb', new: 'mesa_****11aa' }]);
    expect(values(await (await under.open()).read())).toEqual({ 'orgs/acme': old });
  });

  it('loses no change of several stores that apply at the same time', async () => {
    const under = create();
    const names = Array.from({ length: 12 }, (_, index) => `org-${index}`);
    const outcomes = await Promise.all(
      names.map(async (name) => (await under.open()).apply([set(org(name), name)])),
    );
    expect(outcomes).toEqual(names.map(() => ['stored']));
    expect(values(await (await under.open()).read())).toEqual(
      Object.fromEntries(names.map((name) => [`orgs/${name}`, name])),
    );
  });

  it('sees what another store wrote meanwhile', async () => {
    const under = create();
    const [ours, theirs] = [await under.open(), await under.open()];
    await ours.apply([set(ACME, 'ours')]);
    expect(await theirs.apply([set(ACME, 'theirs')])).toEqual(['replaced']);
    expect(values(await ours.read())).toEqual({ 'orgs/acme': 'theirs' });
    expect(await ours.apply([remove(ACME)])).toEqual(['removed']);
    expect(values(await theirs.read())).toEqual({});
  });

  it('gives a view of one moment, which later changes do not touch', async () => {
    const store = await create().open();
    await store.apply([set(ACME, 'before')]);
    const view = await store.read();
    await store.apply([set(ACME, 'after'), set(WEB, 'after')]);
    expect(values(view)).toEqual({ 'orgs/acme': 'before' });
  });

  it('accepts an empty list of changes at any time', async () => {
    const under = create();
    const store = await under.open();
    expect(await store.apply([])).toEqual([]);
    expect(await store.read()).toEqual(new Map());
    await store.apply([set(ACME, 'kept')]);
    expect(await store.apply([])).toEqual([]);
    expect(values(await store.read())).toEqual({ 'orgs/acme': 'kept' });
  });

  it('keeps every printable character and the longest token', async () => {
    const under = create();
    const printable = Array.from({ length: 0x7e - 0x20 }, (_, index) => String.fromCharCode(0x21 + index));
    const tokens = { 'orgs/a': printable.join(''), 'orgs/b': '\\"\\\\""', 'orgs/c': 'x'.repeat(16_384) };
    await (
      await under.open()
    ).apply([
      set(org('a'), tokens['orgs/a']),
      set(org('b'), tokens['orgs/b']),
      set(org('c'), tokens['orgs/c']),
    ]);
    expect(values(await (await under.open()).read())).toEqual(tokens);
  });

  it('treats the names of object members as names', async () => {
    const under = create();
    const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
    const store = await under.open();
    expect([...(await store.read()).keys()]).toEqual([]);
    expect(await store.apply(names.map((name) => set(org(name), name)))).toEqual(names.map(() => 'stored'));
    const entries = await (await under.open()).read();
    expect(values(entries)).toEqual(Object.fromEntries(names.map((name) => [`orgs/${name}`, name])));
  });
}

/** Files that are no store: what is in them, and the code that says so. */
const DAMAGES: readonly (readonly [string, string])[] = [
  ['no TOML', 'version = 1\n[keys.global]\nkey = "mesa_secret\n'],
  ['no version', '[keys.global]\nkey = "mesa_secret"\n'],
  ['an entry without a key', 'version = 1\n\n[keys.global]\nadded = 2026-11-21T10:00:00.000Z\n'],
  ['a key that is no key', 'version = 1\n\n[keys.global]\nkey = "mesa_sec ret"\n'],
  ['keys that are no table', 'version = 1\nkeys = "mesa_secret"\n'],
  ['a table twice', 'version = 1\n[keys.global]\nkey = "mesa_secret"\n[keys.global]\nkey = "mesa_secret"\n'],
];

const DOCUMENT = [
  'version = 1',
  '',
  '[keys."orgs/acme"]',
  'key = "mesa_first"',
  'added = 2026-11-21T10:00:00.000Z',
  '',
].join('\n');

/** Runs `work` and asserts that it left the file as it was: not even rewritten with the same bytes. */
async function expectUntouched(under: FileStoreUnderTest, work: () => Promise<void>): Promise<void> {
  const [bytes, before, tree] = [readFileSync(under.path), statSync(under.path), under.home.tree()];
  await work();
  const after = statSync(under.path);
  expect(readFileSync(under.path).equals(bytes)).toBe(true);
  expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  // A transaction that failed or changed nothing may have made the lock file, and nothing else.
  expect(under.home.tree().filter((name) => !name.endsWith('/.lock'))).toEqual(
    tree.filter((name) => !name.endsWith('/.lock')),
  );
}

/** The laws that hold beside for every store over a file. */
export function fileStoreLaws(create: () => FileStoreUnderTest): void {
  it('writes nothing when it is read before it exists', async () => {
    const under = create();
    const before = under.home.tree();
    await (await under.open()).read();
    expect(under.home.tree()).toEqual(before);
  });

  it('writes nothing when what is removed is not there, or what was learnt is of another key', async () => {
    const under = create();
    const before = under.home.tree();
    expect(await (await under.open()).apply([remove(ACME), remove(GLOBAL)])).toEqual(['absent', 'absent']);
    const unknown = learn(ACME, 'mesa_first', { keyId: 'key_1' });
    expect(await (await under.open()).apply([unknown])).toEqual(['absent']);
    expect(under.home.tree()).toEqual(before);

    await under.plant(DOCUMENT);
    await expectUntouched(under, async () => {
      expect(await (await under.open()).apply([remove(GLOBAL), remove(WEB)])).toEqual(['absent', 'absent']);
      expect(await (await under.open()).apply([learn(ACME, 'mesa_x', { keyId: 'key_1' })])).toEqual([
        'absent',
      ]);
    });
  });

  it('makes an empty store of no changes, and leaves one that is there', async () => {
    const under = create();
    await (await under.open()).apply([]);
    expect(await under.document()).toBe('version = 1\n');
    await under.plant(DOCUMENT);
    await expectUntouched(under, async () => {
      await (await under.open()).apply([]);
    });
  });

  it('holds a replaced key until it can be brought back no more, and writes nothing for that alone', async () => {
    const under = create();
    await under.plant(DOCUMENT);
    under.useClock(() => FIRST);
    await (await under.open()).apply([set(ACME, 'mesa_second')]);
    expect(await under.document()).toBe(
      `${DOCUMENT.replace('mesa_first', 'mesa_second')}\n[previous."orgs/acme"]\nkey = "mesa_first"\nadded = 2026-11-21T10:00:00.000Z\nuntil = 2026-11-28T10:00:00.000Z\n`,
    );
    under.useClock(() => LATER);
    await expectUntouched(under, async () => {
      await (await under.open()).read();
      await (await under.open()).apply([remove(WEB), undo(ACME, 'mesa_second')]);
    });
    await (await under.open()).apply([set(WEB, 'mesa_web')]);
    expect(await under.document()).not.toMatch(/previous|mesa_first/);
  });

  it('leaves no copy of a key that was removed, also of the one before it', async () => {
    const under = create();
    await under.plant(
      `${DOCUMENT}\n[previous."orgs/acme"]\nkey = "mesa_before"\nuntil = 2099-11-28T10:00:00.000Z\nodd = true\n\n[previous.global]\nkey = "no key"\n`,
    );
    await (await under.open()).apply([set(ACME, 'mesa_second')]);
    expect(await under.document()).toContain('mesa_first');
    expect(await (await under.open()).apply([remove(ACME), remove(GLOBAL)])).toEqual(['removed', 'absent']);
    expect(await under.document()).toBe('version = 1\n');
  });

  it('keeps the fields of a replaced key that it does not know, and brings them back with it', async () => {
    const under = create();
    const table = 'key = "mesa_before"\napi = "https://api.mesa.dev"\n';
    const fields = 'odd = 1.0\nmore = {a = [1,2]}\n';
    await under.plant(
      `${DOCUMENT}\n[previous."orgs/acme"]\n${table}until = 2099-11-28T10:00:00.000Z\n${fields}`,
    );
    await (await under.open()).apply([set(WEB, 'mesa_web')]);
    expect(await under.document()).toMatch(/mesa_before[^]*odd = 1\.0\n/);
    expect(await (await under.open()).apply([undo(ACME, 'mesa_first')])).toEqual(['undone']);
    const [now] = (await under.document()).split('[previous');
    expect(now).toMatch(
      /"orgs\/acme"\]\nkey = "mesa_before"\napi = "https:\/\/api\.mesa\.dev"\nodd = 1\.0\n/,
    );
    expect(now).not.toContain('until');
  });

  it('writes a file for its owner alone, in a directory for its owner alone', async () => {
    const under = create();
    await (await under.open()).apply([set(ACME, 'x')]);
    expect(statSync(under.path).mode & 0o777).toBe(0o600);
    expect(statSync(under.home.dataDir).mode & 0o777).toBe(0o700);
  });

  it('leaves all as it was when the write fails, and no temporary file', async () => {
    const under = create();
    await under.plant(DOCUMENT);
    const away = `${under.home.dataDir}.away`;
    // The clock is read between reading the store and writing it: the place to take the directory away.
    under.useClock(() => {
      renameSync(under.home.dataDir, away);
      return LATER;
    });
    await expectUntouched(under, async () => {
      const changes = [set(WEB, 'new'), remove(ACME), set(GLOBAL, 'new')];
      await expect((await under.open()).apply(changes)).rejects.toMatchObject({ code: 'IO' });
      renameSync(away, under.home.dataDir);
    });
    under.useClock(() => LATER);
    expect(values(await (await under.open()).read())).toEqual({ 'orgs/acme': 'mesa_first' });
  });

  it('refuses to grow beyond what it would read again', async () => {
    const under = create();
    await under.plant(DOCUMENT);
    const huge = 'x'.repeat(16_384);
    const changes = Array.from({ length: 1_030 }, (_, index) => set(org(`o${index}`), huge));
    await expectUntouched(under, async () => {
      await expect((await under.open()).apply(changes)).rejects.toMatchObject({ code: 'IO' });
    });
  });

  it.each(DAMAGES)(
    'refuses a document with %s, tells nothing of it, and leaves it alone',
    async (_, document) => {
      const under = create();
      await under.plant(document);
      await expectUntouched(under, async () => {
        for (const changes of [undefined, [set(ACME, 'new')], [remove(GLOBAL)]]) {
          const store = await under.open();
          const work = changes === undefined ? store.read() : store.apply(changes);
          const error: unknown = await work.then(
            () => undefined,
            (reason: unknown) => reason,
          );
          expect(error).toMatchObject({
            code: 'STORE_DAMAGED',
            message: expect.stringContaining(under.path),
          });
          expect(String(error)).not.toMatch(/mesa_sec|ret"/);
        }
      });
    },
  );

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(4096)],
    ['noise', Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 89 + 200) % 256))],
  ])('never takes a file of %s for an empty store', async (_, bytes) => {
    const under = create();
    await under.plant(DOCUMENT);
    writeFileSync(under.path, bytes);
    await expectUntouched(under, async () => {
      const code = expect.stringMatching(/^STORE_(?:DAMAGED|FOREIGN)$/);
      await expect((await under.open()).read()).rejects.toMatchObject({ code });
      await expect((await under.open()).apply([set(ACME, 'new')])).rejects.toMatchObject({ code });
      await expect((await under.open()).apply([remove(ACME)])).rejects.toMatchObject({ code });
    });
  });

  it('refuses the document of a later version and leaves it alone', async () => {
    const under = create();
    await under.plant(DOCUMENT.replace('version = 1', 'version = 2'));
    await expectUntouched(under, async () => {
      const refusal = { code: 'STORE_VERSION', message: expect.stringContaining('version 2') };
      await expect((await under.open()).read()).rejects.toMatchObject(refusal);
      await expect((await under.open()).apply([set(ACME, 'new')])).rejects.toMatchObject(refusal);
    });
  });

  it('keeps, through a rewrite, every field that it does not know', async () => {
    const under = create();
    await under.plant(
      [
        'version = 1',
        'generation = 7',
        'tiny = 1e-7',
        '',
        '[future]',
        'list = [1, "two", { three = 3 }]',
        'control = "\\u0001\\u0002\\"\\u0003"',
        '',
        '[keys.global]',
        'key = "mesa_global"',
        'note = "by hand"',
        '',
        '[keys."teams/blue"]',
        'key = "mesa_team"',
        '',
      ].join('\n'),
    );
    under.useClock(() => LATER);
    await (await under.open()).apply([set(ACME, 'mesa_new')]);
    expect(await under.document()).toBe(
      [
        'version = 1',
        'generation = 7',
        'tiny = 1e-7',
        'future = { list = [1, "two", { three = 3 }], control = "\\u0001\\u0002\\"\\u0003" }',
        '',
        '[keys]',
        '"teams/blue" = { key = "mesa_team" }',
        '',
        '[keys.global]',
        'key = "mesa_global"',
        'note = "by hand"',
        '',
        '[keys."orgs/acme"]',
        'key = "mesa_new"',
        'added = 2027-01-02T03:04:05.678Z',
        '',
      ].join('\n'),
    );
    // Twice, since the second rewrite reads what the first one wrote.
    await (await under.open()).apply([remove(ACME)]);
    expect(await under.document()).toMatch(/future = .*"teams\/blue" = .*note = "by hand"\n$/s);
  });

  it('warns about an entry that is no scope, and neither lists nor drops it', async () => {
    const under = create();
    await under.plant(`${DOCUMENT}\n[keys."teams/\\u001b[31mred"]\nkey = "mesa_team"\n`);
    const entries = await (await under.open()).read();
    expect([...entries.keys()]).toEqual(['orgs/acme']);
    expect(under.warnings).toHaveLength(1);
    expect(under.warnings[0]).toContain("'teams/\\u{1b}[31mred'");
    expect(under.warnings[0]).not.toContain('mesa_team');
  });

  it('drops what was learnt about a key together with the key, and keeps the rest of its entry', async () => {
    const under = create();
    const fields = ['key-id = "key_1"', 'expires = 2027-01-01T00:00:00.000Z', 'note = "ours"'];
    await under.plant(`version = 1\n\n[keys."orgs/acme"]\nkey = "mesa_first"\n${fields.join('\n')}\n`);
    under.useClock(() => FIRST);

    await (await under.open()).apply([set(ACME, 'mesa_first')]);
    const sameKey = await under.document();
    expect(fields.filter((field) => sameKey.includes(field))).toEqual(fields);

    await (await under.open()).apply([set(ACME, 'mesa_second')]);
    const [present, previous] = (await under.document()).split('\n[previous');
    expect(present).toBe(
      'version = 1\n\n[keys."orgs/acme"]\nkey = "mesa_second"\nadded = 2026-11-21T10:00:00.000Z\nnote = "ours"\n',
    );
    expect(fields.filter((field) => previous?.includes(field) === true)).toEqual(fields);
  });

  it('reads an entry that somebody wrote without `added`', async () => {
    const under = create();
    await under.plant('version = 1\n[keys]\nglobal = { key = "by-hand" }\n');
    const entries = await (await under.open()).read();
    expect(entries.get('global')).toMatchObject({ scope: GLOBAL, added: undefined });
    expect(values(entries)).toEqual({ global: 'by-hand' });
  });
}
