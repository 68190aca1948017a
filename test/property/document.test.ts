import * as fc from 'fast-check';
import { parseTOML, type AST } from 'toml-eslint-parser';
import { expect, it } from 'vitest';

import { formatStoreKey, parseStoreKey, type StoreKey } from '../../src/core/key-scope.ts';
import { isWritableMoment } from '../../src/core/moment.ts';
import { Token } from '../../src/core/token.ts';
import { MesaAuthError } from '../../src/errors.ts';
import { applyChanges } from '../../src/stores/apply-changes.ts';
import {
  EMPTY_DOCUMENT,
  factsOf,
  inListingOrder,
  type DocumentEntry,
  type PreviousEntry,
  type StoreDocument,
} from '../../src/stores/document.ts';
import { verifiedText, formatDocument } from '../../src/stores/format-document.ts';
import { parseCanonicalDocument, parseDocument } from '../../src/stores/read-document.ts';
import { asMoment, tableWithout } from '../../src/toml/table.ts';
import { expectShare, RUNS } from '../support/runs.ts';
import {
  addedMoment,
  anyText,
  fieldName,
  keyScope,
  scalarText,
  tokenText,
  tomlTable,
  tomlValue,
} from './arbitraries.ts';

const entry: fc.Arbitrary<DocumentEntry> = fc
  .record({
    scope: keyScope,
    token: tokenText,
    added: addedMoment,
    api: fc.constantFrom(
      undefined,
      'https://api.mesa.dev',
      'http://127.0.0.1:4477',
      'https://[::1]:8443',
      'anything',
    ),
    fields: tomlTable(
      fc.oneof(fieldName('key', 'added', 'api'), fc.constantFrom('expires', 'key-id')),
      tomlValue,
    ).filter((fields) => {
      const expires = asMoment(fields.get('expires'));
      return expires === undefined || isWritableMoment(expires);
    }),
  })
  .map(({ token, ...rest }) => ({
    ...rest,
    token: Token.parse(token),
    ...factsOf(rest.fields),
  }));

function byStoreKey<T extends DocumentEntry>(entries: readonly T[]): ReadonlyMap<StoreKey, T> {
  return inListingOrder(new Map(entries.map((one) => [formatStoreKey(one.scope), one])));
}

const UNTIL = new Set(['until']);

const previousEntry: fc.Arbitrary<PreviousEntry> = fc
  .tuple(
    entry,
    addedMoment.map((moment) => moment ?? new Date('2026-11-28T10:00:00.000Z')),
  )
  .map(([one, until]) => ({ ...one, fields: tableWithout(one.fields, UNTIL), until }));

const previousEntries = fc
  .uniqueArray(previousEntry, { selector: ({ scope }) => formatStoreKey(scope), maxLength: 3 })
  .map(byStoreKey);

const storeDocument: fc.Arbitrary<StoreDocument> = fc.record({
  entries: fc
    .uniqueArray(entry, { selector: ({ scope }) => formatStoreKey(scope), maxLength: 5 })
    .map(byStoreKey),
  unknownFields: tomlTable(fieldName('version', 'keys', 'previous'), tomlValue),
  unknownEntries: tomlTable(
    fieldName().filter((name) => parseStoreKey(name) === undefined),
    tomlValue,
  ),
  previous: previousEntries,
  unknownPrevious: tomlTable(
    fieldName().filter((name) => parseStoreKey(name) === undefined),
    tomlValue,
  ),
});

/** With the values of tokens, which an equality of tokens does not see. */
function plain(document: StoreDocument): unknown {
  const { commentTexts: _comments, ...rest } = document;
  return { ...rest, entries: revealed(document.entries), previous: revealed(document.previous) };
}

function revealed(entries: ReadonlyMap<StoreKey, DocumentEntry>): unknown {
  return Array.from(entries, ([name, { token, ...rest }]) => [name, { ...rest, token: token.reveal() }]);
}

it('a document is read as it was written, whatever is in it', async () => {
  await fc.assert(
    fc.asyncProperty(storeDocument, async (document) => {
      const text = Buffer.from(await formatDocument(document)).toString('utf8');
      const read = await parseDocument(text, 'store');
      expect(plain(read)).toEqual(plain(document));
      expect(await formatDocument(read)).toBe(text);
    }),
    { numRuns: RUNS },
  );
});

it('the quick way to read a document takes nothing that the other one reads differently', async () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    drop: fc.nat({ max: 2 }),
    insert: fc.string({ unit: fc.constantFrom(...Array.from('"[]=.#\\-/ \n\r019aZT\u0001')), maxLength: 2 }),
  });
  const edited = fc.tuple(
    fc.array(entry, { maxLength: 4 }),
    fc.boolean(),
    fc.array(edit, { maxLength: 2 }),
    previousEntries,
  );
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(edited, async ([list, isBare, edits, previous]) => {
      const bare = <T extends DocumentEntry>(one: T): T => ({
        ...one,
        fields: isBare ? new Map() : one.fields,
      });
      let text = await formatDocument({
        ...EMPTY_DOCUMENT,
        entries: byStoreKey(list.map(bare)),
        previous: byStoreKey([...previous.values()].map(bare)),
      });
      for (const { at, drop, insert } of edits) {
        const index = Math.floor(at * text.length);
        text = text.slice(0, index) + insert + text.slice(index + drop);
      }
      const quick = parseCanonicalDocument(text);
      if (quick !== undefined) {
        accepted += 1;
        // A comment is not canonical, so this is read by the parsers of all of TOML.
        expect(plain(await parseDocument(`${text}# other\n`, 'store'))).toEqual(plain(quick));
      }
    }),
    { numRuns: RUNS },
  );
  expectShare(accepted, 0.1);
});

