import { chmodSync, lstatSync, readFileSync, statSync, type Stats } from 'node:fs';

import { shellWord } from '../core/escape-text.ts';
import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import type { Looseness, Warn } from './private-file.ts';

const GROUP_WRITE = 0o020;
const WORLD_WRITE = 0o002;
const GROUP_OR_WORLD_ANY = 0o077;
const STICKY = 0o1000;

export interface PrivateDir {
  /** The directory that must be ours alone. */
  readonly path: string;
  /** An ancestor that is taken as it is: the home directory, or the directory that XDG_DATA_HOME names. */
  readonly base: string;
}

/**
 * Checks that nobody else can put a file of his into the directory: it is ours, no symlink, not writable by others,
 * and neither is any directory from `base` down to it.
 * @returns false when it does not exist
 * @throws STORE_UNSAFE, or IO when it cannot be examined. A directory that others can merely list is tightened to
 *   0700, with a warning.
 */
export function checkPrivateDir(dir: PrivateDir, warn: Warn, looseness: Looseness = 'tighten'): boolean {
  for (const parent of parentsFrom(dir)) {
    const stats = examine(parent, statSync);
    if (stats === undefined) {
      return false;
    }
    if (!stats.isDirectory()) {
      throw new MesaAuthError('HOME_UNUSABLE', `${parent} is not a directory`, {
        hint: 'set HOME or XDG_DATA_HOME to a directory of yours',
      });
    }
    assertTrustedParent(parent, stats);
  }
  const stats = examine(dir.path, lstatSync);
  if (stats === undefined) {
    return false;
  }
  if (!stats.isDirectory()) {
    throw unsafe(
      stats.isSymbolicLink() ? `${dir.path} is a symbolic link` : `${dir.path} is not a directory`,
      'replace it by a directory',
    );
  }
  if (stats.uid !== process.geteuid?.()) {
    throw unsafe(`${dir.path} belongs to another user`, 'run mesa as that user');
  }
  if ((stats.mode & (GROUP_WRITE | WORLD_WRITE)) !== 0) {
    throw unsafe(
      `${dir.path} can be written by other users`,
      `check its content, then: chmod 700 ${shellWord(dir.path)}`,
    );
  }
  if ((stats.mode & GROUP_OR_WORLD_ANY) !== 0) {
    if (looseness === 'leave') {
      warn(`${dir.path} can be listed by other users`);
    } else {
      tighten(dir.path, warn);
    }
  }
  return true;
}

/** From `base` to the directory above `path`. Both are absolute and normalized, and `base` is above `path`. */
function parentsFrom({ path, base }: PrivateDir): readonly string[] {
  const parents = [base];
  const start = base === '/' ? 1 : base.length + 1;
  for (let at = path.indexOf('/', start); at !== -1; at = path.indexOf('/', at + 1)) {
    parents.push(path.slice(0, at));
  }
  return parents;
}

function assertTrustedParent(path: string, stats: Stats): void {
  const euid = process.geteuid?.();
  if (stats.uid !== euid && stats.uid !== 0) {
    throw unsafe(
      `${path} belongs to another user`,
      'run mesa as that user, or set HOME to your own home directory',
    );
  }
  if (isShared(stats) && !isSharedWithRootsGroup(stats)) {
    throw unsafe(
      `${path} can be written by other users`,
      canChangeMode(stats) ? `chmod go-w ${shellWord(path)}` : ELSEWHERE,
    );
  }
}

// What is only root's to mend.
const ELSEWHERE =
  'keep keys in a directory of your own: export XDG_DATA_HOME="$(mktemp -d)"; or set MESA_API_KEY';

/**
 * A home directory for whatever user a container is started as, who has group 0 and no rights of his own: root's, and for
 * root's group to write. Whoever else is in that group can move what is in there, but not put in files that we take for ours,
 * since whose each directory and file below is, is looked at, too.
 */
function isSharedWithRootsGroup({ mode, uid, gid }: Stats): boolean {
  return uid === 0 && gid === 0 && process.getegid?.() === 0 && (mode & WORLD_WRITE) === 0;
}

/** Whether a change of the mode is for us to make: chmod(2), EPERM. */
export function canChangeMode({ uid }: Stats): boolean {
  const euid = process.geteuid?.();
  return euid === uid || euid === 0;
}

/** Whether others can put files of theirs in the place of ours in a directory. */
export function isShared(stats: Stats): boolean {
  return (stats.mode & STICKY) === 0 && !isWrittenByUsAlone(stats);
}

export function isOursOrRoots({ uid }: Stats): boolean {
  return uid === process.geteuid?.() || uid === 0;
}

/** The user that stands for all who have no number in this user namespace: user_namespaces(7). */
const OVERFLOW_UID = 65_534;

/**
 * Whether a file belongs to nobody of this user namespace, as root's files do in a sandbox that maps one user alone. Where
 * that number is a user like others, it is just another user.
 */
export function isOfNobodyHere({ uid }: Stats): boolean {
  return uid === OVERFLOW_UID && !isMapped(OVERFLOW_UID);
}

function isMapped(id: number): boolean {
  let map: string;
  try {
    map = readFileSync('/proc/self/uid_map', 'utf8');
  } catch {
    return true;
  }
  return map.split('\n').some((line) => {
    const [first = Number.NaN, , count = 0] = line.trim().split(/ +/).map(Number);
    return id >= first && id < first + count;
  });
}

/** Whether only we and root can write a file or directory. */
export function isWrittenByUsAlone({ mode, uid, gid }: Stats): boolean {
  const euid = process.geteuid?.();
  // A group with the number of its user is that user's private group (Debian, Fedora): a umask of 002 then makes
  // everything group-writable without letting anybody else in.
  const groupWrites = (mode & GROUP_WRITE) !== 0 && gid !== euid;
  return (uid === euid || uid === 0) && !groupWrites && (mode & WORLD_WRITE) === 0;
}

function tighten(path: string, warn: Warn): void {
  try {
    chmodSync(path, 0o700);
    warn(`${path} could be listed by other users; its mode is 0700 now`);
  } catch (error) {
    if (errnoOf(error) !== 'EROFS') {
      throw ioError('change the mode of', path, error);
    }
  }
}

/** What lies at a path; undefined for nothing. @throws IO */
export function examine(path: string, stat: (path: string) => Stats): Stats | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      return undefined;
    }
    throw ioError('read', path, error);
  }
}

function unsafe(message: string, hint: string): MesaAuthError {
  return new MesaAuthError('STORE_UNSAFE', message, { hint });
}
