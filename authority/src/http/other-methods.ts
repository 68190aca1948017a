import type { FastifyInstance } from 'fastify';

import { ApiError } from '../errors.ts';

/** For @fastify/swagger: this is no operation. */
const hidden: object = { hide: true };

/**
 * Answers METHOD_NOT_ALLOWED where a path is there for other methods.
 * @returns what to call when all routes of `app` are added
 */
export function refuseOtherMethods(app: FastifyInstance): () => void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ routePath, method }) => {
    const known = methods.get(routePath) ?? new Set();
    methods.set(routePath, new Set([...known, ...[method].flat()]));
  });
  return () => {
    for (const [url, known] of Array.from(methods)) {
      const allow = [...known].toSorted().join(', ');
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !known.has(method)),
        schema: hidden,
        // Before the body is looked at.
        onRequest: async (_request, reply) => {
          reply.header('allow', allow);
          throw new ApiError('METHOD_NOT_ALLOWED', `This path is for ${allow}`);
        },
        handler: () => {},
      });
    }
  };
}
