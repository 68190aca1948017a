import { describe, expect, it } from 'vitest';

import { formatStoreKey, scopeFromNames } from '../../../src/core/key-scope.ts';
import { Token } from '../../../src/core/token.ts';
import { applyChanges } from '../../../src/stores/apply-changes.ts';
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../src/stores/document.ts';
import { formatDocument } from '../../../src/stores/format-document.ts';
import { parseDocument } from '../../../src/stores/read-document.ts';
import { parsePlainToml } from '../../../src/toml/plain-toml.ts';

const PATH = '/home/a/secrets.plaintext.toml';
const NOW = new Date('2026-11-21T10:00:00.000Z');

function keysOf(document: StoreDocument): readonly string[] {
  return [...document.entries.keys()];
}

describe('a written document', () => {
  const scopes = [
    scopeFromNames('acme', 'web'),
    scopeFromNames('acme', undefined),
    scopeFromNames(undefined, undefined),
  ];
  const { document } = applyChanges(
    EMPTY_DOCUMENT,
    scopes.map((scope) => ({ kind: 'set', scope, token: Token.parse(`mesa_${scope.kind}`) })),
    NOW,
  );

  it('has exactly the documented bytes', async () => {
    expect(await formatDocument(document)).toBe(`version = 1

[keys.global]
key = "mesa_global"
added = 2026-11-21T10:00:00.000Z

[keys."orgs/acme"]
key = "mesa_org"
added = 2026-11-21T10:00:00.000Z

[keys."orgs/acme/repos/web"]
key = "mesa_repo"
added = 2026-11-21T10:00:00.000Z
`);
    expect(await formatDocument(EMPTY_DOCUMENT)).toBe('version = 1\n');
  });

  it('escapes the two characters of a key that need it', async () => {
    const token = Token.parse('a"b\\c\\"');
    const scope = scopeFromNames('acme', undefined);
    const odd = applyChanges(EMPTY_DOCUMENT, [{ kind: 'set', scope, token }], NOW).document;
    const text = await formatDocument(odd);
    expect(text).toContain('key = "a\\"b\\\\c\\\\\\""\n');
    const read = await parseDocument(text, PATH);
    expect(read.entries.get(formatStoreKey(scope))?.token.reveal()).toBe('a"b\\c\\"');
  });

  it('is read by the quick parser, so that a look-up never loads the slow one', async () => {
    expect(parsePlainToml(await formatDocument(document))).toBeDefined();
  });

  it('is the same object when no change changed anything', () => {
    const scope = scopeFromNames('other', undefined);
    expect(applyChanges(document, [{ kind: 'remove', scope }], NOW).document).toBe(document);
  });
});

describe('a document by hand', () => {
  it.each([
    ['inline tables', 'version = 1\nkeys = { global = { key = "x" }, "orgs/acme" = { key = "y" } }'],
    ['dotted names', 'version = 1\nkeys.global.key = "x"\nkeys."orgs/acme".key = "y"'],
    ['literal strings', "version = 1\n[keys.global]\nkey = 'x'\n[keys.'orgs/acme']\nkey = 'y'"],
    [
      'comments and indentation',
      '# c\nversion=1 # c\n [keys.global]\n\tkey="x"\n[keys."orgs/acme"]#c\nkey="y"',
    ],
    ['CRLF', '# c\r\nversion = 1 # c\r\n[keys.global]\r\nkey = "x"\r\n[keys."orgs/acme"]\r\nkey = "y"\r\n'],
    ['the keys first', 'keys.global.key = "x"\nkeys."orgs/acme".key = "y"\nversion = 1'],
  ])('may be laid out with %s', async (_, text) => {
    const document = await parseDocument(text, PATH);
    expect(Array.from(document.entries.values(), ({ token }) => token.reveal())).toEqual(['x', 'y']);
    expect(keysOf(document)).toEqual(['global', 'orgs/acme']);
  });

  it('may use the names of object members wherever a name stands', async () => {
    const text = [
      'version = 1',
      'constructor = { prototype = { z = 1 } }',
      '[keys."orgs/constructor"]',
      'key = "x"',
      '__proto__ = { z = 1 }',
      '[keys.__proto__]',
      'key = "mesa_secret"',
      '[keys.constructor.prototype]',
      'z = 1',
      '',
    ].join('\n');
    const document = await parseDocument(text, PATH);
    expect(keysOf(document)).toEqual(['orgs/constructor']);
    expect([...document.unknownEntries.keys()]).toEqual(['__proto__', 'constructor']);
    const again = await parseDocument(await formatDocument(document), PATH);
    expect(again.unknownEntries).toEqual(document.unknownEntries);
    expect(again.unknownFields).toEqual(document.unknownFields);
    expect('z' in {}).toBe(false);
  });
});

