import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { Caller } from '../rules/caller.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined until the request was authenticated, and where nobody needs to be. */
    caller: Caller | undefined;
    /** Why its credential was refused. */
    refusal: string | undefined;
  }
}

/**
 * Requests share the logger of the server: one for each would take as long as its line. So `request.log` does not know
 * its request, and whoever logs an error adds `reqId`.
 */
export function loggerOfRequest(
  logger: FastifyBaseLogger,
  _bindings: unknown,
  options: Parameters<FastifyBaseLogger['child']>[1] = {},
): FastifyBaseLogger {
  return options.level === undefined ? logger : logger.child({}, options);
}

/**
 * One line for each request, when it is answered. The route and not the path: a path can hold anything that a client
 * mistook for one, a key included. No headers.
 */
export function addRequestLog(app: FastifyInstance): void {
  app.decorateRequest('caller', undefined);
  app.decorateRequest('refusal', undefined);
  app.addHook('onResponse', (request, reply, done) => {
    logRequest(request, reply);
    done();
  });
}

/** @param cutOff the client went away before it had its answer */
export function logRequest(request: FastifyRequest, reply: FastifyReply, cutOff = false): void {
  const { caller, refusal } = request;
  request.log.info(
    {
      reqId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: request.ip,
      ...(caller && {
        org: caller.organization.slug,
        key_id: caller.keyId,
        credential: caller.token === undefined ? 'api-key' : 'access-token',
      }),
      ...(refusal !== undefined && { refusal }),
      ...(cutOff && { cut_off: true }),
    },
    'request',
  );
}
