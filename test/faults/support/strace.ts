import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { finishMesa, runMesa, startMesa, type RunOptions, type RunResult } from '../../support/run-mesa.ts';
import { callsBelow, isBelow, parseLog, pathsIn, type FileCall, type LoggedCall } from './strace-log.ts';

/** How strace finds one call of a command, in whatever home directory. */
export interface Aim {
  readonly call: FileCall;
  /** Only calls on this file are counted, relative to the home directory; all of that name when undefined. */
  readonly file: string | undefined;
  /** As in FileCall, among the calls that are counted. */
  readonly when: number;
  /** As in FileCall, among the calls that are counted. */
  readonly index: number;
  /** Whether another process makes it than the first, such as one that locks. */
  readonly byHelper: boolean;
}

/** The fault of a process that is killed as it enters the call. */
export const KILL = 'signal=KILL';

export interface Injection {
  /** As in strace: `error=EIO`, KILL. */
  readonly fault: string;
  /** Further injections, written out as in strace. */
  readonly more?: readonly string[];
}

export interface InjectedRun {
  readonly result: RunResult;
  /** The call that was hit; undefined when it was none below the home directory. */
  readonly hit: FileCall | undefined;
  /** A better aim at the same call, as far as this run tells. */
  readonly next: Aim;
}

/**
 * The calls that a command makes below its home directory, in order, from a run without faults. A new call in the
 * program is found by itself.
 */
export async function traceFileCalls(
  args: readonly string[],
  options: RunOptions,
): Promise<{ result: RunResult; calls: readonly FileCall[] }> {
  const log = join(options.home.path, 'strace.log');
  const result = await runMesa(args, {
    ...traced(options),
    under: ['strace', '-f', '-qq', '-y', '-o', log],
  });
  return { result, calls: callsBelow(parseLog(readFileSync(log, 'utf8')), options.home.path) };
}

// Temporary files, and files without a name, for which the kernel shows a number (open(2), O_TMPFILE).
const NAMED_ANEW = /\.tmp$|\/#\d+$/;

/**
 * Aims at each call of a run. How often node's threads wake each other, by read and write, differs from run to run, so
 * strace is to count the calls on one file alone. That takes a name that is known beforehand: all but those of temporary
 * files and of files that have none.
 * @param root the home directory of the run, as it was before
 */
export function aimAtEach(calls: readonly FileCall[], root: string): readonly Aim[] {
  return calls.map((call) => {
    const byHelper = call.thread !== calls[0]?.thread;
    const [path] = pathsIn(call.line);
    if (path === undefined || !isBelow(path, root) || NAMED_ANEW.test(path)) {
      return { call, file: undefined, when: call.when, index: call.index, byHelper };
    }
    // strace takes what a link leads to for the same file.
    const names = new Set([path, existsSync(path) ? realpathSync(path) : path]);
    const before = calls
      .slice(0, calls.indexOf(call))
      .filter(
        ({ syscall, line }) => syscall === call.syscall && pathsIn(line).some((name) => names.has(name)),
      );
    const when = before.filter(({ thread }) => thread === call.thread).length + 1;
    return { call, file: relative(root, path), when, index: before.length, byHelper };
  });
}

const POLL_MS = 4;
/** For how long strace holds a call at most, in microseconds. */
const HOLD_US = 60_000_000;
// What strace says of a process that dies while it holds one of its calls.
const KILLED_WHILE_HELD = /^strace: dispatch_event: pid \d+ has delayed wait data set already\n/m;

/** Runs a command with a fault in one of its system calls. */
export async function runInjected(
  args: readonly string[],
  options: RunOptions,
  aim: Aim,
  { fault, more = [] }: Injection,
): Promise<InjectedRun> {
  const { call, file, when, index, byHelper } = aim;
  const { path: root } = options.home;
  const log = join(root, 'strace.log');
  // To stop at the calls of one name only is many times faster than to stop at all, but strace then delivers no signal.
  // Instead it holds the call, and both are killed; which leaves nobody to trace what a helper's parent does then.
  const holds = fault === KILL && !byHelper;
  const under = [
    'strace',
    '-f',
    '-qq',
    '-y',
    ...(fault === KILL && byHelper ? [] : ['--seccomp-bpf']),
    ...(file === undefined ? [] : ['-P', join(root, file)]),
    '-e',
    `trace=${[call.syscall, ...more.map((injection) => injection.split(':')[0])].join(',')}`,
    '-e',
    `inject=${call.syscall}:${holds ? `delay_enter=${HOLD_US}` : fault}:when=${when}`,
    ...more.flatMap((injection) => ['-e', `inject=${injection}`]),
    '-o',
    log,
  ];
  const callsSoFar = (): readonly LoggedCall[] =>
    parseLog(readFileSync(log, 'utf8')).filter(({ syscall }) => syscall === call.syscall);
  const isMet = (made: LoggedCall): boolean =>
    fault === KILL ? made.when === when : made.line.endsWith('(INJECTED)');

  writeFileSync(log, '');
  const child = startMesa(args, { ...traced(options), under });
  const watcher = setInterval(() => {
    const met = callsSoFar().find(isMet);
    if (met === undefined) {
      return;
    }
    clearInterval(watcher);
    if (callsBelow([met], root).length === 0) {
      // An error in one of libuv's own calls may hang it for good.
      killQuietly(-(child.pid ?? Number.NaN));
    } else if (holds) {
      killQuietly(met.thread);
      killQuietly(child.pid ?? Number.NaN);
    }
  }, POLL_MS);
  const result = await finishMesa(child, options.stdin);
  clearInterval(watcher);
  const calls = callsBelow(callsSoFar(), root);
  return {
    result: { ...result, stderr: result.stderr.replace(KILLED_WHILE_HELD, '') },
    hit: calls.find(isMet),
    next: { ...aim, when: calls.find((made) => made.index === index)?.when ?? when + 1 },
  };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** strace names the working directory beside every path, so it must not be the home directory. */
function traced(options: RunOptions): RunOptions {
  return { ...options, cwd: '/' };
}
