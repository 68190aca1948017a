import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
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

/** Starts a PostgreSQL server of its own for the run: a new cluster in a temporary directory, on loopback. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
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
  const server = spawn(join(bin, 'postgres'), ['-D', cluster, ...args], as);
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const isReady = (): boolean => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]);
      return true;
    } catch {
      return false;
    }
  };
  while (!isReady()) {
    if (server.exitCode !== null) {
      throw new Error('PostgreSQL did not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  provide('postgresUrl', `postgres://mesa@127.0.0.1:${port}/postgres`);
  return async () => {
    server.kill('SIGQUIT');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Debian keeps them out of PATH, a directory for each version. */
export function postgresPrograms(): string {
  const root = '/usr/lib/postgresql';
  const newest = readdirSync(root).toSorted((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) {
    throw new Error('PostgreSQL is not installed');
  }
  return join(root, newest, 'bin');
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
