import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { codeOf, OperatorError } from '../errors.ts';
import { gitEnvironment } from './git-environment.ts';

const run = promisify(execFile);

/** More than any commit of a person; others are errors. */
const MAX_OUTPUT_BYTES = 16 * 1_024 * 1_024;
/** The first with `--http-backend-info-refs`. */
const OLDEST = [2, 34] as const;

/**
 * Runs a short command of git to its end.
 * @returns what it printed
 * @throws Error of node:child_process when it failed
 */
export async function runGit(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('git', [...args], { env: gitEnvironment(), maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}

/** @throws OperatorError when git is not there or too old */
export async function requireGit(): Promise<void> {
  const hint = `install git ${OLDEST.join('.')} or newer`;
  let version: string;
  try {
    version = await runGit('version');
  } catch (error) {
    throw new OperatorError(`git does not run: ${codeOf(error) ?? 'it failed'}`, hint, error);
  }
  const [, major, minor] = /^git version (\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
    throw new OperatorError(`git ${major}.${minor} is too old`, hint);
  }
}
