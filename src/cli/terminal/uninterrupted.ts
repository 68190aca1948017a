const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

let underWay = 0;

/** Whether such work is under way: then a signal is not for others to obey. */
export function isUninterrupted(): boolean {
  return underWay > 0;
}

/**
 * Does what must not be left half done for somebody's Ctrl-C or Ctrl-\: a signal ends the process when the work has ended.
 * The work itself has to end in time.
 */
export async function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  let pending: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    pending ??= signal;
  };
  SIGNALS.forEach((signal) => process.on(signal, hold));
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
    SIGNALS.forEach((signal) => process.off(signal, hold));
    if (pending !== undefined) {
      process.kill(process.pid, pending);
    }
  }
}
