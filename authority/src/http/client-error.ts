import type { Socket } from 'node:net';

import { ApiError, codeOf } from '../errors.ts';
import { errorBody } from './error-reply.ts';
import { newRequestId } from './request-id.ts';

/** Answers what is no HTTP request, before it reaches Fastify. */
export function onClientError(error: Error, socket: Socket): void {
  if (codeOf(error) === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(codeOf(error));
  const body = JSON.stringify(errorBody(refusal, newRequestId()));
  socket.end(
    `HTTP/1.1 ${refusal.status} ${refusal.code}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusalOf(code: string | undefined): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ApiError('HEADERS_TOO_LARGE', 'The headers of the request are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError('REQUEST_TIMEOUT', 'The request took too long to arrive');
    default:
      return new ApiError('BAD_REQUEST', 'This is no HTTP request');
  }
}
