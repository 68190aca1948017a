import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

import { errnoOf, MesaAuthError } from '../errors.ts';
import { treatLooseFile, type Warn } from './private-file.ts';

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const GROUP_OR_WORLD_WRITE = 0o022;
const GROUP_OR_WORLD_ANY = 0o077;

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
