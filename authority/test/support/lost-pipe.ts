import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { cleanUp } from './authority.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const { O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

/** The writing end of a pipe whose reader is gone. */
export function pipeWithoutReader(): number {
  const { path, reader } = makePipe();
  const writer = openSync(path, O_WRONLY);
  closeSync(reader);
  cleanUp(() => closeSync(writer));
  return writer;
}

/** The writing end of a pipe that is full, and whose reader takes nothing. */
export function fullPipe(): number {
  const { path, reader } = makePipe();
  const filler = openSync(path, O_WRONLY | O_NONBLOCK);
  try {
    for (;;) {
      writeSync(filler, Buffer.alloc(4_096));
    }
  } catch {
    closeSync(filler);
  }
  const writer = openSync(path, O_WRONLY);
  cleanUp(() => [writer, reader].forEach((fd) => closeSync(fd)));
  return writer;
}

/** The writing end of a disk without space. */
export function fullDisk(): number {
  const writer = openSync('/dev/full', O_WRONLY);
  cleanUp(() => closeSync(writer));
  return writer;
}

function makePipe(): { readonly path: string; readonly reader: number } {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  // fifo(7): opened for both, it waits for nobody.
  return { path, reader: openSync(path, O_RDWR) };
}
