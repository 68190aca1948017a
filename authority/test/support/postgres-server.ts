import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the PostgreSQL server of this run, with the database `postgres`. */
    postgresUrl: string;
  }
}

export interface PostgresServer {
  /** With the database `postgres`; the same after a restart. */
  readonly url: string;
  start(): Promise<void>;
  /** Ends its connections at once, as `pg_ctl stop -m immediate` does; the next start recovers. */
  readonly stop: () => Promise<void>;
  /** Stops it for good. */
  readonly remove: () => Promise<void>;
}

/** One server for the run. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  provide('postgresUrl', server.url);
  return server.remove;
}

/** Starts a PostgreSQL server: a new cluster in a temporary directory, on loopback. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = postgresPrograms();
  const directory = mkdtempSync(join(tmpdir(), 'mesa-postgres-'));
  const owner = ownerOfCluster();
  if (owner !== undefined) {
    chownSync(directory, owner.uid, owner.gid);
  }
  const cluster = join(directory, 'cluster');
  const as = { cwd: directory, ...owner, stdio: 'ignore' } as const;
  execFileSync(join(bin, 'initdb'), ['-D', cluster, '-U', 'mesa', '-A', 'trust', '-E', 'UTF8'], as);
  const port = await freePort();
  // A crash of the machine loses nothing here: the cluster is gone with the run.
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 300,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const isReady = (): boolean => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]);
      return true;
    } catch {
      return false;
    }
  };
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(join(bin, 'postgres'), ['-D', cluster, ...args], as);
    while (!isReady()) {
      if (server.exitCode !== null) {
        throw new Error('PostgreSQL did not start');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const stop = async (): Promise<void> => {
    if (server !== undefined && server.exitCode === null) {
      const ended = once(server, 'exit');
      server.kill('SIGQUIT');
      await ended;
    }
  };
  await start();
  return {
    url: `postgres://mesa@127.0.0.1:${port}/postgres`,
    start,
    stop,
    remove: async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const SEARCH = join(import.meta.dirname, '../../../scripts/postgres-programs.sh');

/**
 * The directory with the programs of a server, as `scripts/test-tools.sh` looks for it.
 * @param env what the search sees; a test's own
 * @throws an error that says that PostgreSQL is not installed
 */
export function postgresPrograms(env: NodeJS.ProcessEnv = process.env): string {
  const { stdout, status } = spawnSync('/bin/sh', [SEARCH], { encoding: 'utf8', env });
  if (status !== 0) {
    throw new Error(
      'PostgreSQL is not installed: the tests start a server of their own (Debian: apt-get install -y postgresql)',
    );
  }
  return stdout.trim();
}

/** PostgreSQL refuses to run as root. */
function ownerOfCluster(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) {
    return undefined;
  }
  return { uid: idOfPostgres('-u'), gid: idOfPostgres('-g') };
}

function idOfPostgres(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

/** Below those that the system gives to whoever names none, as the other tests do: it is free after a restart, too. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) {
      return port;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
