import type { Config } from '../config/config.ts';
import { scopeFromNames, type KeyScope } from '../core/key-scope.ts';
import {
  environmentKeyApplies,
  keyNotFound,
  listCandidates,
  lookupOrder,
  usedCandidate,
  type Candidate,
} from '../core/resolve-key.ts';
import type { Token } from '../core/token.ts';
import type { Context } from './context.ts';
import type { ScopeOptions } from './scope-options.ts';
import { startSession } from './startup.ts';

/**
 * What a command that uses a key works for: the flags, else MESA_ORG, else the checkout's remote (said on stderr),
 * else everything (global). See spec section 6.
 */
async function usedScope(context: Context, options: ScopeOptions, config: Config): Promise<KeyScope> {
  const scope = scopeFromNames(options.org, options.repo);
  if (scope.kind !== 'global') {
    return scope;
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    return { kind: 'org', org };
  }
  const cwd = context.host.cwd();
  if (cwd === undefined) {
    return scope;
  }
  const { repositoryOfCheckout } = await import('../git/origin.ts');
  const found = await repositoryOfCheckout({
    cwd,
    apiHost: `api.${config.serviceDomain}`,
    env: context.host.env,
    onUnreadable: () =>
      context.output.warn('git does not tell the remotes of this checkout; name the organization with --org'),
  });
  if (found === undefined) {
    return scope;
  }
  context.output.note(
    `mesa: using organization '${found.org}', repository '${found.repo}' from the git remote origin`,
  );
  return { kind: 'repo', ...found };
}

export interface ResolvedKey {
  readonly scope: KeyScope;
  readonly candidates: readonly Candidate[];
  /** Undefined when the lookup found none. */
  readonly used: (Candidate & { readonly token: Token }) | undefined;
}

/** Every candidate of the lookup for the scope that the options and the surroundings name. Opens the store. */
export async function resolveCandidates(context: Context, options: ScopeOptions): Promise<ResolvedKey> {
  scopeFromNames(options.org, options.repo);
  const environmentKey = context.environmentKey();
  const { config, store } = await startSession(context);
  const scope = await usedScope(context, options, config);
  const candidates = listCandidates(scope, environmentKey, await store.read(lookupOrder(scope)));
  return { scope, candidates, used: usedCandidate(candidates) };
}

/**
 * The key to use. The environment's key needs no store, so none is opened for it, unless MESA_ORGS is to be registered.
 * @throws KEY_NOT_FOUND
 */
export async function resolveKey(context: Context, options: ScopeOptions): Promise<Token> {
  const named = scopeFromNames(options.org, options.repo);
  const environmentKey = context.environmentKey();
  const environmentOrg = context.environmentOrg();
  const scope: KeyScope =
    named.kind === 'global' && environmentOrg !== undefined ? { kind: 'org', org: environmentOrg } : named;
  const needsStore = (context.host.env['MESA_ORGS'] ?? '').trim() !== '';
  if (!needsStore && environmentKey !== undefined && environmentKeyApplies(environmentKey, scope)) {
    return environmentKey.token;
  }
  const { scope: found, used } = await resolveCandidates(context, options);
  if (used === undefined) {
    throw keyNotFound(found);
  }
  return used.token;
}
