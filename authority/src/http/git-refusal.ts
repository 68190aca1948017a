import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

import { ApiError, codeOf } from '../errors.ts';
import { GitFailure } from '../git/pack-service.ts';
import { toApiError } from './error-reply.ts';
import { limitBodyTime } from './limits.ts';

/** For the rest of a body that nobody wants. */
const REST_OF_BODY_MS = 20_000;
/** Seconds; git itself does not try again, but those who run it do. */
const RETRY_AFTER = '10';

/** A line of text, not JSON: git shows it to its user as `remote: ...`. */
export function sendGitRefusal(
  error: FastifyError | ApiError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = toRefusal(error);
  if (refusal.status >= 500) {
    request.log.error({ reqId: request.id, err: error }, 'request failed');
  }
  if (refusal.code === 'UNAUTHORIZED') {
    // RFC 7617. git shows its credential only after this.
    reply.header('www-authenticate', 'Basic realm="mesa"');
  }
  if (refusal.code === 'UNAVAILABLE') {
    reply.header('retry-after', RETRY_AFTER);
  }
  skipBody(request);
  return reply
    .code(refusal.status)
    .type('text/plain; charset=utf-8')
    .send(`${refusal.message}${refusal.status < 500 ? '' : ` (request ${request.id})`}\n`);
}

/** Lets the client send the rest of its body, or it would not listen; not for long. */
export function skipBody(request: FastifyRequest): void {
  request.raw.unpipe();
  request.raw.resume();
  limitBodyTime(request, REST_OF_BODY_MS);
}

function toRefusal(error: FastifyError | ApiError): ApiError {
  if (codeOf(error)?.startsWith('Z_') === true) {
    return new ApiError('BAD_REQUEST', 'The body is not the gzip that it says it is');
  }
  if (error instanceof GitFailure && error.isClientFault) {
    return new ApiError('BAD_REQUEST', 'The body is no request of git');
  }
  return toApiError(error);
}
