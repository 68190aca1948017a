import { describe, expect, it } from 'vitest';

import { createSlots } from '../../../src/git/slots.ts';

const LONG = 600_000;

describe('slots', () => {
  it('are given to as many at once, then to those that wait, in their order', async () => {
    const slots = createSlots(2, LONG);
    const first = await slots.take();
    await slots.take();
    const order: string[] = [];
    const third = slots.take().then((release) => {
      order.push('third');
      return release;
    });
    const fourth = slots.take().then(() => order.push('fourth'));
    await Promise.resolve();
    expect(order).toEqual([]);
    first?.();
    const release = await third;
    expect(order).toEqual(['third']);
    release?.();
    await fourth;
    expect(order).toEqual(['third', 'fourth']);
  });

  it('are freed once, however often that is asked for', async () => {
    const slots = createSlots(1, 1);
    const release = await slots.take();
    release?.();
    release?.();
    expect(await slots.take()).toBeTypeOf('function');
    expect(await slots.take()).toBeUndefined();
  });

  it('are not waited for longer than allowed, nor after the signal', async () => {
    const impatient = createSlots(1, 1);
    const release = await impatient.take();
    expect(await impatient.take()).toBeUndefined();
    release?.();
    // Who has given up takes none.
    expect(await impatient.take()).toBeTypeOf('function');

    const patient = createSlots(1, LONG);
    await patient.take();
    const controller = new AbortController();
    const waiting = patient.take(controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
    expect(await patient.take(controller.signal)).toBeUndefined();
  });
});
