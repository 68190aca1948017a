import { parseDuration } from './duration.ts';

/** The longest time that a vault stays unlocked without use, and at all: 12 hours, in milliseconds. */
export const MAX_UNLOCK_MS: number = 12 * 60 * 60 * 1_000;
export const DEFAULT_UNLOCK_TIME = '15m';

/**
 * How long a vault stays unlocked without use, as people type it.
 * @returns milliseconds; undefined when `text` is no length of time, none at all, or more than 12 hours
 */
export function parseUnlockTime(text: string): number | undefined {
  const milliseconds = parseDuration(text);
  return milliseconds === undefined || milliseconds === 0 || milliseconds > MAX_UNLOCK_MS
    ? undefined
    : milliseconds;
}
