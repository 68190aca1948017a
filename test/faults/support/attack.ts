import { connect } from 'node:net';

const AT_ONCE = 200;
const PATIENCE_MS = 7_000;

export interface Attack {
  readonly socket: string;
  /** What every connection sends. */
  readonly message: string;
  /** How many connections, 200 at a time. */
  readonly count: number;
  /** Sends the message again and again, until it is cut off. */
  readonly drip: boolean;
}

/**
 * Opens connections that send something and then stay open, as long as they are let; most give way to the next ones
 * at once, every hundredth waits to be cut off.
 */
export async function attack({ socket, message, count, drip }: Attack): Promise<void> {
  let started = 0;
  const next = async (): Promise<void> => {
    while (started < count) {
      started += 1;
      await once(socket, message, drip, started % 100 === 0);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

function once(socket: string, message: string, drip: boolean, stays: boolean): Promise<void> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const timer = setTimeout(() => connection.destroy(), stays || drip ? PATIENCE_MS : 20);
    const send = (): void => {
      if (!connection.destroyed) {
        connection.write(message, () => {
          if (drip) {
            setImmediate(send);
          }
        });
      }
    };
    connection.on('connect', () => {
      if (message !== '') {
        send();
      }
    });
    connection.on('data', () => undefined);
    connection.on('error', () => undefined);
    connection.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
