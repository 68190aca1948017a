import { EventEmitter, once } from 'node:events';
import { write } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';

import type { Masker } from '../core/masker.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import { makePipe } from './make-pipe.ts';
import { closeQuietly } from './private-file.ts';
import {
  descriptorsGiven,
  putStream,
  runChild,
  withGiven,
  type ChildEnd,
  type ChildOptions,
  type Stream,
} from './run-child.ts';
import { relayThroughTerminal } from './terminal-relay.ts';

const QUIET_MS = 40;
const BUSY_PAUSE_MS = 5;

export interface MaskedOptions extends Pick<ChildOptions, 'command' | 'args' | 'env'> {
  readonly platform: NodeJS.Platform;
  /** Gives a fresh one for each stream. */
  readonly createMasker: () => Masker;
}

/**
 * Runs a program as runChild does, with what it writes masked on its way. Where our standard output is a terminal, the
 * program has one, too; otherwise both of its output streams are pipes. They stay apart.
 * @throws as runChild; NO_TERMINAL_RELAY; IO without a directory for pipes; OUTPUT_LOST when what it wrote could not be passed on
 */
export function runMasked(options: MaskedOptions): Promise<ChildEnd> {
  return isatty(1) ? runInTerminal(options) : runInPipes(options);
}

async function runInPipes({ createMasker, ...child }: MaskedOptions): Promise<ChildEnd> {
  const out = new MaskedStream(1, createMasker());
  const err = new MaskedStream(2, createMasker());
  return runWith([out, err], (onStart) =>
    runChild({ ...child, stdio: withGiven(['inherit', out.input, err.input]), onStart }),
  );
}

async function runInTerminal({ createMasker, platform, ...child }: MaskedOptions): Promise<ChildEnd> {
  const relay = relayThroughTerminal(child, descriptorsGiven, platform);
  const out = new MaskedStream(1, createMasker());
  const streams = [out];
  const stdio: Stream[] = [relay.stdin, out.input, 'inherit'];
  putStream(stdio, relay.pidReport, 'pipe');
  if (relay.ownStdin !== undefined) {
    putStream(stdio, relay.ownStdin, 0);
  }
  if (relay.ownStderr !== undefined) {
    const err = new MaskedStream(2, createMasker());
    streams.push(err);
    putStream(stdio, relay.ownStderr, err.input);
  }
  const reported = new EventEmitter();
  const signalled = once(reported, 'pid').then(([pid]) => Number(pid));
  try {
    return await runWith(streams, (onStart) =>
      runChild({
        ...relay,
        stdio: withGiven(stdio),
        signalled,
        onStart: (started) => {
          onStart();
          started.stdio[relay.pidReport]?.once('data', (line: Buffer) => {
            reported.emit('pid', line.toString('latin1'));
          });
        },
      }),
    );
  } finally {
    if (typeof relay.stdin === 'number') {
      closeQuietly(relay.stdin);
    }
  }
}

/** Runs a child whose output goes through these streams, and waits for the end of both. */
async function runWith(
  streams: readonly MaskedStream[],
  run: (onStart: () => void) => Promise<ChildEnd>,
): Promise<ChildEnd> {
  const pumps: Promise<void>[] = [];
  try {
    const end = await run(() => {
      pumps.push(...streams.map((stream) => stream.pass()));
    });
    await Promise.all(pumps);
    return end;
  } finally {
    if (pumps.length === 0) {
      streams.forEach((stream) => stream.close());
    }
  }
}

/** A pipe whose bytes come out of one of our descriptors, masked. */
class MaskedStream {
  /** For the child. */
  readonly input: number;
  readonly #output: number;
  readonly #fd: number;
  readonly #masker: Masker;

  constructor(fd: number, masker: Masker) {
    const pipe = makePipe();
    this.input = pipe.write;
    this.#output = pipe.read;
    this.#fd = fd;
    this.#masker = masker;
  }

  /** Once the child has its end: passes on what it writes, until nobody can write any more. */
  pass(): Promise<void> {
    closeQuietly(this.input);
    return pump(new Socket({ fd: this.#output, readable: true, writable: false }), this.#fd, this.#masker);
  }

  /** When there is no child. */
  close(): void {
    closeQuietly(this.input);
    closeQuietly(this.#output);
  }
}

/** Passes a stream on through a masker. Ends early, and so closes the stream, when nobody reads any more. */
async function pump(source: Socket, fd: number, masker: Masker): Promise<void> {
  let quiet: NodeJS.Timeout | undefined;
  // One write after the other, those of the timer included. What failed is found when the next one is waited for.
  let written = Promise.resolve();
  const pass = (bytes: Uint8Array): Promise<void> => {
    written = written.then(() => writeAll(fd, bytes));
    return written;
  };
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      clearTimeout(quiet);
      await pass(masker.write(chunk));
      if (masker.canLetGo) {
        quiet = setTimeout(() => {
          pass(masker.letGo()).catch(() => undefined);
        }, QUIET_MS);
      }
    }
    clearTimeout(quiet);
    await pass(masker.end());
  } catch (error) {
    clearTimeout(quiet);
    // A terminal whose other end is gone is read with EIO.
    if (errnoOf(error) === undefined) {
      throw error;
    }
    if (errnoOf(error) !== 'EPIPE' && errnoOf(error) !== 'EIO') {
      throw new MesaAuthError(
        'OUTPUT_LOST',
        `cannot pass on what the command writes: ${describeErrno(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** Asynchronous, unlike our own output: a reader that is slow must not keep signals from the child. */
async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += await writeSome(fd, bytes.subarray(written));
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') {
        throw error;
      }
      await sleep(BUSY_PAUSE_MS);
    }
  }
}

function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, count) => {
      if (error === null) {
        resolve(count);
      } else {
        reject(error);
      }
    });
  });
}
