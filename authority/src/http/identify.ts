import type { FastifyReply, FastifyRequest } from 'fastify';

import { ApiError } from '../errors.ts';
import type { Services } from './services.ts';

/**
 * Finds out who asks, and sets `request.caller`.
 * @throws UNAUTHORIZED for a missing or refused credential, the same for every reason; TOO_MANY_REQUESTS
 */
export async function identify(
  { authenticate, failedAttempts, lastUses, now }: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  credential: string | undefined,
): Promise<void> {
  if (credential === undefined) {
    throw new ApiError('UNAUTHORIZED', 'This needs an API key or an access token');
  }
  const refuseFor = (seconds: number): void => {
    if (seconds > 0) {
      reply.header('retry-after', String(seconds));
      throw new ApiError('TOO_MANY_REQUESTS', 'Too many credentials of this address were refused');
    }
  };
  refuseFor(await failedAttempts.waitFor(request.ip));
  const at = now();
  const authentication = await authenticate(credential, at);
  if (authentication.caller === undefined) {
    request.refusal = authentication.reason;
    // Of many that came at once, too, no more than the limit are answered.
    refuseFor(await failedAttempts.count(request.ip));
    throw new ApiError('UNAUTHORIZED', 'Invalid API key or access token');
  }
  request.caller = authentication.caller;
  lastUses.note(authentication.caller.keyId, at);
}