/** Every scalar of a document, by its path: in its own words, but for texts. Read without any of our code. */
function scalarsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (node: AST.TOMLContentNode, path: readonly unknown[]): void => {
    if (node.type === 'TOMLArray') {
      found.set(JSON.stringify(path), '[]');
      node.elements.forEach((element, at) => visit(element, [...path, at]));
    } else if (node.type === 'TOMLInlineTable') {
      node.body.forEach((pair) => visitPair(pair, path));
    } else {
      const words = node.kind === 'string' ? JSON.stringify(node.value) : text.slice(...node.range);
      found.set(JSON.stringify(path), words);
    }
  };
  const visitPair = ({ key, value }: AST.TOMLKeyValue, path: readonly unknown[]): void => {
    const names = key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
    visit(value, [...path, ...names]);
  };
  for (const node of parseTOML(text, { tomlVersion: '1.0' }).body[0].body) {
    if (node.type === 'TOMLTable') {
      node.body.forEach((pair) => visitPair(pair, node.resolvedKey));
    } else {
      visitPair(node, []);
    }
  }
  return found;
}

/** A value in somebody's own spelling. */
const spelledValue: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalarText,
    fc.boolean().map(String),
    anyText.map((text) => JSON.stringify(text).replaceAll('\u007f', '\\u007f')),
    fc.stringMatching(/^'[ -&(-~]{0,8}'$/),
    fc
      .tuple(fc.constantFrom(', ', ',\n  ', ' , # more\n'), fc.array(tie('value'), { maxLength: 3 }))
      .map(([comma, values]) => `[${values.join(comma)}]`),
    fc
      .array(
        tie('value').filter((value) => !value.includes('\n')),
        { maxLength: 3 },
      )
      .map((values) => `{${values.map((value, at) => ` n${at} = ${value}`).join(',')} }`),
  ),
})).value;

function pairs(name: string, values: readonly string[]): string {
  return values.map((value, at) => `${name}${at}=${value}\n`).join('');
}

it('what mesa does not know is written in the words in which it was read', async () => {
  const secret = 'mesa_Lq8sN2pX9f2c';
  const lines = fc.array(spelledValue, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(lines, lines, lines, async (top, inEntry, inTable) => {
      const text = `version = 1\n${pairs('top', top)}[keys.global]\nkey = '${secret}' # ours\n${pairs('in', inEntry)}[other."a b".table]\n${pairs('deep', inTable)}[previous.global]\nkey = 'mesa_before'\nuntil = 2026-11-28T10:00:00.000Z\n${pairs('back', inEntry)}`;
      const document = await parseDocument(text, 'store');
      const { document: changed } = applyChanges(
        document,
        [{ kind: 'set', scope: { kind: 'org', org: 'acme' }, token: Token.parse(secret) }],
        new Date('2026-11-21T10:00:00.000Z'),
      );
      const written = scalarsOf(await verifiedText(changed, 'store'));
      for (const [path, words] of scalarsOf(text)) {
        expect([path, written.get(path)]).toEqual([path, words]);
      }
    }),
    { numRuns: RUNS },
  );
});

it('a document with a mistake in it is refused without a word of its text', async () => {
  const secret = 'mesa_CANARY';
  const document = `version = 1\n\n[keys."orgs/acme"]\nkey = "${secret}"\nadded = 2026-11-21T10:00:00.000Z\nx = 'y'\n`;
  const edit = fc.record({
    at: fc.nat({ max: document.length - 1 }),
    drop: fc.nat({ max: 3 }),
    insert: fc.string({
      unit: fc.constantFrom('"', "'", '[', ']', '=', '\n', '\\', '{', '#', '.', 'u', '0', '-', ' ', '\u0001'),
      maxLength: 3,
    }),
  });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(edit, async ({ at, drop, insert }) => {
      const text = document.slice(0, at) + insert + document.slice(at + drop);
      try {
        await parseDocument(text, 'store');
      } catch (error) {
        refused += 1;
        expect(error).toBeInstanceOf(MesaAuthError);
        expect(error).toMatchObject({ code: expect.stringMatching(/^STORE_(?:DAMAGED|VERSION)$/) });
        const { message, hint, cause } = error as MesaAuthError;
        expect(`${message} ${hint} ${String(cause)}`).not.toMatch(/CANARY|mesa_|CAN|ARY/);
      }
    }),
    { numRuns: RUNS },
  );
  expectShare(refused, 0.4);
});
