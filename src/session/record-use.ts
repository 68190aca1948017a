import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

import { formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import type { UsedKey } from '../core/candidates.ts';
import { FULL_USE_LOG_BYTES } from '../core/use-log-size.ts';
import { errnoOf, MesaAuthError, type ErrorCode } from '../errors.ts';
import { appendLine } from '../platform/append-file.ts';
import type { Context } from './context.ts';

/** Beyond this nothing is added before the log is put aside: where that does not work, it would grow for ever. */
const LARGEST_BYTES = 2 * FULL_USE_LOG_BYTES;

/**
 * Adds the use of a key to the log beside the store: what for, which one, by whom; never its value. Every look-up passes
 * here, so it does nothing but append a line; whatever else is to be done is loaded for it. It never fails: a use that
 * cannot be recorded is told once. Where there is no data directory yet, nothing is recorded.
 * @param source where the key was found; null when there was none
 * @param outcome `used`, or the error for which there was no key to use, or nothing came of it
 */
export async function recordUse(
  context: Context,
  scope: KeyScope,
  source: UsedKey['source'] | null,
  outcome: 'used' | ErrorCode,
): Promise<void> {
  if (context.command === undefined || !(await isRecording(context))) {
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
    const append = (largest: number): number | undefined =>
      appendLine(useLog, `${line}\n`, largest, (message) => context.output.warn(message));
    const size = append(LARGEST_BYTES);
    if (size === undefined || size >= FULL_USE_LOG_BYTES) {
      const { tendFullLog } = await import('./tend-use-log.ts');
      await tendFullLog(context, size === undefined ? append : undefined);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      const { warnOfLostRecord } = await import('./tend-use-log.ts');
      warnOfLostRecord(context, error);
    }
  }
}

/** A configuration that cannot be read does not say that uses are recorded. */
async function isRecording(context: Pick<Context, 'loadConfig'>): Promise<boolean> {
  try {
    return (await context.loadConfig()).audit;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return false;
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
