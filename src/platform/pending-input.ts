import { constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';

import { errnoOf } from '../errors.ts';
import { closeQuietly } from './private-file.ts';

const STDIN = 0;
// What a parent wrote before it started us is there at once; this is for the turns of the event loop.
const SOCKET_PATIENCE_MS = 20;

/**
 * Whether standard input, which is no terminal, has something to read at this moment. It waits for nobody: a pipe that is
 * open and empty has nothing. A byte of what is there may be taken. Where it cannot be told, there is nothing.
 */
export async function hasPendingInput(): Promise<boolean> {
  try {
    const stats = fstatSync(STDIN);
    if (stats.isFile()) {
      return readByte(STDIN);
    }
    if (stats.isFIFO()) {
      return hasPipeData(stats);
    }
    // Programs of Node and others give their children sockets for pipes.
    return stats.isSocket() && (await hasSocketData());
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return false;
  }
}

function hasPipeData({ size }: Stats): boolean {
  if (process.platform !== 'linux') {
    // macOS counts there what is in the pipe, and has no way to open one anew.
    return size > 0;
  }
  // Another opening of the same pipe: whoever shares ours shall not find it non-blocking.
  const fd = openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readByte(fd);
  } finally {
    closeQuietly(fd);
  }
}

/** @throws EAGAIN for what is open and empty */
function readByte(fd: number): boolean {
  return readSync(fd, Buffer.alloc(1), 0, 1, null) > 0;
}

function hasSocketData(): Promise<boolean> {
  return new Promise((resolve) => {
    // It is never closed: whatever is opened next would become standard input.
    const socket = new Socket({ fd: STDIN, readable: true, writable: false });
    const tell = (found: boolean) => (): void => {
      clearTimeout(timer);
      socket.pause();
      socket.unref();
      resolve(found);
    };
    const timer = setTimeout(tell(false), SOCKET_PATIENCE_MS);
    socket.once('data', tell(true));
    socket.once('end', tell(false));
    socket.once('error', tell(false));
  });
}
