import { describeDuration } from './duration.ts';
import type { TokenFacts } from './token-kind.ts';

/** How long before its end a key is worth a word: milliseconds. */
export const EXPIRY_NOTICE_MS = 24 * 60 * 60 * 1_000;

/**
 * `unknown`: neither the store nor the key says when it ends, which is not a promise that it works. `unreadable`: the store says
 * it in a form that is no date-time.
 */
export type ExpiryState = 'valid' | 'expiring' | 'expired' | 'unknown' | 'unreadable';

/**
 * When a key stops working, as far as that is known here: what the store says, else what the key itself says.
 * @param stored the field `expires` of its entry
 */
export function keyExpiry(stored: Date | undefined, facts: Pick<TokenFacts, 'expires'>): Date | undefined {
  return stored ?? facts.expires;
}

/** Whether a key ends within a time, or has ended. @param within milliseconds, not negative */
export function expiresWithin(expires: Date | undefined, within: number, now: Date): boolean {
  return expires !== undefined && expires.getTime() - now.getTime() <= within;
}

export function expiryState(expires: Date | undefined, now: Date): ExpiryState {
  if (expires === undefined) {
    return 'unknown';
  }
  if (expiresWithin(expires, 0, now)) {
    return 'expired';
  }
  return expiresWithin(expires, EXPIRY_NOTICE_MS, now) ? 'expiring' : 'valid';
}

/** `expires in 3 hours 5 minutes`, `expired 2 days ago`. */
export function describeExpiry(expires: Date, now: Date): string {
  return `${expires > now ? 'expires' : 'expired'} ${describeDistance(expires, now)}`;
}

/** `in 3 hours 5 minutes`, `2 days ago`. */
export function describeDistance(moment: Date, now: Date): string {
  const ahead = moment.getTime() - now.getTime();
  return ahead > 0 ? `in ${describeDuration(ahead)}` : `${describeDuration(-ahead)} ago`;
}
