import ipaddr from 'ipaddr.js';
import { RateLimiterMemory } from 'rate-limiter-flexible';

export interface FailedAttempts {
  /** Whole seconds until this address may try again, 0 when it may now. */
  waitFor(address: string): Promise<number>;
  /** Counts a credential that was refused. */
  count(address: string): Promise<void>;
}

const WINDOW_SECONDS = 60;

/**
 * Limits refused credentials per address and minute, an IPv6 network of /64 being one address: whoever has one has all
 * of them. After that every credential is refused for the rest of the minute; a right one must not be told from others.
 * @param limit how many are answered; each server counts for itself
 */
export function createFailedAttempts(limit: number): FailedAttempts {
  const limiter = new RateLimiterMemory({ points: limit, duration: WINDOW_SECONDS });
  return {
    waitFor: async (address) => {
      const state = await limiter.get(networkOf(address));
      return state === null || state.consumedPoints < limit ? 0 : Math.ceil(state.msBeforeNext / 1_000);
    },
    count: async (address) => {
      // Over the limit it rejects, which `waitFor` has said before.
      await limiter.consume(networkOf(address)).catch(() => {});
    },
  };
}

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) {
    return address;
  }
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv6' ? parsed.toByteArray().slice(0, 8).join('.') : parsed.toString();
}
