import { join } from 'node:path';
import { expect, it } from 'vitest';

import { freeMemory } from '../../../src/platform/free-memory.ts';
import { createTempHome } from '../../support/temp-home.ts';

const MIB = 1024 * 1024;

/** A system with these files. */
function system(files: Readonly<Record<string, string | number>>): string {
  const home = createTempHome();
  home.write('root/proc/meminfo', 'MemTotal: 16000000 kB\nMemAvailable: 8388608 kB\nSwapFree: 0 kB\n');
  for (const [path, content] of Object.entries(files)) {
    home.write(join('root', path), `${content}\n`);
  }
  return join(home.path, 'root');
}

it('is what the machine has where there is no cgroup', () => {
  expect(freeMemory(system({}))).toEqual({ bytes: 8192 * MIB, limit: undefined });
});

it('is what the narrowest cgroup of version 2 leaves, and files that are cached count as free', () => {
  const root = system({
    'proc/self/cgroup': '0::/pod/container',
    'proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    'sys/fs/cgroup/pod/memory.max': 300 * MIB,
    'sys/fs/cgroup/pod/memory.current': 200 * MIB,
    'sys/fs/cgroup/pod/memory.stat': `anon 1\ninactive_file ${50 * MIB}\nactive_file ${30 * MIB}`,
    'sys/fs/cgroup/pod/container/memory.max': 'max',
    'sys/fs/cgroup/pod/container/memory.current': 100 * MIB,
  });
  expect(freeMemory(root)).toEqual({ bytes: 180 * MIB, limit: 300 * MIB });
});

it('is what a cgroup of version 1 leaves, also where its path is that outside of the container', () => {
  for (const [path, mounted, dir] of [
    ['/m', '/', 'memory/m'],
    ['/docker/abc', '/docker/abc', 'memory'],
    ['/docker/abc', '/', 'memory'],
  ]) {
    const root = system({
      'proc/self/cgroup': `5:cpu:/\n4:memory:${path}\n0::/`,
      'proc/self/mountinfo': `35 31 0:32 ${mounted} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory`,
      [`sys/fs/cgroup/${dir}/memory.limit_in_bytes`]: 250 * MIB,
      [`sys/fs/cgroup/${dir}/memory.usage_in_bytes`]: 40 * MIB,
      [`sys/fs/cgroup/${dir}/memory.stat`]: `cache 1\ntotal_inactive_file ${10 * MIB}`,
    });
    expect(freeMemory(root)).toEqual({ bytes: 220 * MIB, limit: 250 * MIB });
  }
});

it('takes no limit for one that is none', () => {
  const root = system({
    'proc/self/cgroup': '4:memory:/',
    'proc/self/mountinfo': '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': 40 * MIB,
  });
  expect(freeMemory(root)).toEqual({ bytes: 8192 * MIB, limit: undefined });
});
