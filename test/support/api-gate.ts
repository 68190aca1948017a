import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

/** `before`: the server does not know of the request yet. `after`: it has answered, and nobody knows of that yet. */
export type Moment = 'before' | 'after';

/** Whether a request, counted from 1, goes on its way. What does not is cut off without an answer. */
export type Gatekeeper = (request: string, count: number, moment: Moment) => boolean;

export interface Gate {
  readonly url: string;
  /** `GET /v1/whoami`, in order. */
  readonly requests: readonly string[];
  /** Lets everything pass from now on. */
  open(): void;
}

/** What the client gets for an answer to a request. */
export type Forger = (request: string, answer: string) => string;

/** A server in front of another one, which sees every request twice: on its way there, and back. */
export async function startGate(
  target: string,
  mayPass: Gatekeeper,
  forge: Forger = (_request, answer) => answer,
): Promise<Gate> {
  const requests: string[] = [];
  let isOpen = false;
  const server = createServer((incoming, outgoing) => {
    const name = `${incoming.method} ${incoming.url?.replace(/\?.*$/, '')}`;
    requests.push(name);
    const count = requests.length;
    if (!isOpen && !mayPass(name, count, 'before')) {
      incoming.socket.destroy();
      return;
    }
    const onward = ask(
      `${target}${incoming.url}`,
      { method: incoming.method, headers: { ...incoming.headers, host: new URL(target).host } },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          if (isOpen || mayPass(name, count, 'after')) {
            const body = forge(name, Buffer.concat(parts).toString('utf8'));
            outgoing
              .writeHead(answer.statusCode ?? 500, {
                ...answer.headers,
                'content-length': Buffer.byteLength(body),
              })
              .end(body);
          } else {
            incoming.socket.destroy();
          }
        });
      },
    );
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    open: () => {
      isOpen = true;
    },
  };
}
