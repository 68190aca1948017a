import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { codeOf } from '../errors.ts';
import { ownChangeIdOf, ROOT_CHANGE_ID, syntheticChangeIdOf } from './change-id.ts';
import { runGit } from './run-git.ts';
import { createSlots } from './slots.ts';

/** A page of a list has a hundred repositories: their commits are read a few at a time, and remembered. */
const MAX_READERS = 4;
const MAX_WAIT_MS = 30_000;
const MAX_REMEMBERED = 10_000;

/**
 * Finds the change at the tip of a branch, 32 letters k to z; that of the virtual root when there is no such branch.
 * @param repository its directory
 */
export type HeadChangeIds = (repository: string, branch: string) => Promise<string>;

export function createHeadChangeIds(): HeadChangeIds {
  // A commit never changes, and so neither does its change.
  const known = new Map<string, string>();
  const readers = createSlots(MAX_READERS, MAX_WAIT_MS);

  const read = async (repository: string, commit: string): Promise<string | undefined> => {
    const release = await readers.take();
    try {
      return ownChangeIdOf(await runGit(`--git-dir=${repository}`, 'cat-file', 'commit', commit));
    } catch {
      // One damaged repository must not hide the others of its list; git says what is wrong when it is fetched.
      return undefined;
    } finally {
      release?.();
    }
  };

  return async (repository, branch) => {
    const commit = await tipOf(repository, `refs/heads/${branch}`);
    if (commit === undefined) {
      return ROOT_CHANGE_ID;
    }
    const id = known.get(commit) ?? (await read(repository, commit)) ?? syntheticChangeIdOf(commit);
    if (known.size >= MAX_REMEMBERED && !known.has(commit)) {
      known.clear();
    }
    known.set(commit, id);
    return id;
  };
}

/** Reads a branch as gitrepository-layout(5) says: from its own file, else from packed-refs. */
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
