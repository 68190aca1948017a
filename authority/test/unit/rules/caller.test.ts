import { describe, expect, it } from 'vitest';

import { ApiError } from '../../../src/errors.ts';
import {
  isRestricted,
  isWithin,
  mayUseRepository,
  permissionsOf,
  requireKeyManager,
  requireOrganization,
  requirePermission,
  requireRepository,
  type Caller,
  type KeyWidth,
  type TokenBounds,
} from '../../../src/rules/caller.ts';

const ACME = { id: 'org_1', slug: 'acme', name: 'Acme' };
const WEB = { id: 'repo_1', name: 'web' };
const API = { id: 'repo_2', name: 'api' };

type Permissions = Caller['permissions'];

const NONE: Permissions = [];
const READ: Permissions = ['read'];
const WRITE: Permissions = ['write'];
const ADMIN: Permissions = ['admin'];
const READ_ADMIN: Permissions = ['read', 'admin'];
const ALL: Permissions = ['read', 'write', 'admin'];

function keyWith(permissions: Permissions, repoIds: Caller['repoIds'] = null): Caller {
  return { organization: ACME, keyId: 'key_1', keyName: null, permissions, repoIds, token: undefined };
}

function tokenOf(
  key: Permissions,
  token: Permissions,
  repos: TokenBounds['repos'] = null,
  repoIds: Caller['repoIds'] = null,
): Caller {
  return { ...keyWith(key, repoIds), token: { permissions: token, repos } };
}

/** What a check says: `allowed`, or the code and message of its refusal. */
function verdict(check: () => unknown): string {
  try {
    check();
    return 'allowed';
  } catch (error) {
    if (error instanceof ApiError) {
      return `${error.code}: ${error.message}`;
    }
    throw error;
  }
}

/** Of each permission, whether the caller has it. */
function askedOf(caller: Caller): readonly string[] {
  return (['read', 'write', 'admin'] as const).map((needed) =>
    verdict(() => {
      requirePermission(caller, needed);
    }),
  );
}

function width(permissions: Permissions, repoIds: KeyWidth['repoIds'] = null): KeyWidth {
  return { permissions, repoIds };
}

const needs = (scope: string): string => `FORBIDDEN: This operation needs the scope '${scope}'`;
const NOT_VALID = 'FORBIDDEN: The credential is not valid for this repository';

describe('the permissions of a caller', () => {
  it.each([
    [NONE, []],
    [READ, ['read']],
    [WRITE, ['write']],
    [READ_ADMIN, ['read', 'admin']],
  ] as const)('are those of its key %j as it was created', (key, expected) => {
    expect(permissionsOf(keyWith(key))).toEqual(expected);
  });

  it.each([
    [ADMIN, ADMIN, ALL],
    [ADMIN, WRITE, ['read', 'write']],
    [ADMIN, READ, ['read']],
    [ADMIN, NONE, []],
    [WRITE, ADMIN, ['read', 'write']],
    [WRITE, READ, ['read']],
    [READ, ADMIN, ['read']],
    [READ, WRITE, ['read']],
    [NONE, ADMIN, []],
  ] as const)('with a key %j that signed a token %j, are what both allow: %j', (key, token, expected) => {
    expect(permissionsOf(tokenOf(key, token))).toEqual(expected);
  });

  it.each([
    [NONE, needs('read'), needs('write'), needs('admin')],
    [READ, 'allowed', needs('write'), needs('admin')],
    [WRITE, 'allowed', 'allowed', needs('admin')],
    [ADMIN, 'allowed', 'allowed', 'allowed'],
  ] as const)('%j allow those below them, and not those above', (key, read, write, admin) => {
    expect(askedOf(keyWith(key))).toEqual([read, write, admin]);
    // A token has them from both: whichever is less decides.
    expect(askedOf(tokenOf(key, ADMIN))).toEqual([read, write, admin]);
    expect(askedOf(tokenOf(ADMIN, key))).toEqual([read, write, admin]);
  });
});

describe('an organization', () => {
  it.each([
    ['acme', 'allowed'],
    ['umbrella', 'FORBIDDEN: The credential is for another organization'],
    ['Acme', 'FORBIDDEN: The credential is for another organization'],
    ['acme2', 'FORBIDDEN: The credential is for another organization'],
    ['', 'FORBIDDEN: The credential is for another organization'],
    ['org_1', 'FORBIDDEN: The credential is for another organization'],
  ])('%j, for a key of acme with every permission: %s', (slug, expected) => {
    for (const caller of [keyWith(ALL), tokenOf(ALL, ALL)]) {
      expect(
        verdict(() => {
          requireOrganization(caller, slug);
        }),
      ).toBe(expected);
    }
  });
});

