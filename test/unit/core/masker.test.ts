import { describe, expect, it } from 'vitest';

import { Masker } from '../../../src/core/masker.ts';
import { secretForms } from '../../../src/core/secret-forms.ts';

const MASK = 'mesa_****9f2c';
/** The shortest key whose mask shows anything. */
const LONG = 'mesa_K3yK3yK3';
const SHORT = LONG.slice(0, -1);

function maskerOf(key: string): Masker {
  return new Masker(secretForms(key, MASK));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

describe('to somebody who watches, what may become a secret is shown', () => {
  it.each([1, 2, 3, 4, 5])('when it is no more than the first %i characters of a long one', (count) => {
    const masker = maskerOf(LONG);
    expect(text(masker.write(Buffer.from(`$ ${LONG.slice(0, count)}`)))).toBe('$ ');
    expect(masker.canLetGo).toBe(true);
    expect(text(masker.letGo())).toBe(LONG.slice(0, count));
    // Once only, and the rest is hidden should it come.
    expect(masker.canLetGo).toBe(false);
    expect(text(masker.letGo())).toBe('');
    expect(text(masker.write(Buffer.from(`${LONG.slice(count)}.`)))).toBe(`${MASK}.`);
  });

  it('not when it is more of it', () => {
    const masker = maskerOf(LONG);
    masker.write(Buffer.from(LONG.slice(0, 6)));
    expect([masker.canLetGo, text(masker.letGo())]).toEqual([false, '']);
    expect(text(masker.end())).toBe(LONG.slice(0, 6));
  });

  it.each([SHORT, SHORT.slice(0, 8), 'mesa_', 'abc'])(
    'never when the secret is as short as %j: its beginning would be much of it',
    (key) => {
      for (let count = 1; count < key.length; count += 1) {
        const masker = maskerOf(key);
        expect(text(masker.write(Buffer.from(key.slice(0, count))))).toBe('');
        expect([masker.canLetGo, text(masker.letGo())]).toEqual([false, '']);
        expect(text(masker.write(Buffer.from(key.slice(count))))).toBe(MASK);
      }
    },
  );
});
