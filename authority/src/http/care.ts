import type { Socket } from 'node:net';

import type { FastifyInstance, FastifyRequest } from 'fastify';

import { ApiError, codeOf } from '../errors.ts';
import { errorBody } from './error-reply.ts';
import { newRequestId } from './request-id.ts';

/**
 * Headers of every reply: credentials and what they show belong in no cache, and a server that stops keeps no connection
 * open, or it would wait for clients that have nothing more to say.
 */
export function addCare(app: FastifyInstance): void {
  let isStopping = false;
  app.addHook('preClose', async () => {
    isStopping = true;
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (!reply.hasHeader('cache-control')) {
      reply.header('cache-control', 'no-store');
    }
    if (isStopping) {
      reply.header('connection', 'close');
    }
    done(null, payload);
  });
}

/** @throws NOT_ACCEPTABLE when the client takes anything but JSON */
export function requireJsonAccepted(accept: string | undefined): void {
  const accepted =
    accept === undefined ||
    accept.trim() === '' ||
    accept
      .split(',')
      .map((range) => range.trim().toLowerCase())
      .some((range) => /^(?:\*\/\*|application\/(?:\*|json|[\w.-]+\+json))\s*(?:;|$)/.test(range));
  if (!accepted) {
    throw new ApiError('NOT_ACCEPTABLE', 'This server answers in application/json');
  }
}

/** @throws UNSUPPORTED_MEDIA_TYPE for a body in gzip or another encoding */
export function requirePlainBody(encoding: string | undefined): void {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'A body is sent as it is, without a content encoding');
  }
}

/**
 * Ends the connection of a client that is slow to send its body, also one that nobody reads: the rest of it keeps the
 * connection busy after the answer.
 */
export function limitBodyTime({ raw }: FastifyRequest, milliseconds: number): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  // RFC 9112, section 6.3: without either there is no body, and most requests have none to pay a timer for.
  if (raw.complete || (length === undefined && encoding === undefined)) {
    return;
  }
  const timer = setTimeout(() => raw.destroy(), milliseconds).unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}

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
