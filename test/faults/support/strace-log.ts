/** One system call in a log of `strace -f -y`. */
export interface LoggedCall {
  /** The id of the thread that made it. */
  readonly thread: number;
  readonly syscall: string;
  /** Which one of its thread's calls of that name in the log it is, from 1: what strace calls `when`. */
  readonly when: number;
  /** As strace wrote it; without a result when it did not return. */
  readonly line: string;
}

/** One that has to do with a file below a directory. */
export interface FileCall extends LoggedCall {
  /** Which one of the log's calls of that name below the directory it is, from 0. */
  readonly index: number;
}

// The command line of a run quotes the home directory, too.
const IRRELEVANT = new Set(['execve']);

/** All calls of a log, in order; of one that is being written as well. */
export function parseLog(log: string): readonly LoggedCall[] {
  const made = new Map<string, number>();
  const calls: LoggedCall[] = [];
  for (const line of wholeLines(log)) {
    const [, thread, syscall] = /^(\d+) +([a-z0-9_]+)\(/.exec(line) ?? [];
    if (thread !== undefined && syscall !== undefined) {
      const when = (made.get(`${thread} ${syscall}`) ?? 0) + 1;
      made.set(`${thread} ${syscall}`, when);
      calls.push({ thread: Number(thread), syscall, when, line });
    }
  }
  return calls;
}

/** Those of them that have to do with a file below a directory. */
export function callsBelow(calls: readonly LoggedCall[], root: string): readonly FileCall[] {
  const found = new Map<string, number>();
  const below: FileCall[] = [];
  for (const call of calls) {
    if (!IRRELEVANT.has(call.syscall) && pathsIn(call.line).some((path) => isBelow(path, root))) {
      const index = found.get(call.syscall) ?? 0;
      found.set(call.syscall, index + 1);
      below.push({ ...call, index });
    }
  }
  return below;
}

/** What a call is about: its descriptor's path or the paths it names. What is read or written may mention others. */
export function pathsIn(line: string): readonly string[] {
  const [, descriptor] = /^\d+ +[a-z0-9_]+\(\d+<([^>]*)>/.exec(line) ?? [];
  return descriptor === undefined
    ? (line.match(/"[^"]*"/g) ?? []).map((text) => text.slice(1, -1))
    : [descriptor];
}

export function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
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
