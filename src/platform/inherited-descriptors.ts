import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/**
 * As `inheritedDescriptors`, with the low ones, which Node has marked as its own: for a program that is to have what we
 * were given. Right as long as this process has opened nothing yet. What Node has open then are event files, /dev/null,
 * and pipes with both their ends; and since the lowest free number is taken first, whatever lies below the first event
 * file was there before.
 */
export function descriptorsAtStart(): readonly number[] {
  const targets = new Map<number, string>();
  try {
    for (const name of readdirSync('/proc/self/fd')) {
      targets.set(Number(name), targetOf(name));
    }
  } catch {
    return [];
  }
  const links = [...targets.values()];
  const firstOwn = Math.min(
    ...[...targets].filter(([, to]) => to.startsWith('anon_inode:')).map(([fd]) => fd),
  );
  const isOwn = (to: string): boolean =>
    to === '' ||
    to === '/dev/null' ||
    to.startsWith('anon_inode:') ||
    (to.startsWith('pipe:') && links.indexOf(to) !== links.lastIndexOf(to));
  return [...targets].filter(([fd, to]) => fd > 2 && (fd < firstOwn || !isOwn(to))).map(([fd]) => fd);
}

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The one that the list itself was read through.
    return '';
  }
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
