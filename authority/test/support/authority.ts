import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';
import { inject, onTestFinished } from 'vitest';

import { builtProgram } from '../../../scripts/built-from.mjs';
import { startRoundRobin } from './round-robin.ts';

/** What every suite runs on. `two servers`: on one PostgreSQL, each request answered by the other one. */
export const KINDS = ['sqlite', 'postgres', 'two servers'] as const;
export type Kind = (typeof KINDS)[number];

let built: string | undefined;

/**
 * The path of the built server.
 * @throws an error where the sources have changed since it was built
 */
export function builtAuthority(): string {
  built ??= builtProgram('authority');
  return built;
}

export interface RunningServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly process: ChildProcess;
  /** Everything that it has written so far. */
  readonly output: () => string;
  /** Ends it as a supervisor does. */
  readonly stop: () => Promise<number | null>;
  /** As if the power went. */
  readonly kill: () => Promise<void>;
}

export interface Authority {
  /** Of the server, or of what shares requests out between the two. */
  readonly url: string;
  readonly servers: readonly RunningServer[];
  /** Of the organization `acme`. */
  readonly adminKey: string;
  readonly directory: string;
  /** The arguments that name its data, for other commands and servers. */
  readonly storage: readonly string[];
  readonly databaseUrl: string | undefined;
}

export interface AuthorityOptions {
  /** Further arguments of `serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A new authority with the organization `acme`, gone when the test or suite ends. */
export async function startAuthority(
  kind: Kind,
  { args = [], env = {} }: AuthorityOptions = {},
): Promise<Authority> {
  const directory = mkdtempSync(join(tmpdir(), 'mesa-authority-'));
  cleanUp(() => rmSync(directory, { recursive: true, force: true }));
  const databaseUrl = kind === 'sqlite' ? undefined : await createDatabase();
  const storage = ['--data', directory, ...(databaseUrl === undefined ? [] : ['--database', databaseUrl])];
  const init = await runProgram(['init', '--org', 'acme', ...storage], env);
  if (init.status !== 0) {
    throw new Error(init.stderr);
  }
  const serve = (): Promise<RunningServer> =>
    startServer([...storage, '--failed-attempts', '1000000', ...args], env);
  const servers = await Promise.all(kind === 'two servers' ? [serve(), serve()] : [serve()]);
  const [first] = servers;
  const url =
    first !== undefined && servers.length === 1
      ? first.url
      : await startRoundRobin(
          servers.map((server) => server.url),
          cleanUp,
        );
  return { url, servers, adminKey: init.stdout.trim(), directory, storage, databaseUrl };
}

/** `mesa-authority serve` on a free port, ended with the test or suite at the latest. */
export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const child = spawn(process.execPath, [builtAuthority(), 'serve', '--listen', '127.0.0.1:0', ...args], {
    env: { ...baseEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let text = '';
  const url = await new Promise<string>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      const match = /listens on (https?:\/\/\S+),/.exec(text);
      if (match?.[1] !== undefined) {
        resolve(match[1]);
      }
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    void ended.then(() => reject(new Error(`the server ended: ${text}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  cleanUp(async () => {
    await end('SIGKILL');
  });
  return {
    url,
    process: child,
    output: () => text,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs another command of `mesa-authority` to its end. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [builtAuthority(), ...args], {
    env: { ...baseEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

/** A new, empty database on the run's PostgreSQL server. */
export async function createDatabase(): Promise<string> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const client = new Client({ connectionString: server });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return new URL(name, server).href;
}

function baseEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' };
}

const afterSuite: (() => unknown)[] = [];

/** After the test; in a `beforeAll`, where there is no test, after the suite: see `endSuite`. */
export function cleanUp(work: () => unknown): void {
  try {
    onTestFinished(async () => {
      await work();
    });
  } catch {
    afterSuite.push(work);
  }
}

/** For the `afterAll` of a suite that starts an authority in its `beforeAll`. */
export async function endSuite(): Promise<void> {
  for (const work of afterSuite.splice(0).toReversed()) {
    await work();
  }
}
