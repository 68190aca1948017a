import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { codeOf } from '../errors.ts';
import { changeIdOf, ROOT_CHANGE_ID } from './change-id.ts';
import { gitEnvironment } from './git-environment.ts';

/** Where bare repositories live: `<root>/<id>.git`, by id, so that renaming one touches no file. */
export interface GitRoot {
  /** Where the repository is, whether or not it is there. */
  pathOf(id: string): string;
  /** Makes an empty repository whose HEAD is the branch; it is there whole or not at all. */
  create(id: string, branch: string): Promise<void>;
  setHead(id: string, branch: string): Promise<void>;
  /** Takes the repository away at once; its files follow. One that is not there is none to remove. */
  remove(id: string): Promise<void>;
  /** The change at the tip of the branch, 32 letters k to z; that of the virtual root when the branch is empty. */
  headChangeId(id: string, branch: string): Promise<string>;
}

const UNFINISHED = '.creating';
const DELETED = '.deleted';
const run = promisify(execFile);

/**
 * Opens a directory of repositories, which is made when it is absent, and finishes deletions that were cut short.
 * @throws Error of the system
 */
export async function openGitRoot(root: string): Promise<GitRoot> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const pathOf = (id: string): string => join(root, `${id}.git`);
  const leftovers = (await readdir(root)).filter((name) => name.endsWith(DELETED));
  await Promise.all(leftovers.map((name) => rm(join(root, name), { recursive: true, force: true })));

  return {
    pathOf,
    create: async (id, branch) => {
      const unfinished = `${pathOf(id)}${UNFINISHED}`;
      try {
        await git('init', '--quiet', '--bare', `--initial-branch=${branch}`, '--', unfinished);
        await rename(unfinished, pathOf(id));
      } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        throw error;
      }
    },
    setHead: async (id, branch) => {
      await git(`--git-dir=${pathOf(id)}`, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
    },
    remove: async (id) => {
      const deleted = `${pathOf(id)}${DELETED}`;
      try {
        await rename(pathOf(id), deleted);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') {
          return;
        }
        throw error;
      }
      await rm(deleted, { recursive: true, force: true });
    },
    headChangeId: async (id, branch) => {
      const commit = await tipOf(pathOf(id), `refs/heads/${branch}`);
      return commit === undefined ? ROOT_CHANGE_ID : changeIdOf(commit);
    },
  };
}

function git(...args: readonly string[]): Promise<unknown> {
  return run('git', [...args], { env: gitEnvironment() });
}

/** Reads a branch as gitrepository-layout(5) says: from its own file, else from packed-refs. A list has a hundred of them. */
async function tipOf(repository: string, ref: string): Promise<string | undefined> {
  const loose = await readOptional(join(repository, ref));
  const packed =
    loose === undefined
      ? (await readOptional(join(repository, 'packed-refs')))
          ?.split('\n')
          .find((line) => line.endsWith(` ${ref}`))
      : undefined;
  return /^[0-9a-f]{40}/.exec(loose ?? packed ?? '')?.[0];
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // EISDIR: refs/heads/a is a directory when there is a branch a/b.
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(codeOf(error) ?? '')) {
      return undefined;
    }
    throw error;
  }
}
