import type { Permission } from '../access-token/permissions.ts';
import type { KeyOptions } from './options.ts';

export interface MintTokenOptions extends KeyOptions {
  /**
   * The repositories that the token is for, as `org/repo`, or by name beside `org`; `'all'` for every one that the key
   * may use. When absent, the one of the checkout.
   */
  readonly repos?: readonly string[] | 'all' | undefined;
  /** What the token may do; `['read']` when absent. */
  readonly permissions?: readonly Permission[] | undefined;
  /** How long it works: 1 to 86,400 seconds, 3,600 when absent. */
  readonly ttlSeconds?: number | undefined;
}

export interface MintedToken {
  /** A secret for as long as it works. */
  readonly token: string;
  readonly expiresAt: Date;
  readonly permissions: readonly Permission[];
  /** As `org/repo`; null for all. */
  readonly repos: readonly string[] | null;
  /** The organization that it is for; undefined when the global key signed for all repositories. */
  readonly org: string | undefined;
}

/**
 * Signs a short-lived token with the key that the look-up finds, as `mesa auth mint-token` does: offline, once the key's
 * id is known; it is asked for once, and remembered. Never asks, prints or exits.
 * @throws {MesaAuthError} as resolveKey; `USAGE` when no repository is named, or more is asked for than a token can be;
 *   `KEY_REFUSED`, `UNREACHABLE` and `SERVER_FAILED` when the server is asked for the id
 */
export async function mintToken(options: MintTokenOptions = {}): Promise<MintedToken> {
  const [{ checkOptions }, { libraryContext, withAdvice }, { mintForCommand }] = await Promise.all([
    import('./options.ts'),
    import('./library-context.ts'),
    import('../session/mint.ts'),
  ]);
  checkOptions(options);
  const { org: wanted, repos: names, permissions: asked, ttlSeconds } = options;
  const context = libraryContext(options, 'mintToken');
  const { token, expires, permissions, repos, org } = await withAdvice(() =>
    mintForCommand(
      context,
      {
        org: wanted,
        repos: names === undefined || names === 'all' ? [] : names,
        allRepos: names === 'all',
        scope: asked?.join(','),
        ttl: ttlSeconds === undefined ? undefined : `${ttlSeconds}s`,
      },
      'output',
    ),
  );
  return { token: token.reveal(), expiresAt: expires, permissions, repos, org };
}
