import { write } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';

import type { Masker } from '../core/masker.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
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
 * @throws as runChild; NO_TERMINAL_RELAY; OUTPUT_LOST when what it wrote could not be passed on
 */
export function runMasked(options: MaskedOptions): Promise<ChildEnd> {
  return isatty(1) ? runInTerminal(options) : runInPipes(options);
}

async function runInPipes({ createMasker, command, args, env }: MaskedOptions): Promise<ChildEnd> {
  const pumps: Promise<void>[] = [];
  const end = await runChild({
    command,
    args,
    env,
    stdio: withGiven(['inherit', 'pipe', 'pipe']),
    onStart: ({ stdout, stderr }) => {
      pumps.push(pump(stdout, 1, createMasker()), pump(stderr, 2, createMasker()));
    },
  });
  await Promise.all(pumps);
  return end;
}

async function runInTerminal({ createMasker, platform, ...child }: MaskedOptions): Promise<ChildEnd> {
  const relay = relayThroughTerminal(child, descriptorsGiven, platform);
  const stdio: Stream[] = [relay.stdin, 'pipe', 'inherit'];
  putStream(stdio, relay.pidReport, 'pipe');
  if (relay.ownStdin !== undefined) {
    putStream(stdio, relay.ownStdin, 0);
  }
  if (relay.ownStderr !== undefined) {
    putStream(stdio, relay.ownStderr, 'pipe');
  }
  const pumps: Promise<void>[] = [];
  let pid: number | undefined;
  try {
    const end = await runChild({
      ...relay,
      stdio: withGiven(stdio),
      onStart: ({ stdout, stdio: streams }) => {
        pumps.push(pump(stdout, 1, createMasker()));
        if (relay.ownStderr !== undefined) {
          pumps.push(pump(streams[relay.ownStderr], 2, createMasker()));
        }
        streams[relay.pidReport]?.once('data', (line: Buffer) => {
          pid = Number.parseInt(line.toString('latin1'), 10);
        });
      },
      signalled: () => pid,
    });
    await Promise.all(pumps);
    return end;
  } finally {
    if (typeof relay.stdin === 'number') {
      closeQuietly(relay.stdin);
    }
  }
}

/** Passes a stream on through a masker. Ends early, and so closes the stream, when nobody reads any more. */
async function pump(source: unknown, fd: number, masker: Masker): Promise<void> {
  if (!(source instanceof Readable)) {
    return;
  }
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
