import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { isOrgSlug, isRepoName } from '../core/key-scope.ts';
import { runGit } from './run-git.ts';

export interface RepositoryName {
  readonly org: string;
  readonly repo: string;
}

// git-remote(1), "EXIT STATUS".
const NO_SUCH_REMOTE = 2;

/**
 * The organization and repository that a remote on the API's host names, as in `https://t@api.mesa.dev/acme/web.git`.
 * @param apiUrl as `https://api.mesa.dev`; nothing but an exact match of scheme, host and port counts
 * @returns undefined for any other URL
 */
export function repositoryFromRemote(url: string, apiUrl: string): RepositoryName | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return undefined;
  }
  const [empty, org, name, ...rest] = parsed.pathname.replace(/\/$/, '').split('/');
  const repo = name?.replace(/\.git$/, '');
  if (parsed.origin !== apiUrl || empty !== '' || rest.length > 0) {
    return undefined;
  }
  return org !== undefined && repo !== undefined && isOrgSlug(org) && isRepoName(repo)
    ? { org, repo }
    : undefined;
}

export interface CheckoutInput {
  readonly cwd: string;
  readonly apiUrl: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called when `cwd` is in a checkout whose remotes git does not tell. */
  readonly onUnreadable: () => void;
}

/**
 * The repository of the checkout that `cwd` is in, when its `origin` is on the API host. Git itself is asked, so
 * that worktrees, includes, `insteadOf` and its own refusal of foreign checkouts hold.
 * @returns undefined outside a checkout, without such a remote, or when git does not answer
 */
export async function repositoryOfCheckout(input: CheckoutInput): Promise<RepositoryName | undefined> {
  const { cwd, apiUrl, env, onUnreadable } = input;
  if (!isInCheckout(cwd)) {
    return undefined;
  }
  const { status, stdout } = await runGit(['remote', 'get-url', 'origin'], { cwd, env });
  if (status !== 0 && status !== NO_SUCH_REMOTE) {
    onUnreadable();
  }
  return status === 0 ? repositoryFromRemote(stdout.trim(), apiUrl) : undefined;
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
