import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createLastUses } from '../../../src/authentication/last-uses.ts';

const at = (second: number): Date => new Date(second * 1_000);

describe('the times of last use', () => {
  const written: Record<string, number>[] = [];
  const errors: unknown[] = [];
  let failure: Error | undefined;
  const store = async (uses: ReadonlyMap<string, number>): Promise<void> => {
    if (failure !== undefined) {
      throw failure;
    }
    written.push(Object.fromEntries(uses));
  };
  beforeEach(() => {
    vi.useFakeTimers();
    written.length = 0;
    errors.length = 0;
    failure = undefined;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are not written with each use, and the last of each key after the interval', async () => {
    const uses = createLastUses(store, (error) => errors.push(error), 1_000);
    uses.note('a', at(1));
    uses.note('b', at(2));
    uses.note('a', at(3));
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toEqual([{ a: 3_000, b: 2_000 }]);
    await uses.stop();
  });

  it('are not written again, and nothing is written when nothing was used', async () => {
    const uses = createLastUses(store, (error) => errors.push(error), 1_000);
    uses.note('a', at(1));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toEqual([{ a: 1_000 }]);
    await uses.stop();
    expect(written).toHaveLength(1);
  });

  it('are written again after a failure, with newer ones winning', async () => {
    const uses = createLastUses(store, (error) => errors.push(error), 1_000);
    failure = new Error('the database does not answer');
    uses.note('a', at(1));
    uses.note('b', at(1));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(errors).toEqual([failure]);
    expect(written).toEqual([]);
    failure = undefined;
    uses.note('a', at(5));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toEqual([{ a: 5_000, b: 1_000 }]);
    await uses.stop();
  });

  it('are written a last time at the end, and no more after it', async () => {
    const uses = createLastUses(store, (error) => errors.push(error), 1_000);
    uses.note('a', at(1));
    await uses.stop();
    expect(written).toEqual([{ a: 1_000 }]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toHaveLength(1);
  });
});
