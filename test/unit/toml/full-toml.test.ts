import { describe, expect, it } from 'vitest';

import { formatPair, parseToml } from '../../../src/toml/full-toml.ts';
import { parsePositionedToml } from '../../../src/toml/positioned-toml.ts';
import { isTable, TomlLiteral, type TomlValue } from '../../../src/toml/table.ts';

describe('a pair', () => {
  it.each<[string, TomlValue, string]>([
    ['a', 'x "y" \\z', 'a = "x \\"y\\" \\\\z"'],
    [
      'a',
      'two\nlines\tand\u0001more\u0002\u007f',
      'a = "two\\u000alines\\u0009and\\u0001more\\u0002\\u007f"',
    ],
    ['a', 'caf\u00e9 \ud83d\ude00', 'a = "caf\u00e9 \ud83d\ude00"'],
    ['a', 1_000_000, 'a = 1000000'],
    ['a', -1, 'a = -1'],
    ['a', 1.5, 'a = 1.5'],
    ['a', 1e-7, 'a = 1e-7'],
    ['a', 1e21, 'a = 1e+21'],
    ['a', new TomlLiteral('1.0'), 'a = 1.0'],
    ['a', new TomlLiteral('-0.0'), 'a = -0.0'],
    ['a', new TomlLiteral('nan'), 'a = nan'],
    ['a', new TomlLiteral('0xFFFFFFFFFFFFFFFF'), 'a = 0xFFFFFFFFFFFFFFFF'],
    ['a', new TomlLiteral('9223372036854775807'), 'a = 9223372036854775807'],
    [
      'a',
      new TomlLiteral('9999-12-31T23:59:59-01:00', new Date('+010000-01-01T00:59:59.000Z')),
      'a = 9999-12-31T23:59:59-01:00',
    ],
    ['a', false, 'a = false'],
    ['a', new Date('2026-11-21T10:00:00.123Z'), 'a = 2026-11-21T10:00:00.123Z'],
    ['a', [1, 'two', [3]], 'a = [1, "two", [3]]'],
    ['a', [], 'a = []'],
    ['a', new Map(), 'a = {  }'],
    ['a', new Map<string, TomlValue>([['b c', new Map([['d', 1]])]]), 'a = { "b c" = { d = 1 } }'],
    ['orgs/acme', 1, '"orgs/acme" = 1'],
    ['', 1, '"" = 1'],
    ['two\nlines\u0001"', 1, '"two\\u000alines\\u0001\\"" = 1'],
    ['__proto__', 1, '__proto__ = 1'],
  ])('%j = %o is written as %s, which two parsers read back', async (name, value, text) => {
    expect(formatPair(name, value)).toBe(text);
    const expected = new Map([[name, value]]);
    expect(await parseToml(`${text}\n`)).toEqual(expected);
    expect(parsePositionedToml(`${text}\n`).table).toEqual(expected);
  });

  it.each([
    '2026-11-21',
    '10:20:30.000',
    '2026-11-21T10:20:30.000',
    '2026-11-21 10:20:30.123456789+05:30',
    '2026-11-21T10:00:60Z',
    '0000-01-01',
    '[1.0, 2]',
  ])('keeps %s as it is written, whichever parser read it', async (text) => {
    for (const table of [await parseToml(`a = ${text}\n`), parsePositionedToml(`a = ${text}\n`).table]) {
      expect(formatPair('a', table.get('a') ?? '')).toBe(`a = ${text}`);
    }
  });
});

describe('the full parser', () => {
  it('reads a document with CRLF, comments included', async () => {
    const text = "# top\n[a] # header\nb = \"x\" # value\n\n#\nc = '''two\nlines'''\n";
    expect(await parseToml(text.replaceAll('\n', '\r\n'))).toEqual(await parseToml(text));
  });

  it('tells where a document stops being TOML, and none of its text', async () => {
    await expect(parseToml('a = 1\nb = = "mesa_secret"\n')).rejects.toMatchObject({
      line: 2,
      column: 5,
      message: 'invalid TOML at 2:5',
    });
  });

  it.each([
    ['[constructor]\nz = 1\n', ['constructor', 'z']],
    ['[constructor.prototype]\nz = 1\n', ['constructor', 'prototype', 'z']],
    ['[toString]\nz = 1\n', ['toString', 'z']],
    ['__proto__.z = 1\n', ['__proto__', 'z']],
    ['[__proto__.y]\nz = 1\n', ['__proto__', 'y', 'z']],
    ['x = { __proto__ = { z = 1 } }\n', ['x', '__proto__', 'z']],
    ['["c\\u006fnstructor"."pr\\U0000006ftotype"]\nz = 1\n', ['constructor', 'prototype', 'z']],
  ])('takes the names of object members in %j for names', async (text, path) => {
    let value: TomlValue | undefined = await parseToml(text);
    for (const name of path) {
      value = isTable(value) ? value.get(name) : undefined;
    }
    expect(value).toBe(1);
    const objects = [{}, Object, Reflect.get({}, 'toString') as object];
    expect(objects.filter((object) => 'z' in object)).toEqual([]);
  });
});
