import type { Config } from '../config/config.ts';
import { scopeFromNames, type KeyScope } from '../core/key-scope.ts';
import {
  environmentKeyApplies,
  listCandidates,
  lookupOrder,
  usedCandidate,
  type Candidate,
  type UsedKey,
} from '../core/resolve-key.ts';
import type { SecretStore } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import type { Context } from './context.ts';
import type { ScopeOptions } from './scope-options.ts';
import { startSession } from './startup.ts';

export interface UsedScope {
  readonly scope: KeyScope;
  /** What named it. */
  readonly from: 'flags' | 'MESA_ORG' | 'git remote' | 'nothing';
}

/**
 * What a command that uses a key works for: the flags, else MESA_ORG, else the checkout's remote (said on stderr),
 * else everything (global). See spec section 6.
 */
export async function usedScope(context: Context, options: ScopeOptions, config: Config): Promise<UsedScope> {
  const scope = scopeFromNames(options.org, options.repo);
  if (scope.kind !== 'global') {
    return { scope, from: 'flags' };
  }
  const org = context.environmentOrg();
  if (org !== undefined) {
    return { scope: { kind: 'org', org }, from: 'MESA_ORG' };
  }
  const cwd = context.host.cwd();
  if (cwd === undefined) {
    return { scope, from: 'nothing' };
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
    return { scope, from: 'nothing' };
  }
  context.output.note(
    `mesa: using organization '${found.org}', repository '${found.repo}' from the git remote origin`,
  );
  return { scope: { kind: 'repo', ...found }, from: 'git remote' };
}

export interface ResolvedKey {
  readonly store: SecretStore;
  readonly scope: KeyScope;
  readonly candidates: readonly Candidate[];
  /** Undefined when the lookup found none. */
  readonly used: UsedKey | undefined;
}

/** Every candidate of the lookup for the scope that the options and the surroundings name. Opens the store. */
export async function resolveCandidates(context: Context, options: ScopeOptions): Promise<ResolvedKey> {
  scopeFromNames(options.org, options.repo);
  const environmentKey = context.environmentKey();
  const { config, store } = await startSession(context);
  const { scope } = await usedScope(context, options, config);
  const candidates = listCandidates(scope, environmentKey, await store.read(lookupOrder(scope)));
  return { store, scope, candidates, used: usedCandidate(candidates) };
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
    await mentionExpiry(context, { source: 'MESA_API_KEY', token: environmentKey.token, expires: undefined });
    return environmentKey.token;
  }
  const { store, scope: found, used } = await resolveCandidates(context, options);
  if (used === undefined) {
    throw await (await import('./missing-key.ts')).missingKey(context, store, found);
  }
  await mentionExpiry(context, used);
  return used.token;
}

/** Tells whoever watches that the key is about to expire. A key that cannot say when it ends costs nothing here. */
async function mentionExpiry(context: Context, key: Omit<UsedKey, 'verdict'>): Promise<void> {
  if ((key.expires !== undefined || key.token.mayBeJwt) && context.host.stderr.isTerminal) {
    const { warnOfExpiry } = await import('./key-report.ts');
    warnOfExpiry(context, key);
  }
}
