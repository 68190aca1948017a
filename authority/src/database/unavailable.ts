import { codeOf } from '../errors.ts';

/** https://nodejs.org/api/errors.html#common-system-errors, as far as connections have them. */
const SYSTEM_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
];
/**
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: connection exceptions, insufficient resources,
 * operator intervention (shut down, statement timeout), and 55000 when a database takes no connections.
 */
const POSTGRES_CODE = /^(?:08|53|57)[0-9A-Z]{3}$|^55000$/;
/** node-postgres gives these no code. */
const POSTGRES_MESSAGE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client (?:has encountered a connection error|was closed) )/;
/** https://sqlite.org/rescode.html: BUSY, IOERR, FULL and CANTOPEN, of which the library does not always tell the code. */
const SQLITE_MESSAGE =
  /^(?:database is locked|disk I\/O error|database or disk is full|unable to open database file)/;

/** Whether the database, and not the request, is the reason: the same request may work later. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) {
    return error.errors.some(isUnavailable);
  }
  const code = codeOf(error) ?? '';
  return (
    error instanceof Error &&
    (SYSTEM_CODES.includes(code) ||
      POSTGRES_CODE.test(code) ||
      POSTGRES_MESSAGE.test(error.message) ||
      SQLITE_MESSAGE.test(error.message))
  );
}
