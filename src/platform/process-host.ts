import { writeSync } from 'node:fs';

import { errnoOf } from '../errors.ts';
import type { Host, InputStream, OutputStream } from './host.ts';

const FULL_PIPE_PAUSE_MS = 5;

/** The real process. Its streams are made on demand: `process.stdin` alone costs more than a look-up. */
export function processHost(): Host {
  return {
    env: process.env,
    platform: process.platform,
    stdout: outputStream(1),
    stderr: outputStream(2),
    stdin: inputStream(),
    cwd: () => process.cwd(),
    now: () => new Date(),
  };
}

function outputStream(fd: number): OutputStream {
  return {
    get isTerminal() {
      return isatty(fd);
    },
    write: (text) => writeAll(fd, Buffer.from(text)),
  };
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      // Somebody else made the pipe non-blocking, and its reader is slow.
      if (errnoOf(error) !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
}

/** Loaded on demand: node:tty brings the network modules with it. */
function isatty(fd: number): boolean {
  return process.getBuiltinModule('node:tty').isatty(fd);
}

function inputStream(): InputStream {
  return {
    get isTerminal() {
      return isatty(0);
    },
    // Leaving the loop destroys the stream, so that an endless writer does not keep us.
    chunks: () => process.stdin as AsyncIterable<Uint8Array>,
  };
}
