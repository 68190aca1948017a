import type { Config } from '../config/config.ts';
import { namedScope, repoWithoutOrg, type KeyScope, type RepoScope } from '../core/key-scope.ts';
import type { Context } from './context.ts';

/** `--org` and `--repo`, as given. */
export interface ScopeOptions {
  readonly org: string | undefined;
  readonly repo: string | undefined;
}

export interface UsedScope {
  readonly scope: KeyScope;
  /** What named it. */
  readonly from: 'flags' | 'MESA_ORG' | 'git remote' | 'config' | 'nothing';
}

/**
 * What a command that uses a key works for: the flags, else MESA_ORG, else the checkout's remote (said on stderr), else
 * the organization of the configuration, else everything (global). A repository that was named alone is of the
 * organization that is found so. See spec section 6.
 * @throws USAGE for a repository when there is none, INVALID_SCOPE
 */
export async function usedScope(
  context: Pick<Context, 'environmentOrg' | 'host' | 'output'>,
  options: ScopeOptions,
  config: Config,
): Promise<UsedScope> {
  const { repo } = options;
  const named = namedScope(options.org, repo);
  if (named !== undefined) {
    return { scope: named, from: 'flags' };
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    return { scope: scopeIn(org, repo), from: 'MESA_ORG' };
  }
  const found = await checkoutRepository(context, config);
  if (found !== undefined) {
    return { scope: repo === undefined ? found : scopeIn(found.org, repo), from: 'git remote' };
  }
  if (config.org !== undefined) {
    return { scope: scopeIn(config.org, repo), from: 'config' };
  }
  if (repo !== undefined) {
    throw repoWithoutOrg(repo);
  }
  return { scope: { kind: 'global' }, from: 'nothing' };
}

/** @param repo a name that namedScope took; the organization itself is meant when absent */
export function scopeIn(org: string, repo: string | undefined): KeyScope {
  return repo === undefined ? { kind: 'org', org } : { kind: 'repo', org, repo };
}

/**
 * The repository that the checkout's remote names, said on stderr.
 * @param org the organization that it has to be of; any when absent
 */
export async function checkoutRepository(
  context: Pick<Context, 'host' | 'output'>,
  config: Config,
  org?: string,
): Promise<RepoScope | undefined> {
  const cwd = context.host.cwd();
  if (cwd === undefined) {
    return undefined;
  }
  const { repositoryOfCheckout } = await import('../git/origin.ts');
  const found = await repositoryOfCheckout({
    cwd,
    apiUrl: config.apiUrl,
    env: context.host.env,
    onUnreadable: () =>
      context.output.warn('git does not tell the remotes of this checkout; name the organization with --org'),
  });
  if (found === undefined || (org !== undefined && found.org !== org)) {
    return undefined;
  }
  context.output.note(
    `mesa: using organization '${found.org}', repository '${found.repo}' from the git remote origin`,
  );
  return { kind: 'repo', ...found };
}
