import * as fc from 'fast-check';

import { isOrgSlug, isRepoName, type KeyScope } from '../../src/core/key-scope.ts';
import type { TomlValue } from '../../src/toml/table.ts';

/** Names that mean something to a JavaScript object. */
export const MEMBER_NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'] as const;

export const orgSlug: fc.Arbitrary<string> = fc
  .stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,8}[A-Za-z0-9])?$/)
  .filter(isOrgSlug);

export const repoName: fc.Arbitrary<string> = fc
  .oneof(fc.stringMatching(/^[A-Za-z0-9._][A-Za-z0-9._-]{0,8}$/), fc.constantFrom(...MEMBER_NAMES))
  .filter(isRepoName);

export const keyScope: fc.Arbitrary<KeyScope> = fc.oneof(
  fc.constant<KeyScope>({ kind: 'global' }),
  orgSlug.map((org): KeyScope => ({ kind: 'org', org })),
  fc.tuple(orgSlug, repoName).map(([org, repo]): KeyScope => ({ kind: 'repo', org, repo })),
);

/** Printable ASCII without spaces. */
export const tokenText: fc.Arbitrary<string> = fc.stringMatching(/^[!-~]{1,40}$/);

/** Any text that UTF-8 can carry, control characters included. */
export const anyText: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 12 });

const moment = fc.date({
  min: new Date('0001-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

/** Any name but `taken`, with those that have a meaning among them. */
export function fieldName(...taken: readonly string[]): fc.Arbitrary<string> {
  return fc
    .oneof(anyText, fc.constantFrom(...MEMBER_NAMES, 'a', 'b'))
    .filter((name) => !taken.includes(name));
}

export function tomlTable(
  name: fc.Arbitrary<string>,
  value: fc.Arbitrary<TomlValue>,
): fc.Arbitrary<Map<string, TomlValue>> {
  return fc
    .uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 4 })
    .map((pairs) => new Map(pairs));
}

/** Any TOML value, of limited depth. */
export const tomlValue: fc.Arbitrary<TomlValue> = fc.letrec<{ value: TomlValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyText,
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.double(),
    fc.boolean(),
    moment,
    fc.array(tie('value'), { maxLength: 4 }),
    tomlTable(fieldName(), tie('value')),
  ),
})).value;

export const addedMoment: fc.Arbitrary<Date | undefined> = fc.option(moment, { nil: undefined });
