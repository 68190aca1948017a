import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs';

import { shellWord } from '../core/escape-text.ts';
import { errnoOf, ioError, MesaAuthError } from '../errors.ts';

/** A store of 10,000 keys takes 1 MB; whatever is larger than this is not ours. */
export const MAX_PRIVATE_BYTES = 16 * 1024 * 1024;
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const GROUP_OR_WORLD_WRITE = 0o022;
const GROUP_OR_WORLD_ANY = 0o077;

export type Warn = (message: string) => void;

/** What becomes of a mode that lets others read or list: it is changed, with a warning, or it is only warned about. */
export type Looseness = 'tighten' | 'leave';

/**
 * Reads a file that holds secrets.
 * @returns undefined when the file does not exist
 * @throws as usePrivateFile, and STORE_UNSAFE for more than 16 MiB
 */
export function readPrivateFile(
  path: string,
  warn: Warn,
  looseness: Looseness = 'tighten',
): Buffer | undefined {
  return usePrivateFile(path, warn, looseness, (fd, { size }) => {
    if (size > MAX_PRIVATE_BYTES) {
      throw unsafe(`${path} is larger than ${MAX_PRIVATE_BYTES / 1024 / 1024} MiB`, 'move it away');
    }
    return readAll(fd, size);
  });
}

/**
 * Opens a file that is for its user alone. Every check is made on the opened file, so that it cannot be swapped between
 * check and use; O_NONBLOCK keeps a FIFO from blocking the open.
 * @param use what is done with it; `stats` are of the opened file
 * @returns undefined when the file does not exist
 * @throws STORE_UNSAFE for a symlink, anything that is no regular file, a foreign owner, or a file that others can
 *   write; IO when it cannot be read. A file that others can merely read is tightened to 0600, with a warning.
 */
export function usePrivateFile<T>(
  path: string,
  warn: Warn,
  looseness: Looseness,
  use: (fd: number, stats: Stats) => T,
): T | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    switch (errnoOf(error)) {
      case 'ENOENT':
        return undefined;
      case 'ELOOP':
        throw unsafe(`${path} is a symbolic link`, 'replace the link by the file itself');
      case 'ENXIO': // a socket, or a device without a driver: open(2)
        throw unsafe(`${path} is not a regular file`, `move it away`);
      default:
        throw ioError('read', path, error);
    }
  }
  try {
    const stats = fstatSync(fd);
    assertPrivateFile(path, stats);
    if ((stats.mode & GROUP_OR_WORLD_ANY) !== 0) {
      treatLooseFile(fd, path, warn, looseness);
    }
    return use(fd, stats);
  } catch (error) {
    throw error instanceof MesaAuthError ? error : ioError('read', path, error);
  } finally {
    closeQuietly(fd);
  }
}

function assertPrivateFile(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    throw unsafe(`${path} is not a regular file`, 'move it away');
  }
  if (stats.uid !== process.geteuid?.()) {
    throw unsafe(`${path} belongs to another user`, 'run mesa as that user, or move the file away');
  }
  if ((stats.mode & GROUP_OR_WORLD_WRITE) !== 0) {
    throw unsafe(
      `${path} can be written by other users`,
      `check its content, then: chmod 600 ${shellWord(path)}`,
    );
  }
}

/** What is done about an open file that others can read. @throws a system error */
export function treatLooseFile(fd: number, path: string, warn: Warn, looseness: Looseness): void {
  if (looseness === 'leave') {
    warn(`${path} can be read by other users`);
    return;
  }
  try {
    fchmodSync(fd, 0o600);
    warn(`${path} could be read by other users; its mode is 0600 now`);
  } catch (error) {
    // A read-only file system keeps the mode, and reading must still work there.
    if (errnoOf(error) !== 'EROFS') {
      throw error;
    }
    warn(`${path} can be read by other users, and the file system is read-only`);
  }
}

/** All bytes of an open file, of which `size` are expected. @param start the first of them; without it, the one that is next */
export function readAll(fd: number, size: number, start?: number): Buffer {
  const buffer = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const count = readSome(fd, buffer, length, start === undefined ? null : start + length);
    if (count === 0) {
      break;
    }
    length += count;
  }
  return buffer.subarray(0, length);
}

/** libuv repeats every call that a signal interrupted but read(2); file systems over a network or FUSE do that. */
function readSome(fd: number, buffer: Buffer, offset: number, position: number | null): number {
  for (;;) {
    try {
      return readSync(fd, buffer, offset, buffer.length - offset, position);
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') {
        throw error;
      }
    }
  }
}

/** Closes a file of which everything wanted is known already: nothing is left that an error could spoil. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
  }
}

function unsafe(message: string, hint: string): MesaAuthError {
  return new MesaAuthError('STORE_UNSAFE', message, { hint });
}

/**
 * The text of UTF-8 bytes, a byte order mark included; undefined when they are none. Quicker than TextDecoder, which
 * loads a converter first.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    : undefined;
}

/**
 * Adds a line to a private file, which is made where there is none. One write(2) with O_APPEND: lines of processes that do
 * so at once neither mix nor get lost, without a lock. Not durable: no fsync.
 * @param line ends with a line break; below 4,096 bytes
 * @param largest no line is added to a file of more bytes
 * @returns the file's size before, in bytes; undefined when it was larger, and nothing was added
 * @throws STORE_UNSAFE for a file that is not ours alone to write, IO when the line was cut short, or a system error
 */
export function appendLine(path: string, line: string, largest: number, warn: Warn): number | undefined {
  const fd = openToAppend(path);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) {
      throw irregular(path);
    }
    if (stats.uid !== process.geteuid?.() || (stats.mode & GROUP_OR_WORLD_WRITE) !== 0) {
      throw new MesaAuthError('STORE_UNSAFE', `${path} is no file of this user alone`);
    }
    if ((stats.mode & GROUP_OR_WORLD_ANY) !== 0) {
      treatLooseFile(fd, path, warn, 'tighten');
    }
    if (stats.size > largest) {
      return undefined;
    }
    if (writeSync(fd, line) !== Buffer.byteLength(line)) {
      throw new MesaAuthError('IO', `${path} was cut short`);
    }
    return stats.size;
  } finally {
    closeSync(fd);
  }
}

function openToAppend(path: string): number {
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    switch (errnoOf(error)) {
      case 'ENXIO': // a FIFO that nobody reads, a socket, or a device without a driver: open(2)
        throw irregular(path);
      case 'EISDIR':
        throw new MesaAuthError('STORE_UNSAFE', `${path} is a directory`);
      case 'ELOOP':
        throw new MesaAuthError('STORE_UNSAFE', `${path} is a symbolic link`);
      default:
        throw error;
    }
  }
}

function irregular(path: string): MesaAuthError {
  return new MesaAuthError('STORE_UNSAFE', `${path} is not a regular file`);
}
