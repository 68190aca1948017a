import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

import { codeOf } from '../errors.ts';

/** A write for each line would be a tenth of a request. */
const BATCH_LENGTH = 64 * 1_024;
/** How long lines of the log wait for others: milliseconds. */
export const LOG_DELAY_MS = 100;
const RETRY_MS = 100;
/** When nobody reads: lines are dropped before the memory is gone. */
const MAX_WAITING_LENGTH = 16 * 1_024 * 1_024;

/** At the end of the process nothing else can be done, not even hear a signal: a reader that takes nothing gets this long. */
const LAST_PATIENCE_MS = 300;
/** And one that reads slowly this long for everything. */
const LAST_LIMIT_MS = 2_000;
const PAUSE_MS = 5;

/**
 * A file descriptor that a server writes lines to, in batches. All of them are there when the process ends in any way but
 * a kill. Writing never throws and is never waited for. A full disk is tried again; a pipe
 * without a reader is given up. The end of the process is held up for two seconds at most.
 */
export class LogDestination {
  readonly #fd: number;
  readonly #delayMs: number;
  readonly #onLost: (code: string) => void;
  #lines: string[] = [];
  #length = 0;
  /** What is left of the batch that is being written. */
  #batch: Uint8Array = new Uint8Array();
  #isWriting = false;
  #isGone = false;
  #isTold = false;
  #endsWithProcess = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param delayMs how long a line may wait for others
   * @param onLost called once, with the code of the error, as `ENOSPC`, when lines cannot be written
   */
  constructor(fd: number, delayMs: number, onLost: (code: string) => void = () => {}) {
    this.#fd = openOwn(fd);
    this.#delayMs = delayMs;
    this.#onLost = onLost;
  }

  /** @param line ends with a line break */
  write(line: string): void {
    if (this.#isGone || this.#batch.length + this.#length + line.length > MAX_WAITING_LENGTH) {
      return;
    }
    if (!this.#endsWithProcess) {
      this.#endsWithProcess = true;
      process.once('exit', () => this.#end());
    }
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= BATCH_LENGTH || this.#delayMs === 0) {
      this.#flush();
    } else {
      this.#flushAfter(this.#delayMs);
    }
  }

  #flushAfter(ms: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), ms).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isWriting || !this.#fillBatch()) {
      return;
    }
    this.#isWriting = true;
    write(this.#fd, this.#batch, (error, count) => {
      this.#isWriting = false;
      if (error === null) {
        this.#batch = this.#batch.subarray(count);
        if (this.#batch.length > 0 || this.#length >= BATCH_LENGTH) {
          this.#flush();
        } else if (this.#length > 0) {
          this.#flushAfter(this.#delayMs);
        }
      } else {
        this.#fail(codeOf(error));
        this.#flushAfter(RETRY_MS);
      }
    });
  }

  /** @returns whether there is anything to write */
  #fillBatch(): boolean {
    if (this.#batch.length === 0 && this.#lines.length > 0) {
      this.#batch = Buffer.from(this.#lines.join(''));
      this.#lines = [];
      this.#length = 0;
    }
    return this.#batch.length > 0;
  }

  #fail(code = 'unknown error'): void {
    if (code === 'EAGAIN') {
      return;
    }
    if (code === 'EPIPE') {
      this.#isGone = true;
      this.#batch = new Uint8Array();
      this.#lines = [];
      this.#length = 0;
    }
    if (!this.#isTold) {
      this.#isTold = true;
      this.#onLost(code);
    }
  }

  /** Writes what is left, as far as it is taken. */
  #end(): void {
    const limit = performance.now() + LAST_LIMIT_MS;
    let patience = performance.now() + LAST_PATIENCE_MS;
    while (!this.#isWriting && this.#fillBatch()) {
      try {
        this.#batch = this.#batch.subarray(writeSync(this.#fd, this.#batch));
        patience = performance.now() + LAST_PATIENCE_MS;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN' || performance.now() > patience) {
          this.#fail(codeOf(error));
          return;
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      }
      if (performance.now() > limit) {
        return;
      }
    }
  }
}

/**
 * A pipe is opened anew, so that writing to a full one fails instead of holding a thread for good: the thread would keep
 * the process from ending, and another program that has the same pipe can change what a shared description does.
 */
function openOwn(fd: number): number {
  try {
    if (fstatSync(fd).isFIFO()) {
      return openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    }
  } catch {
    // Without a reader, or without /dev/fd: then the one that there is.
  }
  return fd;
}
