import type { FastifyRequest } from 'fastify';

/**
 * Ends the connection of a client that is slow to send its body, also one that nobody reads: the rest of it keeps the
 * connection busy after the answer.
 */
export function limitBodyTime({ raw }: FastifyRequest, milliseconds: number): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  // RFC 9112, section 6.3: without either there is no body, and most requests have none to pay a timer for.
  if (raw.complete || (length === undefined && encoding === undefined)) {
    return;
  }
  const timer = setTimeout(() => raw.destroy(), milliseconds).unref();
  raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}
