import { describe, expect, it } from 'vitest';

import { describeDuration, parseDuration } from '../../../src/core/duration.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a length of time as people type it', () => {
  it.each([
    ['90s', 90 * SECOND],
    ['15m', 15 * MINUTE],
    ['1h', HOUR],
    ['7d', 7 * DAY],
    ['2w', 14 * DAY],
    ['1h30m', HOUR + 30 * MINUTE],
    ['1d2h3m4s', DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND],
    ['0s', 0],
  ])('%s is read', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '15', 'm', '-1m', '1.5h', '1 h', '30m1h', '1m1m', '15M', '1y', '9999999s', '１m'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it.each([
    [0, '0 seconds'],
    [999, '0 seconds'],
    [SECOND, '1 second'],
    [15 * MINUTE, '15 minutes'],
    [15 * MINUTE - 1, '14 minutes 59 seconds'],
    [HOUR + 30 * MINUTE + 5 * SECOND, '1 hour 30 minutes'],
    [DAY + 5 * MINUTE, '1 day'],
    [8 * DAY + HOUR, '8 days 1 hour'],
  ])('%d milliseconds are shown as %s', (milliseconds, expected) => {
    expect(describeDuration(milliseconds)).toBe(expected);
  });
});
