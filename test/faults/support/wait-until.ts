import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const PATIENCE_MS = 120_000;

/** Waits for something that happens soon, on however slow a machine. */
export async function waitUntil(what: string, happened: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!happened()) {
    if (Date.now() > deadline) {
      throw new Error(`it never happened that ${what}`);
    }
    await sleep(POLL_MS);
  }
}
