import { describe, expect, it } from 'vitest';

import { parsePositionedToml, removeTomlValue, setTomlString } from '../../../src/toml/positioned-toml.ts';
import { findSyntaxError } from '../../support/find-syntax-error.ts';
import { isTable } from '../../../src/toml/table.ts';

function setBackend(text: string): string {
  return setTomlString(text, 'secrets', 'backend', 'plaintext-file');
}

describe('an edit', () => {
  // «...» marks what is new or replaced; all around it is expected to stay byte for byte.
  it.each([
    ['an empty document', '', '«[secrets]\nbackend = "plaintext-file"\n»'],
    ['a document of comments', '# mine\n\n', '# mine\n\n«\n[secrets]\nbackend = "plaintext-file"\n»'],
    ['no newline at the end', 'a = 1', 'a = 1«\n\n[secrets]\nbackend = "plaintext-file"\n»'],
    [
      'the value',
      '[secrets]\nbackend = "old" # why\nz = 1\n',
      '[secrets]\nbackend = «"plaintext-file"» # why\nz = 1\n',
    ],
    ['odd spacing', ' [ secrets ]\n\tbackend="old"\n', ' [ secrets ]\n\tbackend=«"plaintext-file"»\n'],
    ['a literal string', "[secrets]\nbackend = 'old'\n", '[secrets]\nbackend = «"plaintext-file"»\n'],
    ['a string of lines', '[secrets]\nbackend = """\nold"""\n', '[secrets]\nbackend = «"plaintext-file"»\n'],
    ['another type', '[secrets]\nbackend = 5\n', '[secrets]\nbackend = «"plaintext-file"»\n'],
    ['a header alone', '[secrets]', '[secrets]«\nbackend = "plaintext-file"\n»'],
    [
      'a header with a comment',
      '# top\n[secrets] # ours\n# about it\nunlock-timeout = "15m"\n\n[other]\nbackend = "theirs"\n',
      '# top\n[secrets] # ours\n«backend = "plaintext-file"\n»# about it\nunlock-timeout = "15m"\n\n[other]\nbackend = "theirs"\n',
    ],
    ['a quoted header', '["secrets"]\nz = 1\n', '["secrets"]\n«backend = "plaintext-file"\n»z = 1\n'],
    [
      'CRLF',
      '# top\r\n[secrets]\r\nz = 1\r\n',
      '# top\r\n[secrets]\r\n«backend = "plaintext-file"\r\n»z = 1\r\n',
    ],
    ['CRLF without the table', 'a = 1\r\n', 'a = 1\r\n«\r\n[secrets]\r\nbackend = "plaintext-file"\r\n»'],
    ['an inline table', 'secrets = { z = 1 }\n', 'secrets = {« backend = "plaintext-file",» z = 1 }\n'],
    ['an empty inline table', 'secrets = {}\n', 'secrets = {« backend = "plaintext-file"»}\n'],
    ['an inline value', 'secrets = { backend = "old" }\n', 'secrets = { backend = «"plaintext-file"» }\n'],
    [
      'dotted names',
      '# x\nsecrets.z = 1\n[b]\n',
      '# x\n«secrets.backend = "plaintext-file"\n»secrets.z = 1\n[b]\n',
    ],
    ['a dotted value', 'secrets.backend = "old"\n', 'secrets.backend = «"plaintext-file"»\n'],
    [
      'a quoted dotted value',
      '"secrets" . "backend" = "old"\n',
      '"secrets" . "backend" = «"plaintext-file"»\n',
    ],
    [
      'a table below it only',
      '[secrets.other]\nbackend = "theirs"\n',
      '[secrets.other]\nbackend = "theirs"\n«\n[secrets]\nbackend = "plaintext-file"\n»',
    ],
    [
      'the name in other tables',
      'backend = "top"\n[a.secrets]\nbackend = "x"\n[b]\nsecrets.backend = "y"\n',
      'backend = "top"\n[a.secrets]\nbackend = "x"\n[b]\nsecrets.backend = "y"\n«\n[secrets]\nbackend = "plaintext-file"\n»',
    ],
    [
      'an array of tables before it',
      '[[list]]\nbackend = "x"\n[secrets]\n[[list]]\n',
      '[[list]]\nbackend = "x"\n[secrets]\n«backend = "plaintext-file"\n»[[list]]\n',
    ],
  ])('of %s changes that place and no other byte', (_, text, marked) => {
    const edited = setBackend(text);
    expect(edited).toBe(marked.replace(/[«»]/g, ''));
    const secrets = parsePositionedToml(edited).table.get('secrets');
    expect(isTable(secrets) && secrets.get('backend')).toBe('plaintext-file');
    expect(setBackend(edited)).toBe(edited);
  });

  it.each(['secrets = 1\n', '[[secrets]]\nz = 1\n', '[secrets.backend]\nz = 1\n', 'secrets.backend.z = 1\n'])(
    'is refused where the place is taken, as in %j',
    (text) => {
      expect(() => setBackend(text)).toThrow(TypeError);
    },
  );

  it('is refused in what is no TOML', () => {
    expect(() => setBackend('[secrets]\nbackend = mesa_secret\n')).toThrow(
      expect.objectContaining({ name: 'TomlSyntaxError', message: 'invalid TOML at 2:11' }),
    );
  });
});

