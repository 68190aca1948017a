import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { escapeText, shellWord } from '../core/escape-text.ts';
import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { publishFile, unlinkQuietly } from '../platform/replace-file.ts';
import { SettingsFile } from './settings-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What is where git's global settings are, links followed. */
interface Present {
  readonly path: string;
  readonly kind: 'file' | 'nothing' | 'other';
  readonly content: Buffer;
  readonly mode: number;
}

/**
 * Changes the settings that `git config --global` changes, all at once: `edit` works on a copy, and whoever is killed
 * leaves the old settings or the new ones. A symbolic link stays a link. Nothing is written when nothing changed.
 * @throws CONFIG_INVALID when they are to change, and are a device or a directory; FAILURE when somebody else changes
 *   them; HOME_UNUSABLE, IO, and what `edit` throws; nothing was changed then
 */
export async function editGlobalSettings<T>(
  env: Environment,
  edit: (settings: SettingsFile) => Promise<T>,
): Promise<T> {
  const present = look(followLinks(globalPath(env)));
  const dir = makePrivateDir();
  try {
    const copy = join(dir, 'config');
    writeFileSync(copy, present.content, { mode: 0o600 });
    const result = await edit(new SettingsFile(copy, present.path, env));
    const content = readFileSync(copy);
    if (!content.equals(present.content)) {
      assertRegular(present, env);
      publish(present, content);
    }
    return result;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The file that git writes: git-config(1), `--global`. Relative to `/`, where we run git.
 * @throws HOME_UNUSABLE
 */
export function globalPath(env: Environment): string {
  const named = env['GIT_CONFIG_GLOBAL'];
  const home = env['HOME'];
  const xdg = env['XDG_CONFIG_HOME'];
  if (named !== undefined) {
    return resolve('/', named);
  }
  if (home === undefined) {
    throw new MesaAuthError('HOME_UNUSABLE', 'HOME is not set, so git has no global settings', {
      hint: 'export HOME=~',
    });
  }
  const usual = resolve('/', home, '.gitconfig');
  const configDir = xdg === undefined || xdg === '' ? join(home, '.config') : xdg;
  const other = resolve('/', configDir, 'git/config');
  return !isReadable(usual) && isReadable(other) ? other : usual;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Also to where there is nothing yet. @throws IO */
function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw ioError('read', path, error);
    }
  }
  let link: string;
  try {
    link = readlinkSync(path);
  } catch {
    return path;
  }
  return followLinks(resolve(dirname(path), link));
}

/** @throws IO */
function look(path: string): Present {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isFile() === true) {
      return { path, kind: 'file', content: readFileSync(path), mode: stats.mode & 0o777 };
    }
    const kind = stats === undefined ? 'nothing' : 'other';
    return { path, kind, content: Buffer.alloc(0), mode: 0o600 };
  } catch (error) {
    throw ioError('read', path, error);
  }
}

function assertRegular({ path, kind }: Present, env: Environment): void {
  if (kind === 'other') {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      `git's global settings are ${escapeText(path)}, which is no regular file`,
      env['GIT_CONFIG_GLOBAL'] === undefined ? {} : { hint: 'unset GIT_CONFIG_GLOBAL' },
    );
  }
}

/** @throws IO */
function makePrivateDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'mesa-'));
  } catch (error) {
    throw ioError('write in', tmpdir(), error, 'set TMPDIR to a directory that can be written');
  }
}

/** Puts new settings in place, unless git or anybody else was faster. @throws FAILURE, IO */
function publish(before: Present, content: Buffer): void {
  let refusal: MesaAuthError | undefined;
  try {
    publishFile(before.path, content, {
      mode: before.mode,
      giveName: (temp, path) => {
        refusal = withGitLock(path, () => {
          if (!isStill(before)) {
            return changedMeanwhile(path);
          }
          renameSync(temp, path);
          return undefined;
        });
        if (refusal !== undefined) {
          throw refusal;
        }
      },
      outcome: 'nothing was changed',
      hint: 'check the disk, then run the command again',
    });
  } catch (error) {
    throw refusal ?? error;
  }
}

/** Git's own lock, lockfile.h of git: whoever creates it may rename. @throws a system error */
function withGitLock(path: string, work: () => MesaAuthError | undefined): MesaAuthError | undefined {
  const lock = `${path}.lock`;
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') {
      throw error;
    }
    return new MesaAuthError('FAILURE', `git's global settings are locked by ${escapeText(lock)}`, {
      hint: `wait for git to end; when none runs: rm ${shellWord(lock)}`,
    });
  }
  try {
    return work();
  } finally {
    unlinkQuietly(lock);
  }
}

function isStill(before: Present): boolean {
  const now = look(before.path);
  return now.kind === before.kind && now.content.equals(before.content);
}

function changedMeanwhile(path: string): MesaAuthError {
  return new MesaAuthError('FAILURE', `${escapeText(path)} was changed by another program at the same time`, {
    hint: 'run the command again',
  });
}
