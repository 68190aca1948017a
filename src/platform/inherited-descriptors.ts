import { readdirSync, readFileSync } from 'node:fs';

// open(2), as it is shown in proc_pid_fdinfo(5).
const O_CLOEXEC = 0o2000000;

/**
 * The descriptors above the standard ones that came from whoever started this process, as in `mesa 200>lockfile`, and
 * that every program started from here would keep open. Node marks its own, and low ones, as not to be inherited.
 * Empty where there is no /proc.
 */
export function inheritedDescriptors(): readonly number[] {
  let names: readonly string[];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
  return names.map(Number).filter((fd) => fd > 2 && isInherited(fd));
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // The one that the list itself was read through.
    return false;
  }
}
