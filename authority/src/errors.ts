/** HTTP status of every code in an error body; the codes are those of the contract, or in its style. */
const STATUS = {
  BAD_REQUEST: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  HEADERS_TOO_LARGE: 431,
  INTERNAL_ERROR: 500,
  UNAVAILABLE: 503,
} as const;

export type ApiErrorCode = keyof typeof STATUS;

export const API_ERROR_CODES = Object.keys(STATUS) as readonly ApiErrorCode[];

/** The code for a status that a library chose; `BAD_REQUEST` or `INTERNAL_ERROR` when there is none of its own. */
export function codeOfStatus(status: number): ApiErrorCode {
  const code = API_ERROR_CODES.find((candidate) => STATUS[candidate] === status);
  return code ?? (status >= 400 && status < 500 ? 'BAD_REQUEST' : 'INTERNAL_ERROR');
}

/** A refusal that a client is told about. `message` and `details` contain no secret and nothing that the client may not see. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ApiErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** Why a command of the operator cannot go on, as one lower-case sentence, with what to do about it. */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}

/** Options that cannot be meant so. */
export class UsageError extends OperatorError {
  override readonly name = 'UsageError';
}

/** The `code` of a system, SQLite or PostgreSQL error: `ENOENT`, `23505`; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
