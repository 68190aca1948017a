import { execFile } from 'node:child_process';

const GIT_TIMEOUT_MS = 800;

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
  /** For git that writes: killing it would leave its lock. 800 milliseconds by default. */
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
    execFile('git', args, options, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ status: 0, stdout, stderr });
      } else {
        resolve({ status: typeof error.code === 'number' ? error.code : undefined, stdout: '', stderr });
      }
    });
  });
}
