import type { FastifyInstance } from 'fastify';

import { ApiError } from '../errors.ts';

/**
 * Headers of every reply: credentials and what they show belong in no cache, and a server that stops keeps no connection
 * open, or it would wait for clients that have nothing more to say.
 */
export function addReplyHeaders(app: FastifyInstance): void {
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
