import type { Permission } from '../access-token/permissions.ts';
import { DEFAULT_TTL_SECONDS } from '../access-token/protocol.ts';
import type { Config } from '../config/config.ts';
import type { Candidate } from '../core/candidates.ts';
import type { KeyScope, RepoScope } from '../core/key-scope.ts';
import type { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import { learnKeyId } from '../minting/learn-key-id.ts';
import { mintToken, type MintedToken } from '../minting/mint-token.ts';
import { parsePermissions, parseRepos, parseTtl, repoName, type TokenOrder } from '../minting/token-order.ts';
import type { Context } from './context.ts';
import { assertForApi } from './other-api.ts';
import { useKeyOf, type Destination, type KeyInUse, type MarkUsed } from './use-key.ts';
import { checkoutRepository, usedScope } from './used-scope.ts';

/** What `mint-token` and `exec --mint` take from the command line, as given. */
export interface MintOptions {
  readonly org: string | undefined;
  /** Each as `org/repo`, or as a name alone beside `--org`. */
  readonly repos: readonly string[];
  /** Whether the token is limited to no repository. */
  readonly allRepos: boolean;
  /** `--scope`: permissions, separated by commas. */
  readonly scope: string | undefined;
  readonly ttl: string | undefined;
}

export interface MintedKey extends MintedToken {
  /** The organization that it is for; undefined when the global key signed for all repositories. */
  readonly org: string | undefined;
  /** Of the key that signed. */
  readonly source: Candidate['source'];
  readonly signer: Token;
}

/** What a token may do unless something else is asked for. */
const LEAST_PERMISSIONS: readonly Permission[] = ['read'];

/**
 * Mints the token that a command line asks for: as little as possible by default, which is reading the one repository
 * that the context names, for an hour.
 * @throws USAGE when no repository is named; whatever the look-up of the key and `mintForScope` throw
 */
export async function mintForCommand(
  context: Context,
  options: MintOptions,
  destination: Destination,
): Promise<MintedKey> {
  const permissions = options.scope === undefined ? LEAST_PERMISSIONS : parsePermissions(options.scope);
  const ttlSeconds = options.ttl === undefined ? DEFAULT_TTL_SECONDS : parseTtl(options.ttl);
  const { scope, repos } = await namedTarget(context, options);
  const order = { permissions, repos: repos?.map(repoName) ?? null, ttlSeconds };
  return mintForScope(context, scope, order, destination);
}

/**
 * Mints a token with the key that the look-up finds for a scope.
 * @param destination of the token
 * @param loaded see useKeyOf
 */
export function mintForScope(
  context: Context,
  scope: KeyScope,
  order: TokenOrder,
  destination: Destination,
  loaded?: Config,
): Promise<MintedKey> {
  const mint = (key: KeyInUse, markUsed: MarkUsed): Promise<MintedKey> =>
    mintWith(context, key, { order, destination, markUsed });
  return useKeyOf(context, scope, destination, mint, loaded);
}

interface Minting {
  readonly order: TokenOrder;
  readonly destination: Destination;
  readonly markUsed: MarkUsed;
}

async function mintWith(
  context: Pick<Context, 'host' | 'loadConfig' | 'output' | 'prompter'>,
  key: KeyInUse,
  { order, destination, markUsed }: Minting,
): Promise<MintedKey> {
  const { scope } = key;
  const minted = await mintToken(key, order, {
    now: context.host.now(),
    learnKeyId: async () => {
      const { apiUrl } = await context.loadConfig();
      if (destination === 'output') {
        // A signature goes anywhere; to be told the key's id, the key itself is sent.
        await assertForApi(context, key, apiUrl);
      }
      await markUsed();
      return learnKeyId(key, {
        store: key.store,
        apiUrl,
        env: context.host.env,
        warn: (message) => context.output.warn(message),
      });
    },
  });
  return {
    ...minted,
    source: key.source,
    signer: key.token,
    org: scope.kind === 'global' ? undefined : scope.org,
  };
}

/** Whose key signs, and for which repositories; null for all. */
interface Target {
  readonly scope: KeyScope;
  readonly repos: readonly RepoScope[] | null;
}

/** The organization of repositories that were named alone. @throws USAGE when none is known */
async function orgFor(
  context: Pick<Context, 'environmentOrg' | 'host' | 'loadConfig' | 'output'>,
  repo: string,
): Promise<string | undefined> {
  const { scope } = await usedScope(context, { org: undefined, repo }, await context.loadConfig());
  return scope.kind === 'global' ? undefined : scope.org;
}

async function namedTarget(
  context: Pick<Context, 'environmentOrg' | 'host' | 'loadConfig' | 'output'>,
  options: MintOptions,
): Promise<Target> {
  const { allRepos } = options;
  const bare = options.repos.find((name) => !name.includes('/'));
  const org = options.org ?? (bare === undefined ? undefined : await orgFor(context, bare));
  const repos = parseRepos(options.repos, org);
  const [first, ...others] = repos;
  if (first !== undefined) {
    if (allRepos) {
      throw new MesaAuthError('USAGE', '--repo and --all-repos exclude each other');
    }
    // A repository's key signs for that repository alone.
    return { scope: others.length === 0 ? first : { kind: 'org', org: first.org }, repos };
  }
  const config = await context.loadConfig();
  const { scope } = await usedScope(context, { org, repo: undefined }, config);
  if (allRepos) {
    return { scope: scope.kind === 'repo' ? { kind: 'org', org: scope.org } : scope, repos: null };
  }
  const repo = scope.kind === 'org' ? await checkoutRepository(context, config, scope.org) : scope;
  if (repo?.kind !== 'repo') {
    throw new MesaAuthError('USAGE', 'a token is for a repository, and none is named', {
      hint: `add --repo ${scope.kind === 'org' ? scope.org : 'ORG'}/REPO, or --all-repos for every one that the key may use`,
    });
  }
  return { scope: repo, repos: [repo] };
}