describe('a removal', () => {
  // «...» marks what goes; all around it is expected to stay byte for byte.
  it.each([
    ['a line', '[a.b]\n# about it\n«x = "old"\n»y = 1\n'],
    ['a line with a comment', '[a.b]\n«\tx="old" # the old one\n»\n[c]\n'],
    ['the last line', '[a.b]\ny = 1\n«x = "old"»'],
    ['CRLF', '[a.b]\r\n«x = "old"\r\n»y = 1\r\n'],
    ['several lines', '[a.b]\n«x = """\nold\n[a.b]\nx = 1""" # three\n»y = 1\n'],
    ['a list over lines', '[a.b]\n«x = [ # one\n  1,\n]\n»y = 1\n'],
    ['a dotted name', 'z = 1\n«a . "b".x = "old"\n»a.b.y = 1\n'],
    ['a dotted name below a table', '[a]\n«b.x = "old"\n»b.y = 1\n'],
    ['the only value of an inline table', '[a]\nb = {« x = "old"» }\n'.replace('« ', ' «')],
    ['the first value of an inline table', 'a = { b = { «x = "old", »y = 1 } }\n'],
    ['the last value of an inline table', 'a = { b = { y = 1« , x = "old"» } } # b\n'],
    ['a value of an inline table by a dotted name', 'a = { «b.x = "old", »c = 1 }\n'],
    ['a document with a byte order mark', '\ufeff[a.b]\n«x = "old"\n»'],
    ['nothing: the value is elsewhere', '[a]\nx = 1\n[b]\nx = 1\n[[c]]\na.b.x = 1\n'],
  ])('takes away %s and no other byte', (_, marked) => {
    const text = marked.replace(/[«»]/g, '');
    const edited = removeTomlValue(text, ['a', 'b', 'x']);
    expect(edited).toBe(marked.replace(/«[^]*»/, ''));
    expect(parsePositionedToml(edited.replace('\ufeff', '')).lineOf(['a', 'b', 'x'])).toBeUndefined();
    expect(removeTomlValue(edited, ['a', 'b', 'x'])).toBe(edited);
  });

  it('is refused in what is no TOML', () => {
    expect(() => removeTomlValue('[a.b]\nx = mesa_secret\n', ['a', 'b', 'x'])).toThrow(
      expect.objectContaining({ name: 'TomlSyntaxError', message: 'invalid TOML at 2:5' }),
    );
  });
});

describe('a value', () => {
  const TEXT = [
    'a = 1',
    'b.c = "x"',
    '[t]',
    'd = [ 1,',
    '  2 ]',
    '[t.u]',
    'e = { f = { g = true } }',
    '"h i" = 1',
    '[[list]]',
    'n = 1',
  ].join('\r\n');

  it.each([
    [['a'], 1],
    [['b', 'c'], 2],
    [['t', 'd'], 4],
    [['t', 'u', 'e'], 7],
    [['t', 'u', 'e', 'f', 'g'], 7],
    [['t', 'u', 'h i'], 8],
    [['t', 'd', 'x'], undefined],
    [['c'], undefined],
    [['list', 'n'], undefined],
  ])('at %j is on line %s', (path, line) => {
    expect(parsePositionedToml(TEXT).lineOf(path)).toBe(line);
  });
});

describe('the values', () => {
  it('are those of the document, at every depth', () => {
    const text = [
      'a.b.c = 1',
      'd = { e.f = [{ g = 2.5 }, []] }',
      '[[list]]',
      'n = 1',
      '[[list.inner]]',
      'm = 1',
      '[list.inner.deep]',
      'o = true',
      '[[list]]',
      'n = 2',
      '[a.x]',
      't = 2026-11-21T10:00:00.000Z',
    ].join('\n');
    expect(parsePositionedToml(text).table).toEqual(
      new Map<string, unknown>([
        [
          'a',
          new Map<string, unknown>([
            ['b', new Map([['c', 1]])],
            ['x', new Map([['t', new Date('2026-11-21T10:00:00Z')]])],
          ]),
        ],
        ['d', new Map([['e', new Map([['f', [new Map([['g', 2.5]]), []]]])]])],
        [
          'list',
          [
            new Map<string, unknown>([
              ['n', 1],
              [
                'inner',
                [
                  new Map<string, unknown>([
                    ['m', 1],
                    ['deep', new Map([['o', true]])],
                  ]),
                ],
              ],
            ]),
            new Map([['n', 2]]),
          ],
        ],
      ]),
    );
  });

  it('reach no prototype through the names of object members', () => {
    const text =
      '[__proto__.x]\ny = 1\n[constructor]\nkeys = 2\n[__proto__]\nz = 1\n[a.constructor.prototype]\nq = 1\n';
    const { table } = parsePositionedToml(text);
    expect(table.get('__proto__')).toEqual(
      new Map<string, unknown>([
        ['x', new Map([['y', 1]])],
        ['z', 1],
      ]),
    );
    expect(table.get('constructor')).toEqual(new Map([['keys', 2]]));
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(typeof Object.keys).toBe('function');
  });
});

it.each([
  ['a = 1\n', undefined],
  ['', undefined],
  ['a = 1\n  b = = 2\n', 'invalid TOML at 2:7'],
  ['a = 1\na = 2\n', 'invalid TOML at 2:1'],
  ['a = 2026-13-01T00:00:00Z\n', 'invalid TOML at 1:14'],
  [`a = ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`, 'invalid TOML at 1:1'],
])('finds where a document stops being TOML (row %#)', (text, message) => {
  expect(findSyntaxError(text)?.message).toBe(message);
});
