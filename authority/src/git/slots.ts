/** Something of which there are only so many at once. */
export interface Slots {
  /**
   * Waits for a slot, the longest waiting first.
   * @param signal ends the waiting
   * @returns what frees it; undefined when none became free in time, or the signal came
   */
  take(signal?: AbortSignal): Promise<(() => void) | undefined>;
}

/** @param waitMs how long to wait for one at most */
export function createSlots(count: number, waitMs: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  const occupy = (): (() => void) => {
    free -= 1;
    let isTaken = true;
    return () => {
      if (!isTaken) {
        return;
      }
      isTaken = false;
      free += 1;
      const [next] = waiting;
      next?.();
    };
  };

  return {
    take: (signal) => {
      if (signal?.aborted === true) {
        return Promise.resolve(undefined);
      }
      if (free > 0) {
        return Promise.resolve(occupy());
      }
      return new Promise((resolve) => {
        const leave = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', giveUp);
          waiting.delete(proceed);
        };
        const proceed = (): void => {
          leave();
          resolve(occupy());
        };
        const giveUp = (): void => {
          leave();
          resolve(undefined);
        };
        const timer = setTimeout(giveUp, waitMs);
        signal?.addEventListener('abort', giveUp);
        waiting.add(proceed);
      });
    },
  };
}
