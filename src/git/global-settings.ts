import { quoteText } from '../core/escape-text.ts';
import { MesaAuthError } from '../errors.ts';
import { runGit } from './run-git.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Git waits for nobody that holds its lock, so this is for slow disks. */
const TIMEOUT_MS = 20_000;
// git-config(1), "DESCRIPTION": no such section or key, or value.
const NO_SUCH_SETTING = 1;

/**
 * Settings of whoever runs this: `git config --global`, so that git itself says which file that is, follows links, keeps
 * comments, and locks.
 */
export class GlobalSettings {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Every value of a setting, in order. @throws FAILURE */
  async valuesOf(name: string): Promise<readonly string[]> {
    const { status, stdout } = await this.#git([NO_SUCH_SETTING], '-z', '--get-all', name);
    return status === 0 ? stdout.split('\0').slice(0, -1) : [];
  }

  /** Adds a value behind those that there are. @throws FAILURE */
  async add(name: string, value: string): Promise<void> {
    await this.#git([], '--add', name, value);
  }

  /**
   * Gives a setting these values instead of those that it has. Where it is enough to take some away, nothing else is
   * touched.
   * @throws FAILURE
   */
  async replace(name: string, before: readonly string[], after: readonly string[]): Promise<void> {
    const gone = new Set(before.filter((value) => !after.includes(value)));
    const isSubset = before.filter((value) => !gone.has(value)).join('\0') === after.join('\0');
    for (const value of isSubset ? gone : []) {
      await this.#git([], '--fixed-value', '--unset-all', name, value);
    }
    if (isSubset) {
      return;
    }
    const [only = ''] = after;
    if (after.length === 1 && before.every((value) => value === only)) {
      await this.#git([], '--fixed-value', '--replace-all', name, only, only);
      return;
    }
    await this.#git([], '--unset-all', name);
    for (const value of after) {
      await this.add(name, value);
    }
  }

  async #git(expected: readonly number[], ...args: readonly string[]) {
    // Not in the working directory: that may be a checkout with settings of its own, or gone.
    const surroundings = { cwd: '/', env: this.#env, timeoutMs: TIMEOUT_MS };
    const answer = await runGit(['config', '--global', ...args], surroundings);
    if (answer.status === 0 || (answer.status !== undefined && expected.includes(answer.status))) {
      return answer;
    }
    const [complaint = ''] = answer.stderr.trim().split('\n');
    throw new MesaAuthError(
      'FAILURE',
      answer.status === undefined
        ? 'git did not run; is it installed?'
        : `git config failed: ${quoteText(complaint)}`,
    );
  }
}
