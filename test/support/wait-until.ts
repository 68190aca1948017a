import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const PATIENCE_MS = 120_000;

/**
 * Waits for something that happens soon, on however slow a machine.
 * @param seen what there is to see instead, for whoever has to find out why it did not happen
 */
export async function waitUntil(
  what: string,
  happened: () => boolean,
  seen: () => string = () => '',
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!happened()) {
    if (Date.now() > deadline) {
      throw new Error(`it never happened that ${what}\n${seen()}`.trimEnd());
    }
    await sleep(POLL_MS);
  }
}
