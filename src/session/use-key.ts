import type { Config } from '../config/config.ts';
import { isForApi } from '../core/api-url.ts';
import { scopeFromNames, type KeyScope, type RepoScope } from '../core/key-scope.ts';
import {
  environmentKeyApplies,
  listCandidates,
  lookupOrder,
  usedCandidate,
  type Candidate,
  type UsedKey,
} from '../core/candidates.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { MesaAuthError, type ErrorCode } from '../errors.ts';
import type { Context } from './context.ts';
import { recordUse } from './record-use.ts';
import type { ScopeOptions } from './scope-options.ts';
import { beginCommand } from './context.ts';

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
  const found = await checkoutRepository(context, config);
  return found === undefined ? { scope, from: 'nothing' } : { scope: found, from: 'git remote' };
}

/**
 * The repository that the checkout's remote names, said on stderr.
 * @param org the organization that it has to be of; any when absent
 */
export async function checkoutRepository(
  context: Context,
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

export interface ResolvedKey {
  readonly store: SecretStore;
  /** The API that is configured. */
  readonly apiUrl: string;
  readonly scope: KeyScope;
  readonly candidates: readonly Candidate[];
  /** Undefined when the lookup found none. */
  readonly used: UsedKey | undefined;
}

/** Every candidate of the lookup for the scope that the options and the surroundings name. Opens the store. */
export async function resolveCandidates(context: Context, options: ScopeOptions): Promise<ResolvedKey> {
  scopeFromNames(options.org, options.repo);
  const environmentKey = context.environmentKey();
  const { config, store } = await beginCommand(context);
  const { scope } = await usedScope(context, options, config);
  const candidates = listCandidates(scope, environmentKey, await store.read(lookupOrder(scope)));
  return { store, apiUrl: config.apiUrl, scope, candidates, used: usedCandidate(candidates) };
}

/**
 * Where a key goes that is handed out: to an API, which must be the one that it was stored for, sent by us or by a command
 * that is told of both; or no further than to whoever asked for it.
 */
export type Destination = { readonly apiUrl: string } | 'output';

/** The key that a command uses. */
export interface KeyInUse extends Omit<UsedKey, 'verdict'> {
  /** What it is used for. */
  readonly scope: KeyScope;
  /** Where it is stored; undefined for the environment's key. */
  readonly store: SecretStore | undefined;
}

/**
 * The key to use. The environment's key needs no store, so none is opened for it, unless MESA_ORGS is to be registered.
 * @throws KEY_NOT_FOUND
 */
export function resolveKey(
  context: Context,
  options: ScopeOptions,
  destination: Destination,
): Promise<KeyInUse> {
  const named = scopeFromNames(options.org, options.repo);
  const environmentOrg = context.environmentOrg();
  const scope: KeyScope =
    named.kind === 'global' && environmentOrg !== undefined ? { kind: 'org', org: environmentOrg } : named;
  return handOut(
    context,
    scope,
    destination,
    async () =>
      environmentKeyFor(context, scope) ?? keyInUse(context, await resolveCandidates(context, options)),
    (key) => Promise.resolve(key),
  );
}

/**
 * As `resolveKey`, for a scope that is known already, with all that is known of the key.
 * @param loaded the configuration, from a command that never starts the wizard
 * @throws KEY_NOT_FOUND
 */
export function resolveKeyOf(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  loaded?: Config,
): Promise<KeyInUse> {
  return useKeyOf(context, scope, destination, (key) => Promise.resolve(key), loaded);
}

/** Says that a key is being used, before it leaves this process. What happens afterwards changes nothing about that. */
export type MarkUsed = () => Promise<void>;

/**
 * As `resolveKeyOf`, for a command that hands out something else than the key, or not every key.
 * @param use makes of the key what is handed out; when it throws, the log has its error instead of a use
 * @throws KEY_NOT_FOUND, and what `use` throws
 */
export function useKeyOf<T>(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  use: (key: KeyInUse, markUsed: MarkUsed) => Promise<T>,
  loaded?: Config,
): Promise<T> {
  const find = async (): Promise<KeyInUse> => {
    const fromEnvironment = environmentKeyFor(context, scope);
    if (fromEnvironment !== undefined) {
      return fromEnvironment;
    }
    const { store } = await beginCommand(context, loaded);
    const entries = await store.read(lookupOrder(scope));
    const candidates = listCandidates(scope, context.environmentKey(), entries);
    return keyInUse(context, { store, scope, used: usedCandidate(candidates) });
  };
  return handOut(context, scope, destination, find, use);
}

// In which there was no key to hand out, though nothing is wrong with the store. Of others its directory may be unsafe.
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'KEY_NOT_FOUND',
  'KEY_OF_OTHER_API',
  'LOCKED',
  'WRONG_PASSPHRASE',
]);

/** The one way by which keys leave: that one did, or that there was none to be had, gets into the log. */
async function handOut<T>(
  context: Context,
  scope: KeyScope,
  destination: Destination,
  find: () => Promise<KeyInUse>,
  use: (key: KeyInUse, markUsed: MarkUsed) => Promise<T>,
): Promise<T> {
  let key: KeyInUse | undefined;
  try {
    key = await find();
    if (destination !== 'output' && !isForApi(key, destination.apiUrl)) {
      await (await import('./other-api.ts')).assertForApi(context, key, destination.apiUrl);
    }
  } catch (error) {
    if (error instanceof MesaAuthError && REFUSALS.has(error.code)) {
      await recordUse(context, scope, key?.source ?? null, error.code);
    }
    throw error;
  }
  await mentionExpiry(context, key);
  let isRecorded = false;
  const record = async (outcome: 'used' | ErrorCode): Promise<void> => {
    if (!isRecorded) {
      isRecorded = true;
      await recordUse(context, key.scope, key.source, outcome);
    }
  };
  try {
    const used = await use(key, () => record('used'));
    await record('used');
    return used;
  } catch (error) {
    await record(error instanceof MesaAuthError ? error.code : 'FAILURE');
    throw error;
  }
}

/** The environment's key, where it can be told without the store that it is the one. */
function environmentKeyFor(context: Context, scope: KeyScope): KeyInUse | undefined {
  const key = context.environmentKey();
  const needsStore = (context.host.env['MESA_ORGS'] ?? '').trim() !== '';
  return needsStore || key === undefined || !environmentKeyApplies(key, scope)
    ? undefined
    : {
        scope,
        source: 'MESA_API_KEY',
        token: key.token,
        expires: undefined,
        keyId: undefined,
        api: undefined,
        store: undefined,
      };
}

async function keyInUse(
  context: Context,
  { store, scope, used }: Pick<ResolvedKey, 'store' | 'scope' | 'used'>,
): Promise<KeyInUse> {
  if (used === undefined) {
    throw await (await import('./missing-key.ts')).missingKey(context, store, scope);
  }
  return { ...used, scope, store: used.source === 'MESA_API_KEY' ? undefined : store };
}

/** Tells whoever watches that the key is about to expire. A key that cannot say when it ends costs nothing here. */
async function mentionExpiry(context: Context, key: KeyInUse): Promise<void> {
  if ((key.expires !== undefined || key.token.mayBeJwt) && context.host.stderr.isTerminal) {
    const { warnOfExpiry } = await import('./key-report.ts');
    warnOfExpiry(context, key);
  }
}
