import ipaddr from 'ipaddr.js';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

export interface FailedAttempts {
  /** Whole seconds until this address may try again, 0 when it may now. */
  waitFor(address: string): Promise<number>;
  /** Counts a credential that was refused. Whole seconds to wait when it is one too many, else 0. */
  count(address: string): Promise<number>;
}

const WINDOW_SECONDS = 60;

/**
 * Limits refused credentials per address and minute, an IPv6 network of /64 being one address: whoever has one has all
 * of them. After that every credential is refused for the rest of the minute; a right one must not be told from others.
 * @param limit how many are answered; each server counts for itself
 */
export function createFailedAttempts(limit: number): FailedAttempts {
  const limiter = new RateLimiterMemory({ points: limit, duration: WINDOW_SECONDS });
  let lastFailure = -Infinity;
  return {
    waitFor: async (address) => {
      // While nobody fails, no request pays for reading its address.
      if (performance.now() - lastFailure > WINDOW_SECONDS * 1_000) {
        return 0;
      }
      const state = await limiter.get(networkOf(address));
      return state === null || state.consumedPoints < limit ? 0 : secondsUntil(state);
    },
    count: async (address) => {
      lastFailure = performance.now();
      try {
        await limiter.consume(networkOf(address));
        return 0;
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) {
          return secondsUntil(refusal);
        }
        throw refusal;
      }
    },
  };
}

function secondsUntil({ msBeforeNext }: RateLimiterRes): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1_000));
}

function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) {
    return address;
  }
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv6' ? parsed.toByteArray().slice(0, 8).join('.') : parsed.toString();
}
