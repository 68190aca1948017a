import { parsePermission, PERMISSIONS, type Permission } from '../access-token/permissions.ts';
import { MAX_TTL_SECONDS } from '../access-token/protocol.ts';
import { parseDuration } from '../core/duration.ts';
import { scopeFromNames, type RepoScope } from '../core/key-scope.ts';
import { shownValue } from '../core/shown-text.ts';
import { MesaAuthError } from '../errors.ts';

/** What a token shall be able to do. The server grants what its key may do as well, and no more. */
export interface TokenOrder {
  readonly permissions: readonly Permission[];
  /** As `org/repo`; null for all repositories that the key may use. */
  readonly repos: readonly string[] | null;
  /** 1 to 86,400. */
  readonly ttlSeconds: number;
}

/** `read,write`, for `--scope`. @throws USAGE */
export function parsePermissions(text: string): readonly Permission[] {
  const words = text.split(',').map((word) => word.trim());
  const permissions = words.flatMap((word) => parsePermission(word) ?? []);
  const wrong = words.find((word) => parsePermission(word) === undefined);
  if (wrong !== undefined) {
    throw new MesaAuthError('USAGE', `--scope: ${shownValue(wrong)} is not a permission`, {
      hint: `use ${PERMISSIONS.join(', ')}, separated by commas, as in --scope read,write`,
    });
  }
  // In one order, each once: what they allow is the same.
  return PERMISSIONS.filter((permission) => permissions.includes(permission));
}

/** `15m`, `24h`, for `--ttl`, in seconds. @throws USAGE */
export function parseTtl(text: string): number {
  const seconds = (parseDuration(text) ?? 0) / 1_000;
  if (seconds < 1 || seconds > MAX_TTL_SECONDS) {
    throw new MesaAuthError('USAGE', `--ttl: ${shownValue(text)} is not a time from 1s to 24h`, {
      hint: 'use units s, m, h and d, as in --ttl 15m',
    });
  }
  return seconds;
}

/**
 * The repositories that `--repo` names, as `org/repo` or, with an organization given, by their names alone. A key is
 * bound to one organization, so all of them are of one.
 * @throws USAGE, INVALID_SCOPE
 */
export function parseRepos(texts: readonly string[], org: string | undefined): readonly RepoScope[] {
  const repos = new Map<string, RepoScope>();
  for (const text of texts) {
    const scope = scopeFromNames(text.includes('/') ? undefined : org, text);
    // `scopeFromNames` with a repository gives nothing else.
    if (scope.kind === 'repo') {
      repos.set(repoName(scope), scope);
    }
  }
  const orgs = new Set([
    ...(org === undefined ? [] : [org]),
    ...Array.from(repos.values(), (repo) => repo.org),
  ]);
  if (orgs.size > 1) {
    throw new MesaAuthError(
      'USAGE',
      'a key works in one organization, and these repositories are of several',
      {
        hint: 'run the command once for each organization',
      },
    );
  }
  return [...repos.values()];
}

/** `acme/web`, as tokens name it. */
export function repoName({ org, repo }: RepoScope): string {
  return `${org}/${repo}`;
}
