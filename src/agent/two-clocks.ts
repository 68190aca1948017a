/**
 * Wall-clock and monotonic milliseconds at one moment. The monotonic clock is the system's, so that two processes can
 * compare; it stands still while the machine sleeps, which the other one does not.
 */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** By hrtime, which is the same for all processes, unlike performance.now. */
export function readClocks(): Moment {
  return { wall: Date.now(), monotonic: Number(process.hrtime.bigint() / 1_000_000n) };
}

/** Clocks that differ by less agree: they are rounded, read one after the other, and adjusted. */
const AGREEMENT_MS = 1_000;

/** How many milliseconds ago `then` was: by the wall clock, unless the monotonic one says clearly more. */
export function elapsed(then: Moment, now: Moment): number {
  const wall = now.wall - then.wall;
  const monotonic = now.monotonic - then.monotonic;
  return monotonic - wall > AGREEMENT_MS ? monotonic : wall;
}
