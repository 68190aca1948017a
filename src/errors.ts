/**
 * Exit status of every error code (spec section 9). One table, so that a code cannot exist without a status.
 */
const EXIT_STATUS = {
  FAILURE: 1,
  IO: 1,
  OUTPUT_LOST: 1,
  SERVER_FAILED: 1,
  NO_TERMINAL_RELAY: 1,
  USAGE: 2,
  INVALID_SCOPE: 2,
  INVALID_KEY: 2,
  INVALID_MESA_ORGS: 2,
  INVALID_PASSPHRASE: 2,
  CONFIG_UNREADABLE: 3,
  CONFIG_SYNTAX: 3,
  CONFIG_INVALID: 3,
  HOME_UNUSABLE: 3,
  KEY_NOT_FOUND: 4,
  STORE_ABSENT: 4,
  KEY_REFUSED: 5,
  KEY_OF_OTHER_API: 5,
  LOCKED: 6,
  WRONG_PASSPHRASE: 6,
  UNREACHABLE: 7,
  STORE_DAMAGED: 8,
  STORE_FOREIGN: 8,
  STORE_VERSION: 8,
  STORE_UNSAFE: 8,
  STORE_BUSY: 8,
  WORK_FACTOR: 8,
  KEY_EXPIRES: 9,
  COMMAND_NOT_RUNNABLE: 126,
  COMMAND_NOT_FOUND: 127,
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

export type ExitStatus = (typeof EXIT_STATUS)[ErrorCode];

/** Whether `text` is one of our codes: for errors that come from another process. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(EXIT_STATUS, text);
}

export interface ErrorDetails {
  /** What to type next, printed on a line of its own. */
  readonly hint?: string;
  /** The lower-level error. Never printed unless MESA_DEBUG=1, and never for parser errors: they quote their input. */
  readonly cause?: unknown;
}

/**
 * Every failure that a user can act on. `message` is one lower-case sentence that names the thing
 * and contains no token, no passphrase and no line of a parsed file.
 */
export class MesaAuthError extends Error {
  override readonly name = 'MesaAuthError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }

  /** The process exit status, 1 to 130; src/cli/exit-codes.ts says what each means. */
  get exitStatus(): ExitStatus {
    return EXIT_STATUS[this.code];
  }
}

/** The errno name of a Node system error (`ENOENT`), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) {
    return undefined;
  }
  return typeof error.code === 'string' ? error.code : undefined;
}

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'disk quota exceeded',
  EFBIG: 'file size limit exceeded',
  EROFS: 'the file system is read-only',
  EIO: 'input/output error',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'the path is too long',
  EMFILE: 'too many open files',
  ENOMEM: 'not enough memory',
};

/** A system error in words: `no space left on the device`, or its errno name, or `unknown error`. */
export function describeErrno(error: unknown): string {
  const errno = errnoOf(error);
  return errno === undefined ? 'unknown error' : (ERRNO_TEXT[errno] ?? errno);
}

/**
 * Wraps a system error that stopped an operation on a file.
 * @param action what was tried, as in `cannot <action> <path>: <reason>`
 */
export function ioError(action: string, path: string, error: unknown, hint?: string): MesaAuthError {
  return new MesaAuthError('IO', `cannot ${action} ${path}: ${describeErrno(error)}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
