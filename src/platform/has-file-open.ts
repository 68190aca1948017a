import { existsSync, readdirSync, statSync } from 'node:fs';

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
