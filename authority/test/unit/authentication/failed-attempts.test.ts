import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createFailedAttempts } from '../../../src/authentication/failed-attempts.ts';

function pass(seconds: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(seconds * 1_000);
}

describe('failed attempts', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are answered up to the limit, then none of that address until a minute after the first', async () => {
    const attempts = createFailedAttempts(2);
    expect(await attempts.count('192.0.2.1')).toBe(0);
    expect(await attempts.waitFor('192.0.2.1')).toBe(0);
    await pass(10);
    expect(await attempts.count('192.0.2.1')).toBe(0);
    expect(await attempts.waitFor('192.0.2.1')).toBe(50);
    expect(await attempts.count('192.0.2.1')).toBe(50);
    await pass(49.5);
    expect(await attempts.waitFor('192.0.2.1')).toBe(1);
    await pass(0.5);
    expect(await attempts.waitFor('192.0.2.1')).toBe(0);
  });

  it('count anew after the minute', async () => {
    const attempts = createFailedAttempts(1);
    await attempts.count('192.0.2.1');
    await pass(61);
    expect(await attempts.waitFor('192.0.2.1')).toBe(0);
    expect(await attempts.count('192.0.2.1')).toBe(0);
    expect(await attempts.waitFor('192.0.2.1')).toBe(60);
  });

  it('of one address are not those of another', async () => {
    const attempts = createFailedAttempts(1);
    await attempts.count('192.0.2.1');
    expect(await attempts.waitFor('192.0.2.2')).toBe(0);
    expect(await attempts.waitFor('192.0.2.1')).toBe(60);
  });

  it('are shared by an IPv6 network of /64, and by an IPv4 address in both spellings', async () => {
    const attempts = createFailedAttempts(1);
    await attempts.count('2001:db8:1:2::1');
    await attempts.count('::ffff:192.0.2.1');
    expect(await attempts.waitFor('2001:db8:1:2:ffff::9')).toBe(60);
    expect(await attempts.waitFor('192.0.2.1')).toBe(60);
    expect(await attempts.waitFor('2001:db8:1:3::1')).toBe(0);
  });
});
