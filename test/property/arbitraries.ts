import * as fc from 'fast-check';

import { isOrgSlug, isRepoName, type KeyScope } from '../../src/core/key-scope.ts';
import { parsePositionedToml } from '../../src/toml/positioned-toml.ts';
import { TomlLiteral, type TomlValue } from '../../src/toml/table.ts';

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

const digits = (min: number, max: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
const localDate = fc
  .date({
    min: new Date('0000-01-01T00:00:00.000Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString().slice(0, 'YYYY-MM-DD'.length));
const localTime = fc
  .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }), fc.nat({ max: 60 }), fc.option(digits(1, 12)))
  .map(([hours, minutes, seconds, fraction]) => {
    const clock = [hours, minutes, seconds].map((part) => String(part).padStart(2, '0')).join(':');
    return fraction === null ? clock : `${clock}.${fraction}`;
  });
const offset = fc.oneof(
  fc.constantFrom('Z', 'z'),
  fc
    .tuple(fc.constantFrom('+', '-'), fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    .map(([sign, ...parts]) => sign + parts.map((part) => String(part).padStart(2, '0')).join(':')),
);
const localDateTime = fc
  .tuple(localDate, fc.constantFrom('T', 't', ' '), localTime)
  .map((parts) => parts.join(''));

/** A number, date or time as TOML 1.0 writes it, in every form; integers beyond 64 bits, too, which some parsers take. */
export const scalarText: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^[+-]?(?:0|[1-9][0-9]{0,29})$/),
  fc.stringMatching(/^[1-9](?:_[0-9]{1,3}){1,4}$/),
  fc.stringMatching(/^0x[0-9a-fA-F]{1,17}$|^0o[0-7]{1,22}$|^0b[01]{1,65}$/),
  fc.stringMatching(/^[+-]?(?:0|[1-9][0-9]{0,20})\.[0-9]{1,20}(?:[eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^[+-]?[1-9][0-9]{0,5}[eE][+-]?[0-9]{1,3}$/),
  fc.constantFrom(
    'inf',
    '+inf',
    '-inf',
    'nan',
    '+nan',
    '-nan',
    '0.0',
    '-0.0',
    '+0.0',
    '1.0',
    '9223372036854775807',
  ),
  localDate,
  localTime,
  localDateTime,
  fc.tuple(localDateTime, offset).map((parts) => parts.join('')),
  fc.constantFrom('9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00', '2026-11-21T10:00:60Z'),
);

const tomlLiteral: fc.Arbitrary<TomlValue> = scalarText
  .map((text) => parsePositionedToml(`a = ${text}\n`).table.get('a'))
  .filter((value) => value instanceof TomlLiteral);

/** Any TOML value, of limited depth. */
export const tomlValue: fc.Arbitrary<TomlValue> = fc.letrec<{ value: TomlValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyText,
    fc.maxSafeInteger(),
    fc.boolean(),
    moment,
    tomlLiteral,
    fc.array(tie('value'), { maxLength: 4 }),
    tomlTable(fieldName(), tie('value')),
  ),
})).value;

export const addedMoment: fc.Arbitrary<Date | undefined> = fc.option(moment, { nil: undefined });
