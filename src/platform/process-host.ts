import { fstatSync, readSync, writeSync } from 'node:fs';

import { errnoOf } from '../errors.ts';
import { wallClock } from './clock.ts';
import type { Host, InputStream, OutputStream } from './host.ts';

const BUSY_PAUSE_MS = 5;
const READ_SIZE = 65_536;
// null(4): major 1, minor 3. The one character device that is used as often as terminals are.
const LINUX_DEV_NULL = 0x103;

/** The real process. It reads and writes descriptors: Node's streams cost more than a look-up. */
export function processHost(): Host {
  return {
    env: process.env,
    platform: process.platform,
    stdout: outputStream(1),
    stderr: outputStream(2),
    stdin: inputStream(),
    cwd: workingDir,
    now: wallClock,
    script: process.argv[1] ?? '',
  };
}

function workingDir(): string | undefined {
  try {
    return process.cwd();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw error;
    }
    return undefined;
  }
}

function outputStream(fd: number): OutputStream {
  return {
    get isTerminal() {
      return isatty(fd);
    },
    get columns() {
      return isatty(fd) ? widthOf(fd) : undefined;
    },
    write: (text) => writeAll(fd, Buffer.from(text)),
  };
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += retryWhenBusy(() => writeSync(fd, bytes, written));
  }
}

/** node:tty brings the network modules with it, so it is asked only about what may be a terminal. */
function isatty(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return (
      stats.isCharacterDevice() &&
      stats.rdev !== LINUX_DEV_NULL &&
      process.getBuiltinModule('node:tty').isatty(fd)
    );
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return false;
  }
}

/** Terminals that do not know their size say 0. */
function widthOf(fd: number): number | undefined {
  const { columns } = new (process.getBuiltinModule('node:tty').WriteStream)(fd);
  return columns > 0 ? columns : undefined;
}

function inputStream(): InputStream {
  return {
    get isTerminal() {
      return isatty(0);
    },
    chunks: readStdin,
  };
}

/**
 * Synchronous: whoever reads standard input has nothing else to do, no handler keeps a signal from ending the wait,
 * and the stream of `process.stdin` costs as much as a whole look-up.
 */
function* readStdin(): Generator<Uint8Array> {
  const buffer = Buffer.alloc(READ_SIZE);
  for (;;) {
    const count = retryWhenBusy(() => readSync(0, buffer, 0, READ_SIZE, null));
    if (count === 0) {
      return;
    }
    yield Buffer.from(buffer.subarray(0, count));
  }
}

/** Somebody else may have made a pipe non-blocking, and its other end may be slow. */
function retryWhenBusy(operation: () => number): number {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}
