import type { FastifyInstance, FastifyRequest } from 'fastify';

import { bearerCredential } from '../authentication/credential.ts';
import { ApiError } from '../errors.ts';
import { type Caller, requireOrganization } from '../rules/caller.ts';
import { requireJsonAccepted, requirePlainBody } from './headers.ts';
import { identify } from './identify.ts';
import type { Services } from './services.ts';

/** Every route of `rest` is for callers with a credential, in their own organization. It comes before any body is read. */
export function addRestAuthentication(rest: FastifyInstance, services: Services): void {
  rest.addHook('onRequest', async (request, reply) => {
    try {
      await identify(services, request, reply, bearerCredential(request.headers.authorization));
    } catch (error) {
      if (error instanceof ApiError && error.code === 'UNAUTHORIZED') {
        // RFC 6750, section 3.
        reply.header('www-authenticate', 'Bearer realm="mesa"');
      }
      throw error;
    }
    requireJsonAccepted(request.headers.accept);
    requirePlainBody(request.headers['content-encoding']);
    const { org } = request.params as { readonly org?: string };
    if (org !== undefined) {
      requireOrganization(callerOf(request), org);
    }
  });
}

/** Who asks, in a route behind authentication. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) {
    throw new Error('a route that needs a caller is not behind authentication');
  }
  return caller;
}
