import { keyNotFound } from '../../../src/core/key-not-found.ts';
import { describe, expect, it } from 'vitest';

import { formatStoreKey, scopeFromNames, type KeyScope } from '../../../src/core/key-scope.ts';
import {
  environmentKeyApplies,
  listCandidates,
  usedCandidate,
  type EnvironmentKey,
} from '../../../src/core/candidates.ts';
import type { KeyEntries } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';

const GLOBAL = scopeFromNames(undefined, undefined);
const ACME = scopeFromNames('acme', undefined);
const WEB = scopeFromNames('acme', 'web');

/** A store in which the value of each key is its scope. */
function storeWith(...scopes: readonly KeyScope[]): KeyEntries {
  return new Map(
    scopes.map((scope) => {
      const name = formatStoreKey(scope);
      return [
        name,
        {
          scope,
          token: Token.parse(name),
          added: undefined,
          expires: undefined,
          keyId: undefined,
          api: undefined,
        },
      ];
    }),
  );
}

function key(org?: string): EnvironmentKey {
  return { token: Token.parse('from-env'), org };
}

function found(scope: KeyScope, store: KeyEntries, environment?: EnvironmentKey): string | undefined {
  return usedCandidate(listCandidates(scope, environment, store))?.token.reveal();
}

describe('the lookup in the store', () => {
  // Each row: which of repository, organization and global hold a key, then what the three lookups find.
  it.each([
    [[WEB, ACME, GLOBAL], 'orgs/acme/repos/web', 'orgs/acme', 'global'],
    [[WEB, ACME], 'orgs/acme/repos/web', 'orgs/acme', undefined],
    [[WEB, GLOBAL], 'orgs/acme/repos/web', 'global', 'global'],
    [[WEB], 'orgs/acme/repos/web', undefined, undefined],
    [[ACME, GLOBAL], 'orgs/acme', 'orgs/acme', 'global'],
    [[ACME], 'orgs/acme', 'orgs/acme', undefined],
    [[GLOBAL], 'global', 'global', 'global'],
    [[], undefined, undefined, undefined],
  ])('goes from repository to organization to global (row %#)', (scopes, forRepo, forOrg, forGlobal) => {
    const store = storeWith(...scopes);
    expect([found(WEB, store), found(ACME, store), found(GLOBAL, store)]).toEqual([
      forRepo,
      forOrg,
      forGlobal,
    ]);
  });

  it('takes nothing from another organization or another repository', () => {
    const others = storeWith(
      scopeFromNames('acme', 'api'),
      scopeFromNames('other', undefined),
      scopeFromNames('other', 'web'),
    );
    expect(found(WEB, others)).toBeUndefined();
    expect(found(ACME, others)).toBeUndefined();
  });

  it('lists every candidate in order with its verdict, at most one of them used', () => {
    const candidates = listCandidates(WEB, undefined, storeWith(ACME, GLOBAL));
    expect(candidates.map(({ source, verdict }) => [source, verdict])).toEqual([
      ['orgs/acme/repos/web', 'absent'],
      ['orgs/acme', 'used'],
      ['global', 'shadowed'],
    ]);
  });
});

describe('MESA_API_KEY', () => {
  it.each([
    ['without MESA_ORG, for any scope', undefined, GLOBAL, true],
    ['without MESA_ORG, for any scope', undefined, WEB, true],
    ['of the same organization', 'acme', ACME, true],
    ['of the same organization, for its repository', 'acme', WEB, true],
    ['of another organization', 'other', ACME, false],
    ['of another case', 'ACME', ACME, false],
    ['of an organization, for no organization', 'acme', GLOBAL, false],
  ])('%s: applies or not', (_, org, scope, applies) => {
    expect(environmentKeyApplies(key(org), scope)).toBe(applies);
    expect(found(scope, storeWith(scope), key(org))).toBe(applies ? 'from-env' : formatStoreKey(scope));
  });

  it('comes first among the candidates, and shadows the store', () => {
    for (const [org, expected] of [
      [undefined, ['MESA_API_KEY: used', 'orgs/acme: shadowed', 'global: absent']],
      ['other', ['MESA_API_KEY: other-organization', 'orgs/acme: used', 'global: absent']],
    ] as const) {
      const candidates = listCandidates(ACME, key(org), storeWith(ACME));
      expect(candidates.map(({ source, verdict }) => `${source}: ${verdict}`)).toEqual(expected);
    }
  });
});

describe('a lookup that finds nothing', () => {
  it.each([
    [ACME, "no API key found in the secret store for organization 'acme'", 'mesa auth set-key --org acme'],
    [WEB, "no API key found in the secret store for organization 'acme'", 'mesa auth set-key --org acme'],
    [GLOBAL, 'no API key found in the secret store', 'mesa auth set-key'],
  ])('says so in the documented words', (scope, message, hint) => {
    expect(keyNotFound(scope)).toMatchObject({ code: 'KEY_NOT_FOUND', exitStatus: 4, message, hint });
  });
});
