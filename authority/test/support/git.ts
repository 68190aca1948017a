import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Authority, type Ended } from './authority.ts';
import { rest } from './rest.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  LC_ALL: 'C.UTF-8',
};

/** The git that users have, with settings of its own; `directory` is where it runs. */
export async function git(
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = startGit(directory, args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

/** As `git`, still running, and the leader of its process group. */
export function startGit(
  directory: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn('git', [...args], {
    cwd: directory,
    env: { ...ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

/** As `git`, for what must succeed: what it prints, without the last newline. */
export async function gitOutput(directory: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await git(directory, args);
  if (status !== 0) {
    throw new Error(`git ${args[0]} ended with ${status}: ${stderr}`);
  }
  return stdout.trimEnd();
}

/** A new repository on the branch `main` with one commit, gone when the test ends. */
export async function localRepository(text = 'hello\n'): Promise<string> {
  const directory = temporaryDirectory();
  await gitOutput(directory, 'init', '--quiet', '--initial-branch=main');
  await commit(directory, 'file', text);
  return directory;
}

/** @returns the commit's id */
export async function commit(directory: string, file: string, text: string | Buffer): Promise<string> {
  writeFileSync(join(directory, file), text);
  await gitOutput(directory, 'add', '--', file);
  await gitOutput(directory, 'commit', '--quiet', '-m', `change ${file}`);
  return gitOutput(directory, 'rev-parse', 'HEAD');
}

export interface Remote {
  readonly id: string;
  readonly name: string;
  /** Without a credential. */
  readonly url: string;
  /** With this one as the password. */
  as(credential: string): string;
  /** Where the server keeps it. */
  readonly directory: string;
}

let count = 0;

/** A new, empty repository of the organization `acme`. */
export async function remoteRepository(
  authority: Authority,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Remote> {
  count += 1;
  const name = `repository-${count}.x`;
  const { status, body } = await rest(authority, 'POST', '/acme/repos', authority.adminKey, {
    name,
    ...options,
  });
  if (status !== 201) {
    throw new Error(`no repository: ${status}`);
  }
  const as = (credential: string | undefined): string => {
    const url = new URL(`/acme/${name}.git`, authority.url);
    if (credential !== undefined) {
      url.username = 't';
      url.password = credential;
    }
    return url.href;
  };
  return {
    id: body.id,
    name,
    url: as(undefined),
    as,
    directory: join(authority.directory, 'git', `${body.id}.git`),
  };
}

/** A new repository with a commit on `main`. */
export async function filledRepository(
  authority: Authority,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Remote & { readonly head: string }> {
  const remote = await remoteRepository(authority, options);
  const local = await localRepository();
  await gitOutput(local, 'push', '--quiet', remote.as(authority.adminKey), 'main');
  return { ...remote, head: await gitOutput(local, 'rev-parse', 'HEAD') };
}

/** The refs of a repository on the server, by what is on its disk. */
export function refsOf({ directory }: Remote): Promise<string> {
  return gitOutput(directory, 'for-each-ref', '--format=%(objectname) %(refname)');
}

export interface NewKey {
  readonly id: string;
  readonly key: string;
}

export async function newKey(
  authority: Authority,
  options: Readonly<Record<string, unknown>> = {},
): Promise<NewKey> {
  const { status, body } = await rest(authority, 'POST', '/acme/api-keys', authority.adminKey, options);
  if (status !== 201) {
    throw new Error(`no key: ${status}`);
  }
  return body;
}
