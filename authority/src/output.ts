import { codeOf, OperatorError } from './errors.ts';

/** What is meant for the person, on standard error. Nobody may be there to read it, which changes nothing: never throws. */
export function tell(text: string): void {
  if (process.stderr.listenerCount('error') === 0) {
    process.stderr.on('error', () => {});
  }
  try {
    process.stderr.write(text);
  } catch (error) {
    requireSystemError(error);
  }
}

/** Standard output cannot be written. */
export class LostOutput extends OperatorError {
  override readonly name = 'LostOutput';
  /** Of the system error: `ENOSPC`; `EPIPE` when the reader left, as in `mesa-authority --help | true`. */
  readonly code: string;

  constructor(code: string) {
    super(`cannot write to standard output: ${code === 'ENOSPC' ? 'no space left on the device' : code}`);
    this.code = code;
  }
}

/** Writes data to standard output. @throws LostOutput when nobody has it then */
export async function print(text: string): Promise<void> {
  const { stdout } = process;
  try {
    await new Promise<void>((resolve, reject) => {
      // A stream that failed says so twice.
      stdout.once('error', reject);
      stdout.write(text, (error) => {
        if (error instanceof Error) {
          reject(error);
        } else {
          stdout.off('error', reject);
          resolve();
        }
      });
    });
  } catch (error) {
    throw new LostOutput(requireSystemError(error));
  }
}

/** @returns its code */
function requireSystemError(error: unknown): string {
  const code = codeOf(error);
  if (code === undefined) {
    throw error;
  }
  return code;
}
