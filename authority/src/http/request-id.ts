import { randomBytes } from 'node:crypto';

// Of this process. Random bytes for each request would take a twentieth of its time.
const PREFIX = randomBytes(9).toString('base64url');
let count = 0;

/** Unique among all servers. In the log, in `X-Request-Id`, and in 5xx bodies as `trace_id`. */
export function newRequestId(): string {
  count += 1;
  return `${PREFIX}-${count.toString(36)}`;
}
