import { expect, it } from 'vitest';

import {
  describeDistance,
  describeExpiry,
  expiresWithin,
  expiryState,
  keyExpiry,
} from '../../../src/core/key-expiry.ts';

const NOW = new Date('2026-11-21T10:00:00.000Z');
const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

function later(milliseconds: number): Date {
  return new Date(NOW.getTime() + milliseconds);
}

it('what the store says of a key comes before what the key says of itself', () => {
  expect(keyExpiry(later(1), { expires: later(2) })).toEqual(later(1));
  expect(keyExpiry(undefined, { expires: later(2) })).toEqual(later(2));
  expect(keyExpiry(undefined, { expires: undefined })).toBeUndefined();
});

it.each([
  [undefined, 'unknown', false],
  [later(DAY + 1), 'valid', false],
  [later(DAY), 'expiring', false],
  [later(1), 'expiring', false],
  [NOW, 'expired', true],
  [later(-DAY), 'expired', true],
])('a key that ends at %s is %s', (expires, state, hasEnded) => {
  expect(expiryState(expires, NOW)).toBe(state);
  expect(expiresWithin(expires, 0, NOW)).toBe(hasEnded);
});

it.each([
  [DAY - SECOND, false],
  [DAY, true],
])('a key that ends in a day ends within %i ms: %s', (within, ends) => {
  expect(expiresWithin(later(DAY), within, NOW)).toBe(ends);
});

it.each([
  [3 * 60 * 60 * SECOND, 'expires in 3 hours', 'in 3 hours'],
  [SECOND / 2, 'expires in 0 seconds', 'in 0 seconds'],
  [0, 'expired 0 seconds ago', '0 seconds ago'],
  [-2 * DAY, 'expired 2 days ago', '2 days ago'],
])('an end %i ms away is told as "%s"', (milliseconds, expiry, distance) => {
  expect(describeExpiry(later(milliseconds), NOW)).toBe(expiry);
  expect(describeDistance(later(milliseconds), NOW)).toBe(distance);
});
