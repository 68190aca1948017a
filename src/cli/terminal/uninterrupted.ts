const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does what must not be left half done for somebody's Ctrl-C: a signal ends the process when the work has ended. The work
 * itself has to end in time.
 */
export async function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  let pending: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    pending ??= signal;
  };
  SIGNALS.forEach((signal) => process.on(signal, hold));
  try {
    return await work();
  } finally {
    SIGNALS.forEach((signal) => process.off(signal, hold));
    if (pending !== undefined) {
      process.kill(process.pid, pending);
    }
  }
}
