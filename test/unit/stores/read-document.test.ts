import { describe, expect, it } from 'vitest';

import { parseCanonicalDocument, parseDocument } from '../../../src/stores/read-document.ts';

const LARGE = 16 * 1024 * 1024;
const PREVIOUS = '\n[previous.global]\nkey = "w"\nuntil = 2026-11-28T10:00:00.000Z\n';
const GLOBAL = '\n[keys.global]\nkey = "x"\n';

describe('the quick way to read a document', () => {
  it.each([
    ['no entry', 'version = 1\n'],
    [
      'every kind of entry',
      `version = 1\n${GLOBAL}added = 2026-11-21T10:00:00.000Z\n\n[keys."orgs/a/repos/b"]\nkey = "y"\n`,
    ],
    ['plain fields', `version = 1\n${GLOBAL}key-id = "k"\nexpires = 2027-01-01T00:00:00.000Z\nn = 5\n`],
    [
      'keys that were replaced',
      `version = 1\n${GLOBAL}${PREVIOUS}\n[previous."orgs/a"]\nkey = "v"\nadded = 2026-11-21T10:00:00.000Z\napi = "https://api.mesa.dev"\nuntil = 2026-11-28T10:00:00.000Z\nkey-id = "k"\n`,
    ],
    ['a replaced key alone', `version = 1\n${PREVIOUS}`],
    ['a field that is called until', `version = 1\n${GLOBAL}until = 5\n`],
    ['an escaped key', 'version = 1\n\n[keys.global]\nkey = "a\\"b\\\\c"\n'],
  ])('takes a document with %s', async (_, text) => {
    const document = parseCanonicalDocument(text);
    expect(document).toBeDefined();
    // A comment is not canonical, so this is read by the parsers of all of TOML.
    const edited = `${text}# other\n`;
    expect(await parseDocument(edited, 'store')).toEqual({ ...document, commentTexts: [edited] });
  });

  it.each([
    ['a later version', `version = 2\n${GLOBAL}`],
    ['no version', GLOBAL],
    ['a field of the document', `version = 1\ngeneration = 1\n${GLOBAL}`],
    ['a comment', `version = 1\n# c\n${GLOBAL}`],
    ['CRLF', `version = 1\n${GLOBAL}`.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeffversion = 1\n${GLOBAL}`],
    ['a missing newline at the end', `version = 1\n${GLOBAL.trimEnd()}`],
    ['a blank line more', `version = 1\n\n${GLOBAL}`],
    ['an entry twice', `version = 1\n${GLOBAL}${GLOBAL}`],
    ['an entry twice, once quoted', `version = 1\n${GLOBAL}${GLOBAL.replace('global', '"global"')}`],
    ['an entry that is no scope', `version = 1\n${GLOBAL.replace('global', '"teams/a"')}`],
    ['no key', 'version = 1\n\n[keys.global]\nadded = 2026-11-21T10:00:00.000Z\n'],
    ['an empty key', `version = 1\n${GLOBAL.replace('x', '')}`],
    ['a space in the key', `version = 1\n${GLOBAL.replace('x', 'x y')}`],
    ['a key that is too long', `version = 1\n${GLOBAL.replace('x', 'x'.repeat(16_385))}`],
    ['a field twice', `version = 1\n${GLOBAL}a = 1\na = 2\n`],
    ['a second key', `version = 1\n${GLOBAL}key = "y"\n`],
    ['a date that does not exist', `version = 1\n${GLOBAL}added = 2026-02-30T10:00:00.000Z\n`],
    ['a date of another form', `version = 1\n${GLOBAL}added = 2026-11-21\n`],
    ['a field that is not plain', `version = 1\n${GLOBAL}a = [1]\n`],
    ['another table at the end', `version = 1\n${GLOBAL}\n[other]\na = 1\n`],
    ['another table right behind a key', `version = 1\n${GLOBAL}[other]\na = 1\n`],
    ['a line break in the key', `version = 1\n${GLOBAL.replace('x', 'x\ny')}`],
    ['a quote in the key', `version = 1\n${GLOBAL.replace('x', 'x"y')}`],
    ['an escape that does not end', `version = 1\n${GLOBAL.replace('x', 'x\\')}`],
    ['a replaced key without an end', `version = 1\n${GLOBAL}${PREVIOUS.replace(/until.*\n/, '')}`],
    ['a replaced key before the others', `version = 1\n${PREVIOUS}${GLOBAL}`],
    ['a replaced key twice', `version = 1\n${GLOBAL}${PREVIOUS}${PREVIOUS}`],
    ['an end that is none', `version = 1\n${GLOBAL}${PREVIOUS.replace(/2026.*/, '5')}`],
    ['an end twice', `version = 1\n${GLOBAL}${PREVIOUS}until = 5\n`],
    ['half a name', `version = 1\n${GLOBAL.replace('global', '"orgs/a')}`],
    ['a bare name', `version = 1\n${GLOBAL.replace('global', 'orgs/a')}`],
    ['text at the end', `version = 1\n${GLOBAL}mesa\n`],
  ])('leaves a document with %s to the other', (_, text) => {
    expect(parseCanonicalDocument(text)).toBeUndefined();
  });

  it.each([
    ['key', `version = 1\n${GLOBAL.replace('x', 'x'.repeat(LARGE))}`],
    ['field', `version = 1\n${GLOBAL}a = "${'x'.repeat(LARGE)}"\n`],
    ['number of fields', `version = 1\n${GLOBAL}${'a = 1\n'.repeat(LARGE / 6)}`],
  ])('does not run out of stack over a %s as large as a store can be', (_, text) => {
    expect(parseCanonicalDocument(text)).toBeUndefined();
  });
});
