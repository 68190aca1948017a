import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '../errors.ts';
import { createHeadChangeIds } from './head-change.ts';
import { runGit } from './run-git.ts';

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

/**
 * Opens a directory of repositories, which is made when it is absent, and finishes deletions that were cut short.
 * @throws Error of the system
 */
export async function openGitRoot(root: string): Promise<GitRoot> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const pathOf = (id: string): string => join(root, `${id}.git`);
  const headChangeIds = createHeadChangeIds();
  const leftovers = (await readdir(root)).filter((name) => name.endsWith(DELETED));
  await Promise.all(leftovers.map((name) => removeFiles(join(root, name))));

  return {
    pathOf,
    create: async (id, branch) => {
      const unfinished = `${pathOf(id)}${UNFINISHED}`;
      try {
        // Without the sample hooks of the machine's template.
        await runGit(
          'init',
          '--quiet',
          '--bare',
          '--template=',
          `--initial-branch=${branch}`,
          '--',
          unfinished,
        );
        await rename(unfinished, pathOf(id));
      } catch (error) {
        await rm(unfinished, { recursive: true, force: true });
        throw error;
      }
    },
    setHead: async (id, branch) => {
      await runGit(`--git-dir=${pathOf(id)}`, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
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
      await removeFiles(deleted);
    },
    headChangeId: (id, branch) => headChangeIds(pathOf(id), branch),
  };
}

/**
 * Never rejects: a push that still runs can put files where others were just removed, and another server can remove the
 * same ones. What is left is removed with the next start.
 */
async function removeFiles(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
}
