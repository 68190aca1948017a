import { parseDuration } from './duration.ts';

const LONGEST_MS = 365 * 24 * 60 * 60 * 1_000;

/**
 * How long a key that was replaced can be brought back, as people type it: `7d`, and `0` for not at all.
 * @returns milliseconds; undefined when `text` is no length of time, or more than 365 days
 */
export function parseKeepReplaced(text: string): number | undefined {
  const milliseconds = text === '0' ? 0 : parseDuration(text);
  return milliseconds === undefined || milliseconds > LONGEST_MS ? undefined : milliseconds;
}
