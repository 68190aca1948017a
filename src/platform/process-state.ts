import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';

// What /proc tells of processes: proc(5).

/** The terminal that controls this process: proc_pid_stat(5). */
export interface ControllingTerminal {
  /** As in `rdev` of its file. */
  readonly device: number;
  /** Whether what is typed there goes to our process group. */
  readonly foreground: boolean;
}

/** @returns undefined without such a terminal; 'unknown' where there is no /proc */
export function controllingTerminal(): ControllingTerminal | undefined | 'unknown' {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // The name before the last parenthesis may hold anything.
    const [, , group, , device, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return device === undefined || device === '0'
      ? undefined
      : { device: Number(device), foreground: group === foreground };
  } catch {
    return 'unknown';
  }
}

/**
 * Whether what is typed on the controlling terminal, Ctrl-C above all, goes to our process group. Without /proc, whether
 * there is a terminal.
 */
export function isInForeground(): boolean {
  const terminal = controllingTerminal();
  return terminal === 'unknown' ? [0, 1, 2].some((fd) => isatty(fd)) : terminal?.foreground === true;
}

/**
 * Whether a process has a file open, by the file itself and not by its name: proc(5).
 * @returns false for a process that is gone, or is not ours to look at; undefined where the system has no /proc
 */
export function hasFileOpen(pid: number, path: string): boolean | undefined {
  const wanted = statSync(path, { throwIfNoEntry: false });
  const directory = `/proc/${pid}/fd`;
  let descriptors: string[];
  try {
    descriptors = readdirSync(directory);
  } catch {
    return existsSync('/proc/self/fd') ? false : undefined;
  }
  return descriptors.some((descriptor) => {
    try {
      const open = statSync(`${directory}/${descriptor}`);
      return open.ino === wanted?.ino && open.dev === wanted.dev;
    } catch {
      // Closed meanwhile, or on a file system that is gone.
      return false;
    }
  });
}

/** Whether a process waits for a disk: state D of proc_pid_stat(5). False for one that is gone, and where there is no /proc. */
export function waitsForDisk(pid: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('D');
  } catch {
    return false;
  }
}
