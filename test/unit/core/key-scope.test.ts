import { describe, expect, it } from 'vitest';

import {
  compareScopes,
  formatStoreKey,
  isOrgSlug,
  isRepoName,
  parseStoreKey,
  scopeFlags,
  scopeFromNames,
  type KeyScope,
} from '../../../src/core/key-scope.ts';

const LONG = 'x'.repeat(10_240);
const CYRILLIC_A = '\u0430';

describe('an organization slug', () => {
  it.each([
    'a',
    '7',
    'acme',
    'ACME',
    'a.b',
    'a-b_c.d',
    'a__b',
    'constructor',
    'toString',
    'global',
    'orgs',
    'repos',
    'x'.repeat(64),
    `a${'.-'.repeat(31)}b`,
  ])('can be %j', (text) => {
    expect(isOrgSlug(text)).toBe(true);
    expect(scopeFromNames(text, undefined)).toEqual({ kind: 'org', org: text });
  });

  it.each([
    '',
    '.',
    '..',
    'a..b',
    'a/b',
    '-x',
    'x-',
    '_x',
    'x_',
    '.x',
    'x.',
    'a"b',
    "a'b",
    'a b',
    ' a',
    'acme\n',
    'acme\r',
    'a\u0000b',
    'a\\b',
    'a:b',
    'a,b',
    `${CYRILLIC_A}cme`,
    'acm\u00e9',
    'a\u200bb',
    '__proto__',
    'x'.repeat(65),
    LONG,
  ])('cannot be %j', (text) => {
    expect(isOrgSlug(text)).toBe(false);
    expect(() => scopeFromNames(text, undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCOPE', exitStatus: 2 }),
    );
  });

  it.each([
    ['a\u001b]52;c;\u0007\u202eb', "'a\\u{1b}]52;c;\\u{7}\\u{202e}b'"],
    ['-acme', "'-acme'"],
    ['mesa_0123456789abcdef!', 'what was given'],
    ['acme:0123456789abcdef', 'what was given'],
    ['eyJhbGciOiJIUzI1NiJ9!', 'what was given'],
  ])('%# is named in the error as far as that does no harm', (text, shown) => {
    expect(() => scopeFromNames(text, undefined)).toThrow(
      expect.objectContaining({ message: `${shown} is not an organization name` }),
    );
    expect(() => scopeFromNames('acme', `${text}/`)).toThrow(
      expect.objectContaining({ message: `${shown.replace(/'$/, "/'")} is not a repository name` }),
    );
  });
});

describe('a repository name', () => {
  it.each(['a', '.github', '_x', 'x_', 'x-', 'a..b', '...', 'git', '.gitignore', 'x'.repeat(100)])(
    'can be %j',
    (text) => {
      expect(isRepoName(text)).toBe(true);
      expect(scopeFromNames('acme', text)).toEqual({ kind: 'repo', org: 'acme', repo: text });
    },
  );

  it.each([
    '',
    '.',
    '..',
    '-x',
    'a/b',
    'a b',
    'web.git',
    'web.GIT',
    '.git',
    'web\n',
    `w${CYRILLIC_A}b`,
    'a"b',
    'x'.repeat(101),
    LONG,
  ])('cannot be %j', (text) => {
    expect(isRepoName(text)).toBe(false);
    expect(() => scopeFromNames('acme', text)).toThrow(
      expect.objectContaining({ code: 'INVALID_SCOPE', exitStatus: 2 }),
    );
  });

  it('may be the name of an object member', () => {
    expect(['__proto__', 'constructor', 'hasOwnProperty'].filter(isRepoName)).toHaveLength(3);
  });

  it('needs an organization', () => {
    expect(() => scopeFromNames(undefined, 'web')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('a store key', () => {
  const SPELLINGS: readonly (readonly [string, KeyScope])[] = [
    ['global', { kind: 'global' }],
    ['orgs/acme', { kind: 'org', org: 'acme' }],
    ['orgs/global', { kind: 'org', org: 'global' }],
    ['orgs/acme/repos/web', { kind: 'repo', org: 'acme', repo: 'web' }],
    ['orgs/repos/repos/repos', { kind: 'repo', org: 'repos', repo: 'repos' }],
  ];

  it.each(SPELLINGS)('%s is exactly one scope', (text, scope) => {
    expect(parseStoreKey(text)).toEqual(scope);
    expect(formatStoreKey(scope)).toBe(text);
  });

  it.each([
    '',
    'Global',
    'global/',
    'global/x',
    'orgs',
    'orgs/',
    'orgs//repos/web',
    'orgs/acme/',
    'orgs/acme/repos',
    'orgs/acme/repos/',
    'orgs/acme/repos/web/',
    'orgs/acme/repos/web/x',
    'orgs/acme/repo/web',
    'orgs/acme/repos/web.git',
    'orgs/../global',
    '/orgs/acme',
    'orgs/acme ',
    'orgs/__proto__',
    '__proto__',
    'constructor',
  ])('%j is none', (text) => {
    expect(parseStoreKey(text)).toBeUndefined();
  });
});

it('gives back the flags that name a scope', () => {
  expect(scopeFlags(scopeFromNames(undefined, undefined))).toBe('');
  expect(scopeFlags(scopeFromNames('acme', undefined))).toBe(' --org acme');
  expect(scopeFlags(scopeFromNames('acme', 'web'))).toBe(' --org acme --repo web');
});

it('orders upper case before lower case and an organization before its repositories', () => {
  const names = [
    'orgs/b',
    'orgs/a/repos/b',
    'orgs/B',
    'orgs/a/repos/B',
    'global',
    'orgs/a',
    'orgs/a.b',
    'orgs/a-b',
  ];
  const scopes = names.map((name) => parseStoreKey(name) ?? { kind: 'global' as const });
  expect(scopes.toSorted(compareScopes).map(formatStoreKey)).toEqual([
    'global',
    'orgs/B',
    'orgs/a',
    'orgs/a/repos/B',
    'orgs/a/repos/b',
    'orgs/a-b',
    'orgs/a.b',
    'orgs/b',
  ]);
});
