import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What this process can still take without being killed for it. */
export interface FreeMemory {
  /** In bytes; infinite where the system does not tell. */
  readonly bytes: number;
  /** The cgroup's limit in bytes where it, and not the machine, is what leaves so little. */
  readonly limit: number | undefined;
}

/** Where a kind of cgroup says how much it may take, and takes. */
interface CgroupFiles {
  readonly limit: string;
  readonly usage: string;
  /** What of `usage` the kernel takes back where it is needed, by the names in memory.stat. */
  readonly reclaimable: readonly string[];
  readonly swapLimit: string;
  readonly swapUsage: string;
  /** Whether the swap's figures hold the memory, too. */
  readonly swapHoldsMemory: boolean;
}

const V1: CgroupFiles = {
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  reclaimable: ['total_inactive_file', 'total_active_file'],
  swapLimit: 'memory.memsw.limit_in_bytes',
  swapUsage: 'memory.memsw.usage_in_bytes',
  swapHoldsMemory: true,
};
const V2: CgroupFiles = {
  limit: 'memory.max',
  usage: 'memory.current',
  reclaimable: ['inactive_file', 'active_file', 'slab_reclaimable'],
  swapLimit: 'memory.swap.max',
  swapUsage: 'memory.swap.current',
  swapHoldsMemory: false,
};
/** Version 1 says this, in pages, for none. */
const NO_LIMIT = 2 ** 60;
const KIB = 1024;

/**
 * The smallest of what the machine and every cgroup around this process leave. What files are cached in counts as free, since
 * the kernel gives it back; so does swap. Node's own figure counts the cache as taken, which in a container that has read
 * much leaves nothing.
 * @param root where `proc` and `sys` are
 */
export function freeMemory(root = '/'): FreeMemory {
  let free: FreeMemory = { bytes: Number.POSITIVE_INFINITY, limit: undefined };
  const machine = fieldsOf(read(join(root, 'proc/meminfo')));
  const available = machine.get('MemAvailable');
  const swap = (machine.get('SwapFree') ?? 0) * KIB;
  if (available !== undefined) {
    free = { bytes: available * KIB + swap, limit: undefined };
  } else if (root === '/') {
    free = { bytes: process.availableMemory(), limit: undefined };
  }
  for (const { dir, files } of cgroupsOf(root)) {
    const left = leftIn(dir, files, swap);
    if (left !== undefined && left.bytes < free.bytes) {
      free = left;
    }
  }
  return free;
}

/** The directories of the cgroups that hold this process, the innermost first. */
function cgroupsOf(root: string): readonly { readonly dir: string; readonly files: CgroupFiles }[] {
  const mounts = (read(join(root, 'proc/self/mountinfo')) ?? '').split('\n').map(parseMount);
  return (read(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap((line) => {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    const isV2 = id === '0' && controllers === '';
    if (!isV2 && !controllers.split(',').includes('memory')) {
      return [];
    }
    const files = isV2 ? V2 : V1;
    return mounts
      .filter(({ type, options }) =>
        isV2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes('memory'),
      )
      .flatMap((mount) => upwards(join(root, mount.place), pathBelow(mount.root, path)))
      .map((dir) => ({ dir, files }));
  });
}

/** A line of proc(5), mountinfo. */
function parseMount(line: string): { root: string; place: string; type: string; options: string } {
  const words = line.split(' ');
  const [type = '', , options = ''] = words.slice(words.indexOf('-') + 1);
  return { root: words[3] ?? '', place: words[4] ?? '', type, options };
}

/** In a container the mount may begin at the process's own group, whose path is that outside of the container. */
function pathBelow(root: string, path: string): string {
  if (root === '/') {
    return path;
  }
  return path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
}

function upwards(mount: string, path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  const dirs = [];
  for (let count = parts.length; count >= 0; count -= 1) {
    dirs.push(join(mount, ...parts.slice(0, count)));
  }
  // A path of another namespace leads nowhere; then the mount itself is the group.
  return dirs.filter((dir) => existsSync(dir));
}

function leftIn(dir: string, files: CgroupFiles, machineSwap: number): FreeMemory | undefined {
  const limit = numberIn(join(dir, files.limit));
  const usage = numberIn(join(dir, files.usage));
  if (limit === undefined || usage === undefined || limit >= NO_LIMIT) {
    return undefined;
  }
  const stat = fieldsOf(read(join(dir, 'memory.stat')));
  const cache = files.reclaimable.reduce((sum, name) => sum + (stat.get(name) ?? 0), 0);
  const inMemory = limit - Math.max(usage - cache, 0);
  const swapLimit = numberIn(join(dir, files.swapLimit));
  const swapUsage = numberIn(join(dir, files.swapUsage)) ?? 0;
  const swapLeft =
    swapLimit === undefined
      ? machineSwap
      : files.swapHoldsMemory
        ? swapLimit - limit - Math.max(swapUsage - usage, 0)
        : swapLimit - swapUsage;
  return { bytes: Math.max(inMemory, 0) + Math.max(Math.min(swapLeft, machineSwap), 0), limit };
}

/** `name: 12 kB` and `name 12`, each line one. */
function fieldsOf(text: string | undefined): ReadonlyMap<string, number> {
  return new Map(
    Array.from((text ?? '').matchAll(/^(\w+):? +(\d+)/gm), ([, name = '', value]) => [name, Number(value)]),
  );
}

function numberIn(path: string): number | undefined {
  const text = read(path)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Another kind of system, or a file that this one does not have.
    return undefined;
  }
}
