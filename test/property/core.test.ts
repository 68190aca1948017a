import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { escapeText, quoteText } from '../../src/core/escape-text.ts';
import { compareScopes, formatStoreKey, parseStoreKey } from '../../src/core/key-scope.ts';
import { describeKeyProblem } from '../../src/core/incoming-key.ts';
import { parseMesaOrgs } from '../../src/core/mesa-orgs.ts';
import { MesaAuthError } from '../../src/errors.ts';
import { keyScope, orgSlug, tokenText } from './arbitraries.ts';
import { expectShare, RUNS } from '../support/runs.ts';

const OPTIONS = { numRuns: RUNS };

describe('a scope', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(keyScope, (scope) => {
        expect(parseStoreKey(formatStoreKey(scope))).toEqual(scope);
      }),
      OPTIONS,
    );
  });

  it('has one spelling: whatever text is read as a scope is that scope, written', () => {
    const segment = fc.oneof(
      fc.constantFrom('orgs', 'repos', 'global', 'acme', '..', '', '__proto__'),
      fc.string({ maxLength: 3 }),
    );
    const segments = fc.oneof(
      fc.array(segment, { maxLength: 5 }),
      fc.tuple(fc.constant('orgs'), segment),
      fc.tuple(fc.constant('orgs'), segment, fc.constant('repos'), segment),
    );
    const text = segments.map((parts) => parts.join('/'));
    let scopes = 0;
    fc.assert(
      fc.property(text, (spelling) => {
        const scope = parseStoreKey(spelling);
        if (scope !== undefined) {
          scopes += 1;
          expect(formatStoreKey(scope)).toBe(spelling);
        }
      }),
      OPTIONS,
    );
    expectShare(scopes, 0.08);
  });

  it('has one place in a listing', () => {
    fc.assert(
      fc.property(keyScope, keyScope, keyScope, (a, b, c) => {
        const sign = (x: typeof a, y: typeof a): number => Math.sign(compareScopes(x, y));
        expect(sign(a, b) + sign(b, a)).toBe(0);
        expect(sign(a, b) === 0).toBe(formatStoreKey(a) === formatStoreKey(b));
        if (sign(a, b) <= 0 && sign(b, c) <= 0) {
          expect(sign(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      OPTIONS,
    );
  });
});

describe('text for a terminal', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
      fc.integer({ min: 0x2000, max: 0x2070 }).map((code) => String.fromCharCode(code)),
      fc.nat({ max: 0xff }).map((code) => String.fromCharCode(code)),
      fc.nat({ max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
    ),
  });
  // Controls of both kinds, surrogates, format characters that reorder or hide, line and paragraph separators.
  const unsafe =
    /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u{e0000}-\u{e007f}]|[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

  it('has nothing left in it that moves, reorders or hides', () => {
    fc.assert(
      fc.property(text, (input) => {
        expect(escapeText(input)).not.toMatch(unsafe);
        expect(quoteText(input)).not.toMatch(unsafe);
        expect(quoteText(input).length).toBeLessThan(80 * '\\u{10ffff}'.length + 4);
      }),
      OPTIONS,
    );
  });

  it('is not escaped twice', () => {
    fc.assert(
      fc.property(text, (input) => {
        expect(escapeText(escapeText(input))).toBe(escapeText(input));
      }),
      OPTIONS,
    );
  });
});

describe('MESA_ORGS', () => {
  it('gives back what was put in', () => {
    const entries = fc.uniqueArray(
      fc.tuple(
        orgSlug,
        tokenText.filter((token) => !token.includes(',') && describeKeyProblem(token) === undefined),
      ),
      {
        selector: ([org]) => org,
        maxLength: 8,
      },
    );
    const blank = fc.constantFrom('', ' ', '\t', ' \t ');
    fc.assert(
      fc.property(entries, blank, fc.constantFrom('', ',', '\n', ',\r\n'), (pairs, space, tail) => {
        const value = pairs.map(([org, token]) => `${space}${org}:${token}${space}`).join(',');
        const parsed = parseMesaOrgs(pairs.length === 0 ? value : value + tail);
        expect(Array.from(parsed, ([org, token]) => [org, token.reveal()])).toEqual(pairs);
      }),
      OPTIONS,
    );
  });

  it('fails in one way only, and repeats nothing of the value', () => {
    // Pieces that the messages themselves have no use for, so that finding one means that it leaked.
    const piece = fc.constantFrom('CANARY', 'KANARI', 'CANARY'.repeat(3_000), 'Z\u200bQ', '__proto__');
    const glue = fc.constantFrom(',', ':', ' ', '\n', '\u0000', '"', '/', '', '\ud800', '\u001b[2J');
    const value = fc.array(fc.oneof(piece, glue), { maxLength: 12 }).map((parts) => parts.join(''));
    let rejected = 0;
    fc.assert(
      fc.property(fc.oneof(value, fc.string({ unit: 'binary' })), (input) => {
        try {
          parseMesaOrgs(input);
        } catch (error) {
          rejected += 1;
          expect(error).toBeInstanceOf(MesaAuthError);
          expect(error).toMatchObject({ code: 'INVALID_MESA_ORGS' });
          const { message, hint, cause } = error as MesaAuthError;
          expect(cause).toBeUndefined();
          expect(message).toMatch(
            /^MESA_ORGS (?:entry [0-9]+ [a-z ]+(?:ASCII|UTF-8| [0-9]+ bytes)?|is longer than 65536 bytes)$/,
          );
          expect(`${message}${hint}`).not.toMatch(/CANARY|KANARI|proto|Q/);
        }
      }),
      OPTIONS,
    );
    expectShare(rejected, 0.4);
  });
});
