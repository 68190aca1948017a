import { randomBytes } from 'node:crypto';

/** In the log, in `X-Request-Id`, and in 5xx bodies as `trace_id`. */
export function newRequestId(): string {
  return randomBytes(9).toString('base64url');
}
