import { execFile } from 'node:child_process';

// Many times what git takes on a busy machine, and no more than somebody waits at a prompt.
const GIT_TIMEOUT_MS = 3_000;

export interface GitAnswer {
  /** Undefined when git did not run to its end: it is not there, was killed, or took too long. */
  readonly status: number | undefined;
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
        resolve({ status: 0, stdout, stderr });
      } else {
        // Without an error, when both had not run for so long: git ended well, and nobody read what it printed.
        resolve({ status: typeof error?.code === 'number' ? error.code : undefined, stdout: '', stderr });
      }
    });
  });
}
