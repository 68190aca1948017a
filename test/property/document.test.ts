import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { formatStoreKey, parseStoreKey } from '../../src/core/key-scope.ts';
import { Token } from '../../src/core/token.ts';
import { MesaAuthError } from '../../src/errors.ts';
import { parseCanonicalDocument } from '../../src/stores/canonical-document.ts';
import {
  EMPTY_DOCUMENT,
  factsOf,
  type DocumentEntry,
  type StoreDocument,
} from '../../src/stores/document.ts';
import { formatDocument } from '../../src/stores/format-document.ts';
import { parseDocument } from '../../src/stores/parse-document.ts';
import { addedMoment, fieldName, keyScope, tokenText, tomlTable, tomlValue } from './arbitraries.ts';
import { RUNS } from '../support/runs.ts';

const entry: fc.Arbitrary<DocumentEntry> = fc
  .record({
    scope: keyScope,
    token: tokenText,
    added: addedMoment,
    fields: tomlTable(fc.oneof(fieldName('key', 'added'), fc.constantFrom('expires', 'key-id')), tomlValue),
  })
  .map(({ token, ...rest }) => ({
    ...rest,
    token: Token.parse(token),
    ...factsOf(rest.fields),
  }));

function byStoreKey(entries: readonly DocumentEntry[]): StoreDocument['entries'] {
  return new Map(entries.map((one) => [formatStoreKey(one.scope), one]));
}

const storeDocument: fc.Arbitrary<StoreDocument> = fc.record({
  entries: fc
    .uniqueArray(entry, { selector: ({ scope }) => formatStoreKey(scope), maxLength: 5 })
    .map(byStoreKey),
  unknownFields: tomlTable(fieldName('version', 'keys'), tomlValue),
  unknownEntries: tomlTable(
    fieldName().filter((name) => parseStoreKey(name) === undefined),
    tomlValue,
  ),
});

/** With the values of tokens, which an equality of tokens does not see. */
function plain(document: StoreDocument): unknown {
  const entries = Array.from(document.entries, ([name, { token, ...rest }]) => [
    name,
    { ...rest, token: token.reveal() },
  ]);
  return { ...document, entries: new Map(entries as [string, unknown][]) };
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
  const edited = fc.tuple(fc.array(entry, { maxLength: 4 }), fc.boolean(), fc.array(edit, { maxLength: 2 }));
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(edited, async ([list, isBare, edits]) => {
      const entries = list.map((one) => ({ ...one, fields: isBare ? new Map() : one.fields }));
      let text = await formatDocument({ ...EMPTY_DOCUMENT, entries: byStoreKey(entries) });
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
  expect(accepted).toBeGreaterThan(50);
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
  expect(refused).toBeGreaterThan(100);
});
