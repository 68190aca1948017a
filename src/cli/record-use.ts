import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import type { UsedKey } from '../core/resolve-key.ts';
import { errnoOf, type ErrorCode } from '../errors.ts';
import { appendLine } from '../platform/append-file.ts';
import type { Context } from './context.ts';

/** From this size on the log is put aside, and a new one begun: bytes. */
const FULL_BYTES = 1024 * 1024;
/** Beyond this nothing is added: what puts the log aside does not work here. */
const LARGEST_BYTES = 2 * FULL_BYTES;

/**
 * Adds the use of a key to the log beside the store: what for, which one, by whom; never its value. Every look-up passes
 * here, so it does nothing but append a line; whatever else is to be done is loaded for it. It never fails: a use that
 * cannot be recorded is told once. Where there is no data directory yet, nothing is recorded.
 * @param outcome `used`, or the error for which there was no key to use
 */
export async function recordUse(
  context: Context,
  scope: KeyScope,
  source: UsedKey['source'] | null,
  outcome: 'used' | ErrorCode,
): Promise<void> {
  if (context.command === undefined || !(await context.records())) {
    return;
  }
  try {
    const { useLog } = context.paths;
    const line = JSON.stringify({
      time: Date.now(),
      action: context.command,
      scope: formatStoreKey(scope),
      source,
      outcome,
      program: programName(context.user),
      pid: context.user,
    });
    const size = appendLine(useLog, `${line}\n`, LARGEST_BYTES, (message) => context.output.warn(message));
    if (size >= FULL_BYTES) {
      const { putAside } = await import('./tend-use-log.ts');
      await putAside(context, FULL_BYTES);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      const { warnOfLostRecord } = await import('./tend-use-log.ts');
      warnOfLostRecord(context, error);
    }
  }
}

/** As the kernel has it: proc_pid_comm(5). Null without /proc. */
function programName(pid: number): string | null {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').slice(0, -1);
    // Node 24 calls itself MainThread whatever it runs, Node 26 node-MainThread: a thread's name is the process's.
    return name.endsWith('MainThread') ? basename(readlinkSync(`/proc/${pid}/exe`)) : name;
  } catch {
    return null;
  }
}
