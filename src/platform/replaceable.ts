import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { shellWord } from '../core/escape-text.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import { nearestExisting } from './probe-lock.ts';
import { mountedByItself } from './replace-file.ts';

/**
 * Looks whether a file can be made or replaced, before anybody is asked for anything and before anything else is written: its
 * directory, or the nearest one that there is, lets us write, and the file is no mount of its own. The disk may still fail.
 * @param path absolute; links are followed
 * @throws IO, naming the file
 */
export function assertReplaceable(path: string): void {
  assertWritableDir(nearestExisting(dirname(realPlace(path))), path);
  assertNoMount(path);
}

/** The part of assertReplaceable that no right to write helps against. @throws IO */
export function assertNoMount(path: string): void {
  if (isMountPoint(path)) {
    throw mountedByItself(path);
  }
}

/**
 * As assertReplaceable, for a file that is made, written or removed where it is, such as a socket or a lock.
 * @param shown what is named in the error
 */
export function assertWritableDir(dir: string, shown: string): void {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isOurs = errnoOf(error) === 'EACCES' && statSync(dir).uid === process.geteuid?.();
    throw new MesaAuthError('IO', `cannot write ${shown}: ${describeErrno(error)}; nothing was changed`, {
      cause: error,
      ...(isOurs ? { hint: `chmod u+rwx ${shellWord(dir)}` } : {}),
    });
  }
}

/** Whether something is mounted exactly there, as a single file into a container. Only Linux tells. */
export function isMountPoint(path: string): boolean {
  if (!existsSync(path)) {
    return false;
  }
  return mountPoints().includes(realPlace(path));
}

/** The mount that a file or directory is on; undefined where the system does not tell. */
export function mountOf(path: string): string | undefined {
  const place = `${realPlace(path)}/`;
  return mountPoints()
    .filter((mount) => place.startsWith(mount === '/' ? mount : `${mount}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** Every place where something is mounted that this process sees; none where the system does not tell. */
function mountPoints(): readonly string[] {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => unescapePlace(line.split(' ')[4] ?? ''));
  } catch {
    return [];
  }
}

/** proc(5): blanks, line breaks and backslashes are written as octal numbers. */
function unescapePlace(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // There is no such file (yet).
  }
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
