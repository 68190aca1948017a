import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

import { isUnavailable } from '../database/unavailable.ts';
import { ApiError, type ApiErrorCode, codeOfStatus } from '../errors.ts';

/** The error body of the contract, section 7. */
export interface ErrorBody {
  readonly error: {
    readonly code: ApiErrorCode;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
    /** With 5xx: the request's id, which is in the log. */
    readonly trace_id?: string;
  };
}

export function errorBody({ code, message, details, status }: ApiError, requestId: string): ErrorBody {
  return {
    error: {
      code,
      message,
      ...(details === undefined ? {} : { details }),
      ...(status >= 500 ? { trace_id: requestId } : {}),
    },
  };
}

/** What a client hears of any error; only an `ApiError` speaks for itself. Never the text of an unexpected one. */
export function toApiError(error: FastifyError | ApiError): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  if (error.validation !== undefined) {
    return new ApiError('BAD_REQUEST', describeValidation(error.validation, error.validationContext));
  }
  if (error.code === 'FST_ERR_BAD_URL') {
    return new ApiError('BAD_REQUEST', 'The path is not valid: percent-encoding of UTF-8');
  }
  // An aborted body is an ECONNRESET, too, to which Fastify gives 400.
  if (error.statusCode === undefined && isUnavailable(error)) {
    return new ApiError('UNAVAILABLE', 'The database does not answer');
  }
  const code = codeOfStatus(error.statusCode ?? 500);
  // Those below 500 are Fastify's own sentences, about the request.
  return code === 'INTERNAL_ERROR'
    ? new ApiError(code, 'The server could not do this')
    : new ApiError(code, error.message);
}

function describeValidation(
  [first]: readonly FastifySchemaValidationError[],
  context: string | undefined,
): string {
  const where = `${context ?? 'request'}${first?.instancePath ?? ''}`;
  if (first?.keyword === 'pattern') {
    // There is one pattern in the schemas.
    return `${where} must have no control characters`;
  }
  const { additionalProperty, allowedValues } = first?.params ?? {};
  const detail =
    // A longer one may be a credential in the wrong place; no member here is as long as a key.
    typeof additionalProperty === 'string' && additionalProperty.length <= 32
      ? `: ${JSON.stringify(additionalProperty)}`
      : Array.isArray(allowedValues)
        ? `: ${allowedValues.join(', ')}`
        : '';
  return `${where} ${first?.message ?? 'is not valid'}${detail}`;
}

export function sendError(
  error: FastifyError | ApiError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const apiError = toApiError(error);
  if (apiError.status >= 500) {
    request.log.error({ reqId: request.id, err: error }, 'request failed');
  }
  return reply.code(apiError.status).send(errorBody(apiError, request.id));
}
