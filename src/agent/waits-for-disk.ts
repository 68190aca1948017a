import { readFileSync } from 'node:fs';

import { readHolder } from '../platform/file-lock.ts';
import type { AgentPlace } from './socket-path.ts';

/**
 * Whether the agent is in the middle of a write for which the disk takes its time: state D of proc_pid_stat(5). Whoever
 * would write in its stead would wait for the same disk. False where there is no /proc.
 */
export function waitsForDisk({ lockFile }: AgentPlace): boolean {
  try {
    const stat = readFileSync(`/proc/${readHolder(lockFile)}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('D');
  } catch {
    return false;
  }
}
