import { closeSync, linkSync, lstatSync, openSync, renameSync, type Stats } from 'node:fs';

import { errnoOf, ioError, MesaAuthError } from '../errors.ts';
import { publishFile, unlinkQuietly } from './replace-file.ts';

/**
 * Writes a new file, and never over another one, whoever makes that and when. Whoever looks sees no file or the whole
 * of it, and it is durable when this returns. It is 0600, in a directory that may be anybody's.
 * @throws USAGE when there is a file of that name; IO, and then there is none, except when the message says so
 */
export function createFile(path: string, content: Uint8Array): void {
  try {
    publishFile(path, content, {
      // A file system without owners, as on a USB stick, refuses to change one.
      mode: undefined,
      giveName,
      outcome: 'nothing was written',
      hint: 'check the disk, then write another one',
    });
  } catch (error) {
    throw error instanceof MesaAuthError && errnoOf(error.cause) === 'EEXIST' ? taken(path) : error;
  }
}

/** Looks before there is anything to write. @throws USAGE when there is a file of that name, even a dangling link */
export function assertNoFile(path: string): void {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw ioError('write', path, error);
  }
  if (stats !== undefined) {
    throw taken(path);
  }
}

function taken(path: string): MesaAuthError {
  return new MesaAuthError('USAGE', `${path} exists already, and is not overwritten`, {
    hint: 'name a file that does not exist',
  });
}

/** @throws a system error; EEXIST when the name is taken */
function giveName(temp: string, path: string): void {
  try {
    linkSync(temp, path);
    unlinkQuietly(temp);
  } catch (error) {
    // FAT and exFAT know no links: link(2), EPERM.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errnoOf(error) ?? '')) {
      throw error;
    }
    takeNameAndRename(temp, path);
  }
}

/** Takes the name by an empty file of ours, which is then replaced. */
function takeNameAndRename(temp: string, path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
  try {
    renameSync(temp, path);
  } catch (error) {
    unlinkQuietly(path);
    throw error;
  }
}
