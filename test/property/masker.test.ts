import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { Masker } from '../../src/core/masker.ts';
import { secretForms } from '../../src/core/secret-forms.ts';
import { expectShare, RUNS } from '../support/runs.ts';

const MASK = 'mesa_****9f2c';

const secret = fc.oneof(
  fc.constantFrom('mesa_Lq8sN2pX9f2c', 'mesa_aaaaaaaaaaaaaa', 'abababababababababab', 'x%"\\!~+/=?&\'()*q'),
  fc.stringMatching(/^[!-~]{13,40}$/),
  fc.stringMatching(/^[ab]{13,20}$/),
);

/** Output with a secret in it, in any form, and with pieces of it. */
function outputWith(value: string): fc.Arbitrary<string> {
  const forms = secretForms(value, MASK).map(({ text }) => text);
  const cut = fc.tuple(fc.constantFrom(...forms), fc.nat({ max: 60 }), fc.nat({ max: 60 }));
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(value, ...forms) },
    { weight: 2, arbitrary: cut.map(([form, from, to]) => form.slice(from, to)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 10 }) },
    { weight: 1, arbitrary: fc.constantFrom('\n', '\r\n', ' ', '****') },
  );
  return fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(''));
}

/** What comes out of a masker that gets `text` in chunks, and now and then is asked to let go. */
function maskInChunks(masker: Masker, text: string, sizes: readonly number[], letGo: boolean): string {
  const bytes = Buffer.from(text, 'latin1');
  const shown: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    shown.push(masker.write(bytes.subarray(at, at + size)));
    at += size;
    if (letGo && masker.canLetGo) {
      shown.push(masker.letGo());
    }
  }
  shown.push(masker.write(bytes.subarray(at)), masker.end());
  return Buffer.concat(shown).toString('latin1');
}

const chunkSizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 30 });

it('whatever the chunks, no form of the secret comes out, and the result is that of one chunk', () => {
  let hidden = 0;
  fc.assert(
    fc.property(
      secret.chain((value) => fc.tuple(fc.constant(value), outputWith(value))),
      chunkSizes,
      ([value, text], sizes) => {
        // What no secret has in it, so that no mask becomes part of one.
        const forms = secretForms(value, MASK).map((form) => ({ ...form, mask: '\0' }));
        const shown = maskInChunks(new Masker(forms), text, sizes, false);
        for (const form of forms) {
          // A blank line ends what is wrapped.
          const joined = form.wraps ? shown.replace(/(?<![\r\n])\r?\n(?![\r\n])/g, '') : shown;
          expect(joined).not.toContain(form.text);
        }
        expect(shown).toBe(maskInChunks(new Masker(forms), text, [], false));
        hidden += shown === text ? 0 : 1;
      },
    ),
    { numRuns: RUNS },
  );
  expectShare(hidden, 0.4);
});

it('output without the secret is not changed by a byte', () => {
  const base = 'mesa_Lq8sN2pX9f2c';
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.nat({ max: base.length - 1 }).map((length) => `${base.slice(0, length)}#`),
          fc.string({ unit: 'binary-ascii', maxLength: 20 }),
          fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        ),
      ),
      chunkSizes,
      fc.boolean(),
      (parts, sizes, letGo) => {
        const text = parts.join('');
        expect(maskInChunks(new Masker(secretForms(base, MASK)), text, sizes, letGo)).toBe(text);
      },
    ),
    { numRuns: RUNS },
  );
});

it('what is let go early is the beginning alone: the rest of the secret is hidden nevertheless', () => {
  fc.assert(
    fc.property(secret, chunkSizes, (value, sizes) => {
      const shown = maskInChunks(new Masker(secretForms(value, '#')), `>${value}<`, sizes, true);
      expect(shown).not.toContain(value);
      const [, open = ''] = /^>([^]*)[#*]+<$/.exec(shown) ?? [];
      expect(open.length).toBeLessThanOrEqual(5);
      expect(value.startsWith(open) || open === '').toBe(true);
    }),
    { numRuns: RUNS },
  );
});

/** Its beginning is nowhere else in it. One that repeats itself may be found a little too early, and its end be left. */
const keyWithOneBeginning = fc.stringMatching(/^mesa_[A-Z0-9]{8,35}$/);

it('the key is found behind any name and colon in base64, wrapped or not, in both alphabets', () => {
  fc.assert(
    fc.property(
      keyWithOneBeginning,
      fc.string({ unit: 'binary-ascii', maxLength: 8 }),
      fc.string({ unit: 'binary-ascii', maxLength: 8 }),
      fc.integer({ min: 4, max: 80 }),
      fc.constantFrom('base64', 'base64url'),
      (value, before, after, width, alphabet) => {
        const encoded = Buffer.from(`${before}${value}${after}`, 'latin1').toString(alphabet);
        const wrapped = encoded.replace(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\n');
        const shown = maskInChunks(new Masker(secretForms(value, '#')), wrapped, [], false);
        const left = Buffer.from(shown.replace(/\n/g, '').split('****').at(-1) ?? '', 'base64');
        expect(shown).toContain('****');
        expect(left.length).toBeLessThanOrEqual(after.length + 1);
      },
    ),
    { numRuns: RUNS },
  );
});
