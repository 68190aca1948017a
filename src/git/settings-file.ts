import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';

import { escapeText, quoteText } from '../core/escape-text.ts';
import { MesaAuthError } from '../errors.ts';
import { NOT_INSTALLED, runGit } from './run-git.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Git waits for nobody that holds its lock, so this is for slow disks. */
const TIMEOUT_MS = 20_000;
// git-config(1), "DESCRIPTION": no such section or key, or value.
const NO_SUCH_SETTING = 1;

/** One file of git's settings, changed by git itself, so that comments and the order of lines stay. */
export class SettingsFile {
  readonly #path: string;
  readonly #shownPath: string;
  readonly #env: Environment;

  /** @param shownPath what errors name instead: the file that this one is a copy of */
  constructor(path: string, shownPath: string, env: Environment) {
    this.#path = path;
    this.#shownPath = shownPath;
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

  /** Takes away every line that gives a setting this value. @throws FAILURE when there is none */
  async remove(name: string, value: string): Promise<void> {
    await this.#git([], '--fixed-value', '--unset-all', name, value);
  }

  /**
   * Takes away those of several lines with the same value that are chosen. Git can only take away all of them, so for
   * a moment each gets a value of its own. A line with a comment is never touched: somebody wrote it by hand.
   * @param value ASCII letters and digits, or empty
   * @param isChosen gets the place of a value among those of the setting
   * @throws FAILURE
   */
  async removeSome(name: string, value: string, isChosen: (index: number) => boolean): Promise<void> {
    const mark = `mesa-${randomUUID()}-`;
    const key = name.slice(name.lastIndexOf('.') + 1);
    const lines = new RegExp(`^([ \\t]*${key}[ \\t]*=[ \\t]*)${value}(?=[ \\t]*(?:\\r?\\n|(?![^])))`, 'gim');
    let count = 0;
    this.#edit((text) => text.replace(lines, (_, start: string) => `${start}${mark}${count++}-`));
    const values = await this.valuesOf(name);
    for (const [index, marked] of values.entries()) {
      if (marked.startsWith(mark) && isChosen(index)) {
        await this.remove(name, marked);
      }
    }
    this.#edit((text) => text.replace(new RegExp(`${mark}[0-9]+-`, 'g'), value));
  }

  #edit(change: (text: string) => string): void {
    // Every byte is one character here, so that whatever is no UTF-8 stays as it is.
    writeFileSync(this.#path, change(readFileSync(this.#path, 'latin1')), 'latin1');
  }

  async #git(expected: readonly number[], ...args: readonly string[]) {
    // Not in the working directory: that may be a checkout with settings of its own, or gone.
    // And whatever else git would read first is none of its business here; it may be a pipe that never ends.
    const env = { ...this.#env, GIT_CONFIG_GLOBAL: devNull };
    const surroundings = { cwd: '/', env, timeoutMs: TIMEOUT_MS };
    const answer = await runGit(['config', '--file', this.#path, ...args], surroundings);
    if (answer.status === 0 || (answer.status !== undefined && expected.includes(answer.status))) {
      return answer;
    }
    if (answer.failure !== undefined) {
      throw new MesaAuthError('FAILURE', answer.failure, {
        hint:
          answer.failure === NOT_INSTALLED
            ? 'install git, then run the command again'
            : 'run the command again',
      });
    }
    const [complaint = ''] = answer.stderr.trim().split('\n');
    throw new MesaAuthError(
      'FAILURE',
      complaint === ''
        ? `git config ended with status ${String(answer.status)}`
        : `git config failed: ${quoteText(complaint.replaceAll(this.#path, this.#shownPath))}`,
      { hint: `mend ${escapeText(this.#shownPath)}, then run the command again` },
    );
  }
}
