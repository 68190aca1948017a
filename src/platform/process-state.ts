import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';

// What /proc tells of processes: proc(5).

/**
 * Whether what is typed on the controlling terminal, Ctrl-C above all, goes to our process group: proc_pid_stat(5).
 * Without /proc, whether there is a terminal.
 */
export function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // The name before the last parenthesis may hold anything.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return [0, 1, 2].some((fd) => isatty(fd));
  }
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
