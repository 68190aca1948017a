/** When keys were last used, written now and then: a write for each request would be most of a request. */
export interface LastUses {
  note(keyId: string, now: Date): void;
  /** Writes what is not written yet. Never rejects: a failed write is tried again with the next one. */
  flush(): Promise<void>;
  /** Ends the writing, after a last one. */
  stop(): Promise<void>;
}

/**
 * @param store writes milliseconds by key id
 * @param onError is told of a failed write
 * @param intervalMs between two writes; as much may be lost when the process is killed
 */
export function createLastUses(
  store: (uses: ReadonlyMap<string, number>) => Promise<void>,
  onError: (error: unknown) => void,
  intervalMs = 30_000,
): LastUses {
  let pending = new Map<string, number>();
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    const uses = pending;
    if (uses.size === 0) {
      return;
    }
    pending = new Map();
    try {
      await store(uses);
    } catch (error) {
      // Newer uses win over those that could not be written.
      pending = new Map([...uses, ...pending]);
      onError(error);
    }
  };
  // One after the other: what a write that is under way could not do, the next one does.
  const flush = (): Promise<void> => {
    writing = writing.then(write);
    return writing;
  };
  const timer = setInterval(() => void flush(), intervalMs).unref();
  return {
    note: (keyId, now) => {
      pending.set(keyId, now.getTime());
    },
    flush,
    stop: () => {
      clearInterval(timer);
      return flush();
    },
  };
}
