import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

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
