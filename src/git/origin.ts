import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { isOrgSlug, isRepoName } from '../core/key-scope.ts';

export interface RepositoryName {
  readonly org: string;
  readonly repo: string;
}

const GIT_TIMEOUT_MS = 2_000;

/**
 * The organization and repository that an https remote names, as in `https://t@api.mesa.dev/acme/web.git`.
 * @param apiHost host, with a port where it is not the default one; nothing but an exact match counts
 * @returns undefined for any other URL
 */
export function repositoryFromRemote(url: string, apiHost: string): RepositoryName | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return undefined;
  }
  const [empty, org, name, ...rest] = parsed.pathname.replace(/\/$/, '').split('/');
  const repo = name?.replace(/\.git$/, '');
  if (
    parsed.protocol !== 'https:' ||
    parsed.host !== apiHost.toLowerCase() ||
    empty !== '' ||
    rest.length > 0
  ) {
    return undefined;
  }
  return org !== undefined && repo !== undefined && isOrgSlug(org) && isRepoName(repo)
    ? { org, repo }
    : undefined;
}

/**
 * The repository of the checkout that `cwd` is in, when its `origin` is on the API host. Git itself is asked, so
 * that worktrees, includes, `insteadOf` and its own refusal of foreign checkouts hold.
 * @returns undefined outside a checkout, without such a remote, or when git does not answer
 */
export async function repositoryOfCheckout(
  cwd: string,
  apiHost: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<RepositoryName | undefined> {
  if (!isInCheckout(cwd)) {
    return undefined;
  }
  // Git runs configured programs at other times, not for this; it still gets no secret of ours.
  const gitEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MESA_')));
  const url = await new Promise<string>((resolve) => {
    execFile(
      'git',
      ['remote', 'get-url', 'origin'],
      { cwd, env: gitEnv, timeout: GIT_TIMEOUT_MS },
      (error, stdout) => {
        resolve(error === null ? stdout.trim() : '');
      },
    );
  });
  return repositoryFromRemote(url, apiHost);
}

function isInCheckout(cwd: string): boolean {
  for (let dir = cwd; ; dir = dirname(dir)) {
    if (existsSync(join(dir, '.git'))) {
      return true;
    }
    if (dir === dirname(dir)) {
      return false;
    }
  }
}
