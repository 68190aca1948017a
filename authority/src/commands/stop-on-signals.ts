import type { App } from '../http/services.ts';

/** How long requests under way may take to end. */
const GRACE_MS = 30_000;

/**
 * Waits for SIGTERM or SIGINT, then lets the requests under way end, for 30 seconds at most; a second signal ends at
 * once. Resolves when everything is closed.
 */
export async function stopOnSignals(app: App): Promise<void> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  app.log.info({ signal }, 'stopping');
  const giveUp = (): void => {
    app.server.closeAllConnections();
  };
  process.once('SIGTERM', giveUp);
  process.once('SIGINT', giveUp);
  const timer = setTimeout(giveUp, GRACE_MS);
  await app.close();
  clearTimeout(timer);
  // Nothing listens to them from here on, so that they end what is left to do at once, as the last lines of the log.
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
}
