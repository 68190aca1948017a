import { execFile, type ExecFileException } from 'node:child_process';

import { describeErrno, errnoOf } from '../errors.ts';

// Many times what git takes on a busy machine, and no more than somebody waits at a prompt.
const GIT_TIMEOUT_MS = 3_000;

/** The failure of a git that is not there. */
export const NOT_INSTALLED = 'git did not run; is it installed?';

export interface GitAnswer {
  /** Undefined when git did not run to its end: `failure` says why. */
  readonly status: number | undefined;
  /** What kept git from running to its end, as `git was ended by SIGKILL`; undefined when it did. */
  readonly failure: string | undefined;
  /** Empty unless the status is 0. */
  readonly stdout: string;
  /** What it complained about. */
  readonly stderr: string;
}

export interface GitSurroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For git that writes: killing it would leave its lock. 3 seconds by default. */
  readonly timeoutMs?: number;
}

/** Asks git. It gets no secret of ours in its environment. Never throws. */
export function runGit(
  args: readonly string[],
  { cwd, env, timeoutMs = GIT_TIMEOUT_MS }: GitSurroundings,
): Promise<GitAnswer> {
  const gitEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MESA_')));
  const options = { cwd, env: gitEnv, timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    const child = execFile('git', args, options, (error, stdout, stderr) => {
      if (error === null && !child.killed) {
        resolve({ status: 0, failure: undefined, stdout, stderr });
      } else {
        // Without an error, when both had not run for so long: git ended well, and nobody read what it printed.
        const status = typeof error?.code === 'number' ? error.code : undefined;
        const failure = status === undefined ? describeFailure(error, child.killed, timeoutMs) : undefined;
        resolve({ status, failure, stdout: '', stderr });
      }
    });
  });
}

function describeFailure(error: ExecFileException | null, isTimeout: boolean, timeoutMs: number): string {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') {
    return NOT_INSTALLED;
  }
  if (isTimeout || error === null) {
    return `git did not end within ${timeoutMs / 1_000} seconds`;
  }
  return typeof error.signal === 'string'
    ? `git was ended by ${error.signal}`
    : `git cannot be run: ${describeErrno(error)}`;
}
