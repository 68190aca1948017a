import { constants, fstatSync, openSync } from 'node:fs';

import { ioError, MesaAuthError } from '../errors.ts';
import { closeQuietly, MAX_PRIVATE_BYTES, readAll } from './private-file.ts';

/**
 * Reads a file that a person named, whoever owns it: links are followed, and only a regular file of at most 16 MiB is
 * read, so that nothing blocks and nothing grows.
 * @throws IO, also when there is no such file; STORE_FOREIGN for anything else
 */
export function readNamedFile(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw ioError('read', path, error, 'name a file that exists and can be read');
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > MAX_PRIVATE_BYTES) {
      const problem = stats.isFile()
        ? `is larger than ${MAX_PRIVATE_BYTES / 1024 / 1024} MiB`
        : 'is not a file';
      throw new MesaAuthError('STORE_FOREIGN', `${path} ${problem}`, { hint: 'name a backup of mesa' });
    }
    return readAll(fd, stats.size);
  } catch (error) {
    throw error instanceof MesaAuthError ? error : ioError('read', path, error);
  } finally {
    closeQuietly(fd);
  }
}
