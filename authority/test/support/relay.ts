import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

export interface Relay {
  /** In place of the server's. */
  readonly url: string;
  /** Resolves when it has stopped passing bytes on. */
  readonly stuck: Promise<unknown>;
  /** Passes everything on from now. */
  release(): void;
}

/**
 * A network that hangs: it passes bytes on between a client and the server until one of them has sent so many in one
 * connection. That one hears nothing of it and can end its connection, which the other then sees.
 */
export async function startRelay(
  server: string,
  { from, after }: { readonly from: 'client' | 'server'; readonly after: number },
): Promise<Relay> {
  const target = new URL(server);
  const releases: (() => void)[] = [];
  let isReleased = false;
  const events = new EventEmitter();
  const relay = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    passOn(client, upstream);
    passOn(upstream, client);
    const [source, sink] = from === 'client' ? [client, upstream] : [upstream, client];
    let bytes = 0;
    source.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= after && !isReleased && sink.writableCorked === 0) {
        // Held back in memory; a server is stopped by that, a client must be able to go away.
        sink.cork();
        if (from === 'server') {
          source.pause();
        }
        releases.push(() => {
          sink.uncork();
          source.resume();
        });
        events.emit('stuck');
      }
    });
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  onTestFinished(() => {
    relay.close();
  });
  const stuck = once(events, 'stuck');
  const { port } = relay.address() as { readonly port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    stuck,
    release: () => {
      isReleased = true;
      for (const release of releases) {
        release();
      }
    },
  };
}

function passOn(source: Socket, sink: Socket): void {
  source.on('data', (chunk: Buffer) => sink.write(chunk));
  source.on('error', () => {});
  source.on('close', () => sink.destroy());
}
