import type { Config } from '../config/config.ts';
import { scopeFromNames, type KeyScope, type RepoScope } from '../core/key-scope.ts';
import type { Context } from './context.ts';
import type { ScopeOptions } from './scope-options.ts';

export interface UsedScope {
  readonly scope: KeyScope;
  /** What named it. */
  readonly from: 'flags' | 'MESA_ORG' | 'git remote' | 'nothing';
}

/**
 * What a command that uses a key works for: the flags, else MESA_ORG, else the checkout's remote (said on stderr),
 * else everything (global). See spec section 6.
 */
export async function usedScope(
  context: Pick<Context, 'environmentOrg' | 'host' | 'output'>,
  options: ScopeOptions,
  config: Config,
): Promise<UsedScope> {
  const scope = scopeFromNames(options.org, options.repo);
  if (scope.kind !== 'global') {
    return { scope, from: 'flags' };
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    return { scope: { kind: 'org', org }, from: 'MESA_ORG' };
  }
  const found = await checkoutRepository(context, config);
  return found === undefined ? { scope, from: 'nothing' } : { scope: found, from: 'git remote' };
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
