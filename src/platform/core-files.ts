import { closeSync, openSync, readSync, writeSync } from 'node:fs';

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
    process.exit(QUIT_STATUS);
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
