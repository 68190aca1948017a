import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

import { API_KEY, KEY_ID } from './access-tokens.ts';

export interface ApiServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** `GET /v1/whoami`, in order. */
  readonly requests: readonly string[];
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on this machine for one test. Without `answer`, it knows `GET /v1/whoami` and one key. */
export async function startApiServer(answer: Answer = answerWhoami): Promise<ApiServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export const IDENTITY = {
  org: { id: 'org_1', slug: 'acme', name: 'Acme' },
  key_id: KEY_ID,
  key_name: null,
  scopes: ['admin'],
};

function answerWhoami(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization === `Bearer ${API_KEY}`) {
    answerJson(response, 200, IDENTITY);
  } else {
    answerJson(response, 401, { error: { code: 'UNAUTHORIZED', message: 'Invalid API key' } });
  }
}
