import { expect, it } from 'vitest';

import { parsePermissions, parseRepos, parseTtl } from '../../../src/minting/token-order.ts';

it('permissions come in one order, each once, whatever was typed', () => {
  expect(parsePermissions('read')).toEqual(['read']);
  expect(parsePermissions('write, read,write')).toEqual(['read', 'write']);
  expect(parsePermissions('admin')).toEqual(['admin']);
});

it.each(['', 'read,', 'Read', 'all', 'read write', 'read;write', 'git:read'])(
  'the permissions %j are refused with those that there are',
  (text) => {
    expect(() => parsePermissions(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('read, write, admin') }),
    );
  },
);

it('a time is told in seconds, from one second to a day', () => {
  expect(['1s', '15m', '1h30m', '24h', '1d'].map(parseTtl)).toEqual([1, 900, 5_400, 86_400, 86_400]);
});

it.each(['', '0s', '0', '3600', '24h1s', '1w', '-1h', '1.5h', 'x', '999999w'])(
  'the time %j is refused',
  (text) => {
    expect(() => parseTtl(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  },
);

it('repositories are named with their organization, or beside it, and each counts once', () => {
  const web = { kind: 'repo', org: 'acme', repo: 'web' };
  expect(parseRepos([], undefined)).toEqual([]);
  expect(parseRepos(['acme/web'], undefined)).toEqual([web]);
  expect(parseRepos(['web', 'acme/web', 'acme/api'], 'acme')).toEqual([web, { ...web, repo: 'api' }]);
});

it.each([
  [['web'], undefined, 'USAGE'],
  [['acme/web', 'other/web'], undefined, 'USAGE'],
  [['other/web'], 'acme', 'USAGE'],
  [['acme/web/x'], undefined, 'INVALID_SCOPE'],
  [['acme/'], undefined, 'INVALID_SCOPE'],
  [['/web'], undefined, 'INVALID_SCOPE'],
  [['acme/..'], undefined, 'INVALID_SCOPE'],
  [['acme/web.git'], undefined, 'INVALID_SCOPE'],
  [[''], 'acme', 'INVALID_SCOPE'],
])('the repositories %j of %s are refused', (texts, org, code) => {
  expect(() => parseRepos(texts, org)).toThrow(expect.objectContaining({ code }));
});
