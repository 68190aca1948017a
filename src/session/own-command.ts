import { execFile } from 'node:child_process';
import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

import type { Host } from '../platform/host.ts';
import { VERSION } from './program.ts';

const VERSION_TIMEOUT_MS = 5_000;

/**
 * The words that start this program, now and after an upgrade: the `mesa` on the PATH when that is this one, by the path
 * where it was found, which package managers keep; else this Node with this script.
 */
export async function ownCommand({ env, script }: Pick<Host, 'env' | 'script'>): Promise<readonly string[]> {
  const path = env['PATH'] ?? '';
  const mesa = findInPath(path, 'mesa');
  if (mesa !== undefined && (isSame(mesa, script) || (await versionOf(mesa, env)) === VERSION)) {
    return [mesa];
  }
  const node = findInPath(path, 'node');
  return [node !== undefined && isSame(node, process.execPath) ? node : process.execPath, script];
}

function findInPath(path: string, name: string): string | undefined {
  const places = path.split(delimiter).filter(isAbsolute);
  return places.map((dir) => join(dir, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

/** What a program says to `--version`: some package managers put a script of their own before ours. */
function versionOf(file: string, env: Host['env']): Promise<string> {
  const options = { env: { PATH: env['PATH'] }, timeout: VERSION_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(file, ['--version'], options, (error, stdout) => {
      resolve(error === null ? stdout.trim() : '');
    });
  });
}
