import * as fc from 'fast-check';
import { expect } from 'vitest';

import { MesaAuthError } from '../../src/errors.ts';

const USUAL_RUNS = 10_000;

/** How many cases a property is tried on: 10,000, or what MESA_FUZZ_RUNS asks for, as `npm run fuzz` does. */
export const RUNS: number = Number(process.env['MESA_FUZZ_RUNS'] ?? USUAL_RUNS);

if (RUNS <= USUAL_RUNS) {
  // The same cases each time, so that a failure is of the change that is being tested. To look for new ones: npm run fuzz.
  fc.configureGlobal({ seed: 20_261_121 });
}

/**
 * Asserts that a property was about something.
 * @param count how many cases came to the point, or more where a case has several points
 * @param share of RUNS that is the least, about half of what is usual: a few cases scatter
 */
export function expectShare(count: number, share: number): void {
  expect(count).toBeGreaterThanOrEqual(Math.floor(RUNS * share));
}

const LONGEST_MS = 1_000;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/**
 * Runs `work` on hostile input and says what it did wrong: another exception than ours, a message with the secret or
 * a control character in it, more than a second of the processor's time, or a change of what all objects inherit.
 * @returns what was wrong, or undefined
 */
export async function findFault(secret: string, work: () => unknown): Promise<string | undefined> {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const started = process.cpuUsage();
  let message = '';
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      return `threw ${String(error)}`;
    }
    message = `${error.message} ${error.hint ?? ''}`;
  }
  if (message.includes(secret)) {
    return `repeated the secret: ${message}`;
  }
  const { user, system } = process.cpuUsage(started);
  if ((user + system) / 1_000 > LONGEST_MS) {
    return 'computed for more than a second';
  }
  const after = Object.getOwnPropertyNames(Object.prototype).join();
  return after === before ? undefined : `changed the prototype: ${after}`;
}

export function hasUnprintable(text: string): boolean {
  return UNPRINTABLE.test(text);
}

/** Text with pieces of a grammar in it, so that it gets further than noise does. */
export function textOf(...pieces: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  );
  return fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(''));
}

/** Asserts that `work` does nothing wrong, whatever text it gets: see findFault. */
export async function expectFaultless(
  secret: string,
  input: fc.Arbitrary<string>,
  work: (text: string) => unknown,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(input, async (text) => {
      expect(await findFault(secret, () => work(text))).toBeUndefined();
    }),
    { numRuns: RUNS },
  );
}
