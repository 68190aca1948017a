import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { finishMesa, runMesa, startMesa, type RunOptions, type RunResult } from '../../support/run-mesa.ts';

/** One system call of a traced run that has to do with a file below the home directory. */
export interface FileCall {
  readonly syscall: string;
  /** Which one of its thread's calls of that name it is, from 1: what strace calls `when`. */
  readonly when: number;
  /** Which one of all calls of that name below the home directory it is, from 0. */
  readonly index: number;
  /** As strace wrote it. */
  readonly line: string;
}

export interface Injection {
  readonly syscall: string;
  readonly when: number;
  /** As in strace: `error=EIO`, `signal=KILL`. */
  readonly fault: string;
  /** Further injections, written out. */
  readonly more?: readonly string[];
}

export interface InjectedRun {
  readonly result: RunResult;
  /** The call that was hit; undefined when it was none below the home directory. */
  readonly hit: FileCall | undefined;
  /** The calls of that name below the home directory, as far as the run came. */
  readonly calls: readonly FileCall[];
}

// An error in one of libuv's own calls, hit by mistake, may hang it for good.
const PATIENCE_MS = 10_000;

// The command line of a run quotes the home directory, too.
const IRRELEVANT = new Set(['execve']);

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
  return { result, calls: parseLog(log, options.home.path) };
}

/**
 * The calls of one name. The way that errors are injected is faster than the other, and wakes threads at other
 * moments: the numbers of read and write differ.
 */
export async function traceCallsOf(
  syscall: string,
  args: readonly string[],
  options: RunOptions,
): Promise<readonly FileCall[]> {
  const log = join(options.home.path, 'strace.log');
  await runMesa(args, {
    ...traced(options),
    under: ['strace', '-f', '-qq', '-y', '--seccomp-bpf', '-e', `trace=${syscall}`, '-o', log],
  });
  return parseLog(log, options.home.path);
}

/** Runs a command with a fault in one of its system calls. */
export async function runInjected(
  args: readonly string[],
  options: RunOptions,
  { syscall, when, fault, more = [] }: Injection,
): Promise<InjectedRun> {
  const log = join(options.home.path, 'strace.log');
  const kill = fault.startsWith('signal=');
  const under = [
    'strace',
    '-f',
    '-qq',
    '-y',
    // Many times faster, but strace 6.1 then delivers no signals.
    ...(kill ? [] : ['--seccomp-bpf']),
    '-e',
    `trace=${[syscall, ...more.map((injection) => injection.split(':')[0])].join(',')}`,
    '-e',
    `inject=${syscall}:${fault}:when=${when}`,
    ...more.flatMap((injection) => ['-e', `inject=${injection}`]),
    '-o',
    log,
  ];
  const child = startMesa(args, { ...traced(options), under });
  const timer = setTimeout(() => {
    if (child.pid !== undefined) {
      process.kill(-child.pid, 'SIGKILL');
    }
  }, PATIENCE_MS);
  const result = await finishMesa(child, options.stdin);
  clearTimeout(timer);
  const calls = parseLog(log, options.home.path).filter((call) => call.syscall === syscall);
  const hit = kill
    ? calls.findLast((call) => call.when === when)
    : calls.find((call) => call.line.includes('(INJECTED)'));
  const happened = !kill || readFileSync(log, 'utf8').includes('+++ killed by SIGKILL +++');
  return { result, hit: happened ? hit : undefined, calls };
}

/** strace names the working directory beside every path, so it must not be the home directory. */
function traced(options: RunOptions): RunOptions {
  return { ...options, cwd: '/' };
}

function parseLog(log: string, root: string): readonly FileCall[] {
  const made = new Map<string, number>();
  const found = new Map<string, number>();
  const calls: FileCall[] = [];
  for (const line of wholeLines(readFileSync(log, 'utf8'))) {
    const [, thread, syscall] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? [];
    if (thread === undefined || syscall === undefined) {
      continue;
    }
    const when = (made.get(`${thread} ${syscall}`) ?? 0) + 1;
    made.set(`${thread} ${syscall}`, when);
    if (!IRRELEVANT.has(syscall) && namesFileBelow(line, root)) {
      const index = found.get(syscall) ?? 0;
      found.set(syscall, index + 1);
      calls.push({ syscall, when, index, line });
    }
  }
  return calls;
}

const UNFINISHED = ' <unfinished ...>';

/** Joins the halves of calls that another thread's call came between, at the place of the first half. */
function wholeLines(log: string): readonly string[] {
  const lines: string[] = [];
  const unfinished = new Map<string, number>();
  for (const line of log.split('\n')) {
    const [, thread = '', end = ''] = /^(\d+) +<\.\.\. [a-z0-9_]+ resumed>(.*)$/.exec(line) ?? [];
    const at = unfinished.get(thread);
    if (at !== undefined) {
      lines[at] = `${lines[at]}${end}`;
      unfinished.delete(thread);
      continue;
    }
    if (line.endsWith(UNFINISHED)) {
      unfinished.set(/^\d+/.exec(line)?.[0] ?? '', lines.length);
    }
    lines.push(line.endsWith(UNFINISHED) ? line.slice(0, -UNFINISHED.length) : line);
  }
  return lines;
}

/** By a descriptor or a path; the content that is read or written may mention the directory as well. */
function namesFileBelow(line: string, root: string): boolean {
  const [, descriptor] = /^\d+ +[a-z0-9_]+\(\d+<([^>]*)>/.exec(line) ?? [];
  const inside = (path: string): boolean => path === root || path.startsWith(`${root}/`);
  return descriptor === undefined
    ? (line.match(/"[^"]*"/g) ?? []).some((text) => inside(text.slice(1, -1)))
    : inside(descriptor);
}
