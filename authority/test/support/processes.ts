import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** The processes that work in the directory. */
export function processesIn(directory: string): readonly RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory)
          ? [
              {
                pid: Number(pid),
                command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
              },
            ]
          : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** The most memory that a process has had so far, in MiB. */
export function peakMemoryOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}
