import { codeOf } from '../errors.ts';

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const POSTGRES_UNIQUE_VIOLATION = '23505';
/** Of statements that return rows, the SQLite library tells no code: only what sqlite3_errmsg() says. */
const SQLITE_UNIQUE_VIOLATION = /^UNIQUE constraint failed: /;

export function isUniqueViolation(error: unknown): boolean {
  return (
    codeOf(error) === POSTGRES_UNIQUE_VIOLATION ||
    (error instanceof Error && SQLITE_UNIQUE_VIOLATION.test(error.message))
  );
}