describe('API keys are managed', () => {
  it.each([
    ['by a key with admin', keyWith(ADMIN), 'allowed'],
    ['by a key with admin for one repository', keyWith(ADMIN, [WEB.id]), 'allowed'],
    ['not by a key with write', keyWith(WRITE), needs('admin')],
    ['not by a key with read', keyWith(READ), needs('admin')],
    ['not by a key with nothing', keyWith(NONE), needs('admin')],
    [
      'not by a token, even with admin',
      tokenOf(ADMIN, ADMIN),
      'FORBIDDEN: An access token cannot manage API keys',
    ],
    ['not by a weaker token', tokenOf(READ, READ), 'FORBIDDEN: An access token cannot manage API keys'],
  ])('%s', (_, caller, expected) => {
    expect(
      verdict(() => {
        requireKeyManager(caller);
      }),
    ).toBe(expected);
  });
});

describe('a repository', () => {
  // Who; restricted or not; web; api; one that is not there.
  it.each([
    ['a key for all', keyWith(READ), false, true, true],
    ['a key for web', keyWith(READ, [WEB.id]), true, true, false],
    ['a key for both', keyWith(READ, [API.id, WEB.id]), true, true, true],
    ['a key for none', keyWith(READ, []), true, false, false],
    ['a key for what only sounds like web', keyWith(READ, ['web', 'acme/web']), true, false, false],
    ['a token for all', tokenOf(READ, READ), false, true, true],
    ['a token for web', tokenOf(READ, READ, ['acme/web']), true, true, false],
    ['a token for none', tokenOf(READ, READ, []), true, false, false],
    ['a token for web of another organization', tokenOf(READ, READ, ['umbrella/web']), true, false, false],
    ['a token for a name without organization', tokenOf(READ, READ, ['web', 'repo_1']), true, false, false],
    ['a token for all of a key for web', tokenOf(READ, READ, null, [WEB.id]), true, true, false],
    [
      'a token for both of a key for web',
      tokenOf(READ, READ, ['acme/web', 'acme/api'], [WEB.id]),
      true,
      true,
      false,
    ],
    ['a token for api of a key for web', tokenOf(READ, READ, ['acme/api'], [WEB.id]), true, false, false],
    ['a token for web of a key for none', tokenOf(READ, READ, ['acme/web'], []), true, false, false],
  ] as const)('for %s', (_, caller, restricted, web, api) => {
    expect(isRestricted(caller)).toBe(restricted);
    expect([mayUseRepository(caller, WEB), mayUseRepository(caller, API)]).toEqual([web, api]);
    for (const [repository, allowed] of [
      [WEB, web],
      [API, api],
    ] as const) {
      expect(verdict(() => requireRepository(caller, repository))).toBe(allowed ? 'allowed' : NOT_VALID);
    }
    // Who is restricted learns the same of what is not there as of what is not for him.
    expect(verdict(() => requireRepository(caller, undefined))).toBe(
      restricted ? NOT_VALID : 'NOT_FOUND: There is no such repository',
    );
  });

  it('is handed on as it was found', () => {
    expect(requireRepository(keyWith(READ), WEB)).toBe(WEB);
  });
});

describe('a key', () => {
  it.each([
    ['the same', width(WRITE), width(WRITE), true],
    ['fewer permissions', width(READ), width(ADMIN), true],
    ['all permissions by name', width(ALL), width(ADMIN), true],
    ['no permission', width(NONE), width(NONE), true],
    ['one permission more', width(WRITE), width(READ), false],
    ['one of several permissions more', width(READ_ADMIN), width(WRITE), false],
    ['any permission', width(READ), width(NONE), false],
    ['one repository of all', width(READ, [WEB.id]), width(READ), true],
    ['one repository of two', width(READ, [WEB.id]), width(READ, [API.id, WEB.id]), true],
    ['no repository', width(READ, []), width(READ, [WEB.id]), true],
    ['no repository, of none', width(READ, []), width(READ, []), true],
    ['another repository', width(READ, [API.id]), width(READ, [WEB.id]), false],
    ['one repository more', width(READ, [WEB.id, API.id]), width(READ, [WEB.id]), false],
    ['all repositories', width(READ), width(READ, [WEB.id, API.id]), false],
    ['all repositories, of none', width(READ), width(READ, []), false],
    ['fewer repositories and more permissions', width(ADMIN, [WEB.id]), width(READ), false],
    ['fewer permissions and more repositories', width(READ), width(ADMIN, [WEB.id]), false],
  ])('with %s: within the other or not', (_, inner, outer, expected) => {
    expect(isWithin(inner, outer)).toBe(expected);
  });
});
