import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { codeOf, OperatorError } from '../errors.ts';

export const MASTER_KEY_BYTES = 32;
export const MASTER_KEY_VARIABLE = 'MESA_AUTHORITY_KEY';
/** Base64 or base64url of 32 bytes, padded or not: what `openssl rand -base64 32` prints. */
const SHAPE = /^[A-Za-z0-9+/_-]{43}=?$/;

/**
 * The master key: from the variable when that is set, else from the file.
 * @returns undefined when the variable is unset or empty and there is no file
 * @throws OperatorError when it is no key, or others may read or replace the file
 */
export function readMasterKey(variable: string | undefined, path: string): Buffer | undefined {
  if (variable !== undefined && variable !== '') {
    return decode(variable, MASTER_KEY_VARIABLE);
  }
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      return undefined;
    }
    throw new OperatorError(`cannot read the master key ${path}: ${codeOf(error) ?? 'unknown error'}`);
  }
  try {
    const { mode, uid } = fstatSync(fd);
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new OperatorError(`the master key ${path} belongs to another user`);
    }
    if ((mode & 0o077) !== 0) {
      throw new OperatorError(`the master key ${path} is open to others`, `chmod 600 ${path}`);
    }
    return decode(readFileSync(fd, 'latin1').trim(), path);
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a new master key to a file that is not there yet, 0600 and durable.
 * @throws OperatorError when it is there already or cannot be written
 */
export function createMasterKey(path: string): Buffer {
  const key = randomBytes(MASTER_KEY_BYTES);
  // Linked when it is complete: a file with half a key would lock everybody out.
  const temporary = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(fd, `${key.toString('base64')}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(temporary, path);
    const directory = openSync(dirname(path), 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    throw new OperatorError(`cannot write the master key ${path}: ${codeOf(error) ?? 'unknown error'}`);
  } finally {
    rmSync(temporary, { force: true });
  }
  return key;
}

function decode(text: string, source: string): Buffer {
  const key = SHAPE.test(text) ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (key.length !== MASTER_KEY_BYTES) {
    throw new OperatorError(
      `${source} is not a master key`,
      'it is 32 bytes in base64: openssl rand -base64 32',
    );
  }
  return key;
}
