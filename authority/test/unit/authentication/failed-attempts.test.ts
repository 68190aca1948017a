import { describe, expect, it } from 'vitest';

import { createFailedAttempts } from '../../../src/authentication/failed-attempts.ts';

const at = (second: number): Date => new Date(1_000_000_000_000 + second * 1_000);

describe('failed attempts', () => {
  it('are answered up to the limit, then none of that address until a minute after the first', () => {
    const attempts = createFailedAttempts(2);
    attempts.count('192.0.2.1', at(0));
    expect(attempts.waitFor('192.0.2.1', at(1))).toBe(0);
    attempts.count('192.0.2.1', at(10));
    expect(attempts.waitFor('192.0.2.1', at(10))).toBe(50);
    expect(attempts.waitFor('192.0.2.1', at(59.5))).toBe(1);
    expect(attempts.waitFor('192.0.2.1', at(60))).toBe(0);
  });

  it('count anew after the minute', () => {
    const attempts = createFailedAttempts(1);
    attempts.count('192.0.2.1', at(0));
    attempts.count('192.0.2.1', at(61));
    expect(attempts.waitFor('192.0.2.1', at(61))).toBe(60);
  });

  it('of one address are not those of another', () => {
    const attempts = createFailedAttempts(1);
    attempts.count('192.0.2.1', at(0));
    expect(attempts.waitFor('192.0.2.2', at(1))).toBe(0);
    expect(attempts.waitFor('192.0.2.1', at(1))).toBe(59);
  });

  it('are shared by an IPv6 network of /64, and by an IPv4 address in both spellings', () => {
    const attempts = createFailedAttempts(1);
    attempts.count('2001:db8:1:2::1', at(0));
    attempts.count('::ffff:192.0.2.1', at(0));
    expect(attempts.waitFor('2001:db8:1:2:ffff::9', at(1))).toBe(59);
    expect(attempts.waitFor('192.0.2.1', at(1))).toBe(59);
    expect(attempts.waitFor('2001:db8:1:3::1', at(1))).toBe(0);
  });

  it('are still limited when there are many addresses, and old ones are forgotten', () => {
    const attempts = createFailedAttempts(1);
    attempts.count('198.51.100.1', at(0));
    for (let index = 0; index < 1_000; index += 1) {
      attempts.count(`10.0.${index >> 8}.${index & 255}`, at(30));
    }
    expect(attempts.waitFor('198.51.100.1', at(59))).toBe(1);
    attempts.count('192.0.2.1', at(95));
    expect(attempts.waitFor('198.51.100.1', at(95))).toBe(0);
    expect(attempts.waitFor('10.0.0.0', at(95))).toBe(0);
    expect(attempts.waitFor('192.0.2.1', at(95))).toBe(60);
  });
});
