import { codeOf } from '../errors.ts';

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const POSTGRES_UNIQUE_VIOLATION = '23505';
// https://sqlite.org/rescode.html: SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
const SQLITE_UNIQUE_VIOLATIONS = [2067, 1555];

export function isUniqueViolation(error: unknown): boolean {
  return (
    codeOf(error) === POSTGRES_UNIQUE_VIOLATION ||
    (error instanceof Error &&
      'errcode' in error &&
      typeof error.errcode === 'number' &&
      SQLITE_UNIQUE_VIOLATIONS.includes(error.errcode))
  );
}
