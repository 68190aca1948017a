import { describe, expect, it } from 'vitest';

import { parseToml } from '../../../src/toml/full-toml.ts';
import { parsePlainToml } from '../../../src/toml/plain-toml.ts';

const DOCUMENT = `# a comment, with a tab\there
version = 1

[keys.global]
key = "mesa_\\"quoted\\" and \\\\"
added = 2026-11-21T10:00:00.000Z
ok = true
 \t
[keys."orgs/acme/repos/web.js"]
key = "x"
`;

describe('the plain parser', () => {
  it.each([
    ['LF', DOCUMENT],
    ['CRLF', DOCUMENT.replaceAll('\n', '\r\n')],
    ['no newline at the end', DOCUMENT.trimEnd()],
  ])('reads what mesa writes, with %s, as the full one does', async (_, text) => {
    const table = parsePlainToml(text);
    expect(table).toEqual(await parseToml(text));
    expect(table?.get('keys')).toEqual(
      new Map([
        [
          'global',
          new Map<string, unknown>([
            ['key', 'mesa_"quoted" and \\'],
            ['added', new Date('2026-11-21T10:00:00.000Z')],
            ['ok', true],
          ]),
        ],
        ['orgs/acme/repos/web.js', new Map([['key', 'x']])],
      ]),
    );
  });

  it('takes the names of object members for names', async () => {
    const text = '[__proto__]\nconstructor = "x"\n[constructor.__proto__]\n__proto__ = 1\n';
    expect(parsePlainToml(text)).toEqual(await parseToml(text));
    expect(parsePlainToml(text)?.get('__proto__')).toEqual(new Map([['constructor', 'x']]));
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each([
    ['a duplicate name', 'a = 1\na = 2\n'],
    ['a duplicate table', '[a]\n[b]\n[a]\n'],
    ['a table over a value', 'a = 1\n[a]\n'],
    ['a table below a value', '[a]\nb = "x"\n[a.b.c]\n'],
    ['a value over a table', '[a.b]\n[a]\nb = 1\n'],
    ['an array of tables', '[[a]]\n'],
    ['a dotted name', 'a.b = 1\n'],
    ['a quoted name', '"a" = 1\n'],
    ['an indented name', ' a = 1\n'],
    ['another escape', 'a = "\\n"\n'],
    ['another character', 'a = "\u00e9"\n'],
    ['a control character', 'a = "\u0001"\n'],
    ['a literal string', "a = 'x'\n"],
    ['an open string', 'a = "x\n'],
    ['a leading zero', 'a = 01\n'],
    ['a signed number', 'a = -1\n'],
    ['a float', 'a = 1.5\n'],
    ['a large integer', 'a = 9007199254740993\n'],
    ['a local date', 'a = 2026-11-21\n'],
    ['an offset', 'a = 2026-11-21T10:00:00.000+01:00\n'],
    ['a day that does not exist', 'a = 2026-02-30T10:00:00.000Z\n'],
    ['a leap second', 'a = 2026-12-31T23:59:60.000Z\n'],
    ['an array', 'a = [1]\n'],
    ['an inline table', 'a = { b = 1 }\n'],
    ['a comment behind a value', 'a = 1 # x\n'],
    ['a comment behind a header', '[a] # x\n'],
    ['a control character in a comment', '# \u0001\n'],
    ['a very long line', `a = "${'x'.repeat(1024 * 1024)}"\n`],
    ['a lone carriage return', 'a = 1\rb = 2\n'],
    ['a carriage return at the end', '# x\r'],
    ['a byte order mark', '\ufeffa = 1\n'],
    ['no value', 'a =\n'],
    ['text', 'hello\n'],
  ])('leaves %s to the full one', (_, text) => {
    expect(parsePlainToml(text)).toBeUndefined();
  });
});
