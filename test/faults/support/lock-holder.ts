import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';

import { onTestFinished } from 'vitest';

import { finishMesa, startMesa, type RunResult } from '../../support/run-mesa.ts';
import type { TempHome } from '../../support/temp-home.ts';
import { keyOf, pathsOf, PASSPHRASE } from './key-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** A mesa that is writing its key. */
export interface Writer {
  readonly pid: number;
  readonly end: Promise<RunResult>;
  /** What it has said so far. */
  readonly said: () => string;
  readonly ended: () => boolean;
  readonly kill: () => void;
}

/** Starts `set-key --org <org>`. */
export function startWriter(home: TempHome, org: string): Writer {
  const child = startMesa(['auth', 'set-key', '--org', org], {
    home,
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
  });
  const { pid } = child;
  if (pid === undefined) {
    throw new Error('mesa did not start');
  }
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    pid,
    end: finishMesa(child, keyOf(`orgs/${org}`)),
    said: () => said,
    ended: () => child.exitCode !== null || child.signalCode !== null,
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

const ATTEMPTS = 10;

/**
 * A mesa that holds the lock and does not go on: stopped in the derivation for a vault, which happens under the lock
 * and takes about a second.
 */
export async function stoppedHolder(home: TempHome, org = 'holder'): Promise<Writer> {
  home.useBackend('encrypted-file');
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const writer = startWriter(home, org);
    const stat = (): string => readOr('', `/proc/${writer.pid}/stat`);
    await waitUntil(
      'a writer has the lock',
      () => writer.ended() || readOr('', pathsOf(home).lockFile) === `${writer.pid}\n`,
    );
    if (!writer.ended()) {
      process.kill(writer.pid, 'SIGSTOP');
      await waitUntil('a writer stops', () => writer.ended() || / \(mesa\) T /.test(stat()));
    }
    if (!writer.ended() && readOr('', home.vault) === '') {
      return writer;
    }
    // On a busy machine the writer may be done before this process comes to look.
    writer.kill();
    await writer.end;
    rmSync(home.vault, { force: true });
  }
  throw new Error('the writers were too fast to be stopped');
}

/** The flock helper of a waiting mesa, once it has one that is not `former`. */
export async function helperOf(writer: Writer, former?: number): Promise<number> {
  const find = (): number | undefined =>
    flockHelpers().find(({ pid, parent }) => parent === writer.pid && pid !== former)?.pid;
  await waitUntil('a writer has a helper', () => find() !== undefined);
  return find() ?? 0;
}

/** All processes of flock(1) that have a file of this home directory open, whoever their parent is. */
export function helpersIn(home: TempHome): readonly number[] {
  return flockHelpers()
    .map(({ pid }) => pid)
    .filter((pid) => linkOr('', `/proc/${pid}/fd/3`).startsWith(home.path));
}

function flockHelpers(): readonly { pid: number; parent: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      // proc(5): pid (name) state parent ...
      const [, parent] = /\(flock\) \S (\d+)/.exec(readOr('', `/proc/${pid}/stat`)) ?? [];
      return parent === undefined ? [] : [{ pid: Number(pid), parent: Number(parent) }];
    });
}

/** Processes and files come and go while one looks. */
function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function linkOr(otherwise: string, path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return otherwise;
  }
}
