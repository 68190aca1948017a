import ipaddr from 'ipaddr.js';

export interface FailedAttempts {
  /** Whole seconds until this address may try again, 0 when it may now. */
  waitFor(address: string, now: Date): number;
  /** Counts a credential that was refused. */
  count(address: string, now: Date): void;
}

interface Attempts {
  count: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const WINDOW_MS = 60_000;

/**
 * Limits refused credentials per address and minute, an IPv6 network of /64 being one address: whoever has one has all
 * of them. After that every credential is refused for the rest of the minute; a right one must not be told from others.
 * The minute begins with the first refusal.
 * @param limit how many are answered; each server counts for itself
 */
export function createFailedAttempts(limit: number): FailedAttempts {
  const attempts = new Map<string, Attempts>();
  let nextSweep = 0;
  const current = (network: string, now: number): Attempts | undefined => {
    const found = attempts.get(network);
    return found !== undefined && found.until > now ? found : undefined;
  };
  return {
    waitFor: (address, now) => {
      // Where nobody failed, every request would pay for reading its address.
      const found = attempts.size === 0 ? undefined : current(networkOf(address), now.getTime());
      return found === undefined || found.count < limit
        ? 0
        : Math.ceil((found.until - now.getTime()) / 1_000);
    },
    count: (address, now) => {
      const time = now.getTime();
      if (time >= nextSweep) {
        nextSweep = time + WINDOW_MS;
        for (const [network, { until }] of attempts) {
          if (until <= time) {
            attempts.delete(network);
          }
        }
      }
      const network = networkOf(address);
      const found = current(network, time);
      if (found === undefined) {
        attempts.set(network, { count: 1, until: time + WINDOW_MS });
      } else {
        found.count += 1;
      }
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