/** A document of one entry, which has these lines. */
function entry(lines: string): string {
  return `version = 1\n[keys.global]\n${lines}\n`;
}

describe('a document that is none', () => {
  it.each([
    ['a second equals sign', entry('key = = "mesa_secret"'), `${PATH}:3:7`],
    ['a string without end', entry('key = "mesa_secret'), `${PATH}:3:19`],
    ['a header without end', 'version = 1\n[keys.mesa_secret\n', `${PATH}:3:1`],
    ['a bare word', entry('mesa_secret'), `${PATH}:3:12`],
    ['a bare value', entry('key = mesa_secret'), `${PATH}:3:7`],
    ['an unknown escape', entry('key = "mesa_\\secret"'), `${PATH}:3:14`],
    ['an impossible date', entry('key = "mesa_secret"\nadded = 2026-11-41T10:00:00Z'), `${PATH}:4:18`],
    ['a field twice', entry('key = "mesa_secret"\nkey = "mesa_secret"'), `${PATH}:4:1`],
    ['a table twice', entry('key = "mesa_secret"\n[keys.global]'), `${PATH}:4:7`],
    ['a table over a field', `${entry('key = "mesa_secret"')}[keys.global.key]\n`, `${PATH}:4:14`],
    ['a control character', entry('key = "mesa_\u0001secret"'), `${PATH}:3:13`],
    ['a later CRLF line', entry('# c\r\nkey = mesa_secret'), `${PATH}:4:7`],
  ])('because of %s is refused with file, line and column, and none of its text', async (_, text, place) => {
    await expect(parseDocument(text, PATH)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      exitStatus: 8,
      message: `the secret store ${place} is damaged: invalid TOML`,
    });
  });

  it.each([
    ['', 'it has no version'],
    ['[keys.global]\nkey = "mesa_secret"\n', 'it has no version'],
    ['version = "mesa_secret"\n', 'its version is not 1'],
    ['version = 0\n', 'its version is not 1'],
    ['version = -2\n', 'its version is not 1'],
    ['version = 1.5\n', 'its version is not 1'],
    ['version = 1\nkeys = "mesa_secret"\n', '"keys" is not a table'],
    ['version = 1\n[[keys]]\nglobal = "mesa_secret"\n', '"keys" is not a table'],
    ['version = 1\nkeys.global = "mesa_secret"\n', 'the entry global is not a table'],
    [entry(''), 'the key of global is not a string'],
    [entry('key = 5'), 'the key of global is not a string'],
    [entry('key = ["mesa_secret"]'), 'the key of global is not a string'],
    [entry('key = ""'), 'the key of global is empty'],
    [entry('key = "mesa_secret "'), 'the key of global contains a space or tab'],
    [entry('key = "mesa_secret\\n"'), 'the key of global contains a line break'],
    [entry('key = "mesa_secret"\nadded = "mesa_secret"'), 'the field "added" of global is not a date-time'],
  ])('such as %j is refused, and the message says why without its text', async (text, reason) => {
    await expect(parseDocument(text, PATH)).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: `the secret store ${PATH} is damaged: ${reason}`,
      hint: expect.not.stringContaining('mesa_secret'),
    });
  });

  it('but of a later version is told apart', async () => {
    await expect(parseDocument('version = 2\nsomething = "else"\n', PATH)).rejects.toMatchObject({
      code: 'STORE_VERSION',
      exitStatus: 8,
      message: `${PATH} has version 2; this mesa knows version 1`,
    });
  });
});
