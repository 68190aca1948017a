import { MesaAuthError } from '../errors.ts';

/** `error`: mesa refuses to work, or a key lies open. `warning`: it works, but not as well as it could. */
export type Severity = 'error' | 'warning';

/** One thing that is wrong. Its texts are for people and hold no secret. */
export interface Finding {
  /** The check that found it, as `--json` names it. */
  readonly check: string;
  readonly severity: Severity;
  /** A lower-case sentence that names the thing. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** What to type or do. */
  readonly mend: string;
  /**
   * Mends it; absent where that is not safe. Gives what was done, a line each.
   * @throws MesaAuthError; then what could not be done is as it was
   */
  readonly fix?: () => Promise<readonly string[]>;
}

/** An error of another part as a finding, in that part's words. */
export function findingFrom(check: string, error: MesaAuthError, why: string): Finding {
  return { check, severity: 'error', what: error.message, why, mend: error.hint ?? 'see the message' };
}

/** What a piece of work threw; undefined when it did not. @throws whatever is no MesaAuthError: that is a bug */
export async function errorOf(work: () => unknown): Promise<MesaAuthError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return error;
  }
}
