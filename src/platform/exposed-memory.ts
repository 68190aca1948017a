import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';

import { hasNodeFlag } from '../core/node-flags.ts';
import { MesaAuthError } from '../errors.ts';
import { endProcess } from './process-host.ts';

// What the kernel and Node show of this process's memory, in which keys are: core files, and diagnostics.

// core(5): which kinds of memory go into a core file, as a hexadecimal mask. Programs that are handed the core instead of
// a file heed it, too, where a limit of 0 bytes would not keep it from them.
const FILTER = '/proc/self/coredump_filter';
const NO_MEMORY = '0x0';
const MAX_MASK_BYTES = 16;
// What shells give a process that signal 3 ended, on every system. Looking it up would load a module.
const QUIT_STATUS = 128 + 3;

let filterAtStart: string | undefined;
let isGuarded = false;

/**
 * From now on no core file of this process holds any of its memory, whatever ends it. For the program itself, since it
 * changes the process. Where the system has no such setting, as macOS, only SIGQUIT leaves no core file, and only while
 * `quittingWithoutCore` waits.
 */
export function keepMemoryOutOfCores(): void {
  isGuarded = true;
  filterAtStart = exchangeFilter(NO_MEMORY);
}

/**
 * Starts a child whose core files hold what they would without us. It inherits the setting when it is started, so ours is
 * that for the millisecond until it runs.
 */
export function withCoresAsAtStart<T>(start: () => T): T {
  if (filterAtStart === undefined) {
    return start();
  }
  exchangeFilter(filterAtStart);
  try {
    return start();
  } finally {
    exchangeFilter(NO_MEMORY);
  }
}

/** Waits for work that leaves the event loop free. Ctrl-\ ends the process with SIGQUIT's status, but no core file. */
export async function quittingWithoutCore<T>(work: Promise<T>): Promise<T> {
  if (!isGuarded) {
    return work;
  }
  process.on('SIGQUIT', quit);
  try {
    return await work;
  } finally {
    process.off('SIGQUIT', quit);
  }
}

/** Whoever else listens, as the agent, has its own way to end. */
function quit(): void {
  if (process.listeners('SIGQUIT').every((listener) => listener === quit)) {
    endProcess(QUIT_STATUS);
  }
}

/** @returns what the mask was; undefined when there is none, or none that we may change */
function exchangeFilter(mask: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(FILTER, 'r+');
    const buffer = Buffer.alloc(MAX_MASK_BYTES);
    const before = buffer.toString('latin1', 0, readSync(fd, buffer, 0, MAX_MASK_BYTES, 0)).trim();
    writeSync(fd, mask);
    // The kernel writes it without what says that it is hexadecimal, and reads such a number as octal.
    return `0x${before}`;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) {
      closeSync(fd);
    }
  }
}

/** With less, a large store may take all of the heap. In bytes. */
const AMPLE_HEAP = 1024 ** 3;

type StandardError = WriteStream & { readonly fd: 2 };

let replaced: PropertyDescriptor | undefined;

/**
 * Keeps Node's own diagnostics from showing memory, which holds keys, whatever the environment asks of Node. What the
 * environment says stays in it, for the programs that we run.
 * @throws CONFIG_INVALID for one that cannot be turned off
 */
export function silenceNode(): void {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ');
  if (flags !== '') {
    turnOffFlags(flags);
  }
  // The inspector does not open on it. After what a flag may have set for this very signal.
  process.on('SIGUSR1', () => undefined);
  if (process.env['NODE_DEBUG'] !== undefined) {
    dropDebugLines();
  }
}

function turnOffFlags(flags: string): void {
  // Reports are off unless a flag asks for them, and looking at the settings costs a module.
  if (hasNodeFlag('--report', flags)) {
    process.report.reportOnFatalError = false;
    process.report.reportOnUncaughtException = false;
    process.report.reportOnSignal = false;
  }
  if (hasNodeFlag('--inspect', flags)) {
    process.getBuiltinModule('node:inspector').close();
  }
  if (hasNodeFlag('--heapsnapshot-signal', flags)) {
    // Nothing of ours listens yet.
    for (const name of process.eventNames()) {
      if (String(name).startsWith('SIG')) {
        process.removeAllListeners(name);
      }
    }
  }
  if (hasNodeFlag('--heapsnapshot-near-heap-limit', flags)) {
    assertAmpleHeap();
  }
}

/** The snapshot cannot be called off. But it comes with a heap that is full, and none of ours needs as much as is usual. */
function assertAmpleHeap(): void {
  const { heap_size_limit: limit } = process.getBuiltinModule('node:v8').getHeapStatistics();
  if (limit < AMPLE_HEAP) {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      'Node would write its memory, with the keys in it, to a file when that runs out: --heapsnapshot-near-heap-limit with less than 1 GiB',
      { hint: 'unset NODE_OPTIONS' },
    );
  }
}

/**
 * NODE_DEBUG prints environments of children, and pieces of what is read and sent. Node has read it before our first line,
 * and writes through `process.stderr`, whoever that is by then; we ourselves do not.
 */
function dropDebugLines(): void {
  const { Writable } = process.getBuiltinModule('node:stream');
  const nobody = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  replaced = Object.getOwnPropertyDescriptor(process, 'stderr');
  Object.defineProperty(process, 'stderr', { configurable: true, enumerable: true, value: nobody });
}

/** What `process.stderr` is without us. */
export function standardError(): StandardError {
  return replaced === undefined ? process.stderr : (replaced.get?.call(process) as StandardError);
}
