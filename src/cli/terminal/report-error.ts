import { MesaAuthError } from '../../errors.ts';
import type { Output } from '../../session/output.ts';

const SIGPIPE_STATUS = 128 + 13;

/**
 * Tells the person what went wrong and gives the exit status. Stack traces appear with MESA_DEBUG=1 only, and only
 * of errors that are not about parsing: those may quote what was parsed.
 */
export function reportError(error: unknown, output: Output, debug: boolean): number {
  if (!(error instanceof MesaAuthError)) {
    output.error('unexpected failure; this is a bug in mesa');
    if (debug && error instanceof Error) {
      printStack(error, output);
    } else {
      output.hint('run it again with MESA_DEBUG=1 and report what it prints');
    }
    return 1;
  }
  if (error.code === 'INTERRUPTED') {
    return error.exitStatus;
  }
  if (error.code === 'OUTPUT_LOST' && isBrokenPipe(error.cause)) {
    // The reader left, as in `mesa auth list | head -0`: programs in a pipe end silently then.
    return SIGPIPE_STATUS;
  }
  output.error(error.message);
  if (error.hint !== undefined) {
    output.hint(error.hint);
  }
  if (debug) {
    printStack(error, output);
  }
  return error.exitStatus;
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/** Only the frames: a message of foreign origin may hold anything. */
function printStack(error: Error, output: Output): void {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  for (const line of [error.name, ...frames]) {
    output.note(line);
  }
}
