/**
 * Wall-clock and monotonic milliseconds at one moment. The monotonic clock is the system's, so that two processes can
 * compare; it stands still while the machine sleeps, which the other one does not.
 */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** By hrtime, which is the same for all processes, unlike performance.now. */
export function currentMoment(): Moment {
  return { wall: Date.now(), monotonic: Number(process.hrtime.bigint() / 1_000_000n) };
}

/** How many milliseconds ago `then` was, by the clock that says more. */
export function elapsed(then: Moment, now: Moment): number {
  return Math.max(now.wall - then.wall, now.monotonic - then.monotonic);
}
