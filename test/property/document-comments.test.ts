import * as fc from 'fast-check';
import { parseTOML } from 'toml-eslint-parser';
import { expect, it } from 'vitest';

import { formatStoreKey, type KeyScope } from '../../src/core/key-scope.ts';
import { Token } from '../../src/core/token.ts';
import { applyChanges } from '../../src/stores/apply-changes.ts';
import { formatDocument } from '../../src/stores/format-document.ts';
import { parseDocument } from '../../src/stores/read-document.ts';
import { RUNS } from '../support/runs.ts';
import { keyScope } from './arbitraries.ts';

/** A comment, and where in a document it is put: above a line or behind it. */
interface PlacedComment {
  readonly words: string;
  readonly share: number;
  readonly isBehind: boolean;
}

const placedComment: fc.Arbitrary<PlacedComment> = fc.record({
  words: fc.stringMatching(/^# ?[a-z "'=[\]#.]{0,20}$/).map((text) => text.trimEnd()),
  share: fc.nat(10_000),
  isBehind: fc.boolean(),
});

const scopes = fc.uniqueArray(keyScope, { selector: formatStoreKey, maxLength: 5 });

function textOf(names: readonly KeyScope[], isNested: boolean): string {
  const entries = names.map(
    (scope) =>
      `\n[keys."${formatStoreKey(scope)}"]\nkey = "mesa_0123456789"\nnote = 'a # b'\nlist = [\n1,\n2\n]\n${isNested ? `[keys."${formatStoreKey(scope)}".more]\na = 1\n` : ''}`,
  );
  return `version = 1\n${isNested ? '\n[meta]\nowner = "ops"\n\n[keys]\n' : ''}${entries.join('')}`;
}

function withComments(text: string, comments: readonly PlacedComment[]): string {
  const lines = text.trimEnd().split('\n');
  for (const { words, share, isBehind } of comments) {
    const at = share % (lines.length + 1);
    const line = lines[at];
    if (isBehind && line !== undefined && line !== '' && !line.includes('#')) {
      lines[at] = `${line} ${words}`;
    } else {
      lines.splice(at, 0, words);
    }
  }
  return `${lines.join('\n')}\n`;
}

function commentsIn(text: string): readonly string[] {
  return parseTOML(text)
    .comments.map(({ value }) => value)
    .toSorted();
}

it('every comment of a document that is edited by hand is there after a rewrite, once', async () => {
  await fc.assert(
    fc.asyncProperty(
      scopes,
      fc.boolean(),
      fc.array(placedComment, { minLength: 1, maxLength: 8 }),
      async (names, isNested, comments) => {
        const text = withComments(textOf(names, isNested), comments);
        const written = await formatDocument(await parseDocument(text, 'a store'));
        expect(commentsIn(written)).toEqual(commentsIn(text));
        expect(await formatDocument(await parseDocument(written, 'a store'))).toBe(written);
      },
    ),
    { numRuns: RUNS },
  );
});

it('another key takes no comment away, and a key that goes takes its own comments alone', async () => {
  const text = [
    '# ask ops before you change anything',
    'version = 1',
    '',
    '# of the build machine',
    '[keys."orgs/acme"] # until May',
    '# from the dashboard',
    'key = "mesa_0123456789" # read only',
    'added = 2026-11-21T10:00:00.000Z',
    '',
    '[keys."orgs/globex"]',
    'key = "mesa_9876543210" # theirs',
    'added = 2026-11-21T10:00:00.000Z',
    '# the end',
    '',
  ].join('\n');
  const acme: KeyScope = { kind: 'org', org: 'acme' };
  const now = new Date('2026-11-21T10:00:00.000Z');
  const token = Token.parse('mesa_new');
  const document = await parseDocument(text, 'a store');
  const set = applyChanges(document, [{ kind: 'set', scope: acme, token }], now);
  expect(await formatDocument(set.document)).toBe(text.replace('mesa_0123456789', 'mesa_new'));
  const removed = applyChanges(document, [{ kind: 'remove', scope: acme }], now);
  expect(await formatDocument(removed.document)).toBe(text.split('\n').toSpliced(3, 6).join('\n'));
});
