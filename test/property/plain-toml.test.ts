import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { parseToml } from '../../src/toml/full-toml.ts';
import { parsePlainToml } from '../../src/toml/plain-toml.ts';
import { parsePositionedToml } from '../../src/toml/positioned-toml.ts';
import { MEMBER_NAMES } from './arbitraries.ts';
import { expectShare, RUNS } from '../support/runs.ts';

const bareName = fc.constantFrom('version', 'keys', 'key', 'a', 'b-c', '_', '1', ...MEMBER_NAMES);
const quotedName = fc.constantFrom('"orgs/acme"', '"a.b"', '"orgs/acme/repos/web"', '"key"', '"-"');

const header = fc
  .array(fc.oneof(bareName, quotedName), { minLength: 1, maxLength: 3 })
  .map((parts) => `[${parts.join('.')}]`);

const value = fc.oneof(
  fc.stringMatching(/^(?:[ !#-[\]-~]|\\["\\]){0,12}$/).map((body) => `"${body}"`),
  fc.nat().map(String),
  fc.constantFrom('true', 'false', '0', '007', '999999999999999', '9999999999999999'),
  fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31') }).map((date) => {
    return Number.isNaN(date.getTime()) ? '2026-02-30T10:00:00.000Z' : date.toISOString();
  }),
);

const pair = fc.tuple(bareName, value).map(([name, text]) => `${name} = ${text}`);
const blank = fc.stringMatching(/^[ \t]{0,2}(?:#[ -~\t\u00e9]{0,8})?$/);

const line = fc.oneof(
  { weight: 2, arbitrary: header },
  { weight: 4, arbitrary: pair },
  { weight: 1, arbitrary: blank },
);
const newline = fc.constantFrom('\n', '\r\n');

const plainDocument = fc
  .tuple(fc.array(fc.tuple(line, newline), { maxLength: 10 }), fc.option(line, { nil: '' }))
  .map(([lines, last]) => lines.map((parts) => parts.join('')).join('') + last);

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  drop: fc.nat({ max: 2 }),
  insert: fc.string({
    unit: fc.constantFrom(...Array.from('"\'[]=.#{}\\,-+_:TZ019ae \t\n\r\u0000\u007f\u00e9\ufeff')),
    maxLength: 2,
  }),
});

const mutatedDocument = fc
  .tuple(plainDocument, fc.array(edit, { minLength: 1, maxLength: 3 }))
  .map(([document, edits]) =>
    edits.reduce((text, { at, drop, insert }) => {
      const index = Math.floor(at * text.length);
      return text.slice(0, index) + insert + text.slice(index + drop);
    }, document),
  );

it.each([
  ['documents of its kind', plainDocument],
  ['documents with a few characters changed', mutatedDocument],
])('what the plain parser accepts of %s, both full parsers read as it does', async (_, documents) => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(documents, async (text) => {
      const table = parsePlainToml(text);
      if (table === undefined) {
        return;
      }
      accepted += 1;
      expect(await parseToml(text)).toEqual(table);
      expect(parsePositionedToml(text).table).toEqual(table);
    }),
    { numRuns: RUNS },
  );
  // Else the property holds of nothing.
  expectShare(accepted, 0.08);
});
