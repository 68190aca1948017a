import { Type } from 'typebox';

import { ApiError, type ApiErrorCode } from '../errors.ts';

const DESCRIPTIONS: Readonly<Record<ApiErrorCode, string>> = {
  BAD_REQUEST: 'The request is not valid; an unknown member is not, either',
  UNAUTHORIZED: 'The API key or access token is missing, malformed, unknown, expired or revoked',
  FORBIDDEN: 'The credential is valid, but lacks the scope, the repository or the organization',
  NOT_FOUND: 'There is none of this name or id',
  METHOD_NOT_ALLOWED: 'The path is for other methods, which `Allow` names',
  NOT_ACCEPTABLE: 'The client takes anything but JSON',
  REQUEST_TIMEOUT: 'The request took too long to arrive',
  CONFLICT: 'The name is taken',
  PAYLOAD_TOO_LARGE: 'The body is larger than 64 KiB',
  UNSUPPORTED_MEDIA_TYPE: 'The body is not application/json',
  TOO_MANY_REQUESTS:
    'Too many credentials of this address were refused; `Retry-After` says for how many seconds',
  HEADERS_TOO_LARGE: 'The headers are larger than 32 KiB',
  INTERNAL_ERROR: 'The server failed; `trace_id` finds the reason in its log',
  UNAVAILABLE: 'The database does not answer; the same request may work later',
};

const ALWAYS: readonly ApiErrorCode[] = [
  'UNAUTHORIZED',
  'NOT_ACCEPTABLE',
  'TOO_MANY_REQUESTS',
  'INTERNAL_ERROR',
  'UNAVAILABLE',
];

/** With a JSON body, further refusals are possible. */
export const OF_BODIES: readonly ApiErrorCode[] = ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

/** The schemas, by status, of the refusals that every REST operation knows, and of `further` ones. */
export function errors(...further: readonly ApiErrorCode[]): Record<number, ReturnType<typeof errorReply>> {
  return Object.fromEntries(
    [...ALWAYS, ...further].map((code) => [new ApiError(code, '').status, errorReply(code)]),
  );
}

/** The error body of the contract, section 7. */
export function errorReply(code: ApiErrorCode) {
  return Type.Object(
    {
      error: Type.Object({
        code: Type.String({ enum: [code] }),
        message: Type.String({ description: 'For people; it may change' }),
        details: Type.Optional(Type.Object({}, { additionalProperties: true })),
        trace_id: Type.Optional(Type.String({ description: 'With 5xx: quote it when you report the error' })),
      }),
    },
    { description: DESCRIPTIONS[code] },
  );
}
