import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { parsePositionedToml, removeTomlValue, setTomlString } from '../../src/toml/positioned-toml.ts';
import { findSyntaxError } from '../support/find-syntax-error.ts';
import { isTable, type TomlTable } from '../../src/toml/table.ts';
import { expectShare, RUNS } from '../support/runs.ts';

const line = fc.constantFrom(
  '',
  '# comment about secrets.backend',
  'service-domain = "mesa.dev"',
  '[secrets]',
  ' [ secrets ] # ours',
  '["secrets"]',
  '[secrets.sub]',
  'secrets = { a = 1 }',
  'secrets = {}',
  'secrets.unlock-timeout = "15m"',
  'secrets.backend = "old-one"',
  'secrets.sub.backend = 1',
  'backend = "old-one"',
  "backend   =   'old-one' # why",
  'unlock-timeout = "15m"',
  '[other]',
  '[other.secrets]',
  '[[list]]',
  '[organizations.acme]',
  'text = """',
  '[secrets]"""',
  'text2 = """\n[secrets]\nbackend = "in a string"\n"""',
);
const document = fc
  .tuple(
    fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 7 }),
    fc.option(line, { nil: '' }),
  )
  .map(([lines, last]) => lines.map((parts) => parts.join('')).join('') + last);

function withBackend(table: TomlTable): TomlTable {
  const secrets = table.get('secrets');
  return new Map([
    ...table,
    ['secrets', new Map([...(isTable(secrets) ? secrets : []), ['backend', 'plaintext-file']])],
  ]);
}

function withoutBackend(table: TomlTable): TomlTable {
  const secrets = table.get('secrets');
  return isTable(secrets)
    ? new Map([...table, ['secrets', new Map([...secrets].filter(([name]) => name !== 'backend'))]])
    : table;
}

/** What of `before` is missing in `after`, when all that they share at both ends is taken away. */
function removedText(before: string, after: string): string {
  let start = 0;
  while (start < before.length && before[start] === after[start]) {
    start += 1;
  }
  let end = 0;
  while (end < before.length - start && before.at(-1 - end) === after.at(-1 - end)) {
    end += 1;
  }
  return before.slice(start, before.length - end);
}

it('an edit sets one value and takes away nothing but the old one', () => {
  let edits = 0;
  fc.assert(
    fc.property(document, (text) => {
      fc.pre(findSyntaxError(text) === undefined);
      const before = parsePositionedToml(text).table;
      let edited: string;
      try {
        edited = setTomlString(text, 'secrets', 'backend', 'plaintext-file');
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      edits += 1;
      expect(parsePositionedToml(edited).table).toEqual(withBackend(before));
      expect("'old-one'").toContain(removedText(text, edited).replaceAll('"', ''));
    }),
    { numRuns: RUNS },
  );
  expectShare(edits, 0.5);
});

it('a removal takes away one value and nothing else', () => {
  let removals = 0;
  const empty = ['secrets', new Map()] as const;
  fc.assert(
    fc.property(document, (text) => {
      fc.pre(findSyntaxError(text) === undefined);
      const before = parsePositionedToml(text);
      const edited = removeTomlValue(text, ['secrets', 'backend']);
      if (before.lineOf(['secrets', 'backend']) === undefined) {
        expect(edited).toBe(text);
        return;
      }
      removals += 1;
      const expected = withoutBackend(before.table);
      const found = parsePositionedToml(edited).table;
      // A table that dotted names alone made goes with the last of them.
      expect(new Map<string, unknown>([empty, ...found])).toEqual(
        new Map<string, unknown>([empty, ...expected]),
      );
      let start = 0;
      while (start < edited.length && text[start] === edited[start]) {
        start += 1;
      }
      // One piece, and all around it is the same.
      expect(text.slice(start + text.length - edited.length)).toBe(edited.slice(start));
      expect(text.length - edited.length).toBeLessThan(80);
    }),
    { numRuns: RUNS },
  );
  expectShare(removals, 0.04);
});
