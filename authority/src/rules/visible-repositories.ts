import type { Caller } from './caller.ts';

/** What a list shows: only repositories in both, null being no limit. */
export interface VisibleRepositories {
  readonly ids: readonly string[] | null;
  readonly names: readonly string[] | null;
}

/** The same as `mayUseRepository` says of each, as bounds for a query. */
export function visibleRepositories({ repoIds, token, organization }: Caller): VisibleRepositories {
  const prefix = `${organization.slug}/`;
  return {
    ids: repoIds,
    names:
      token?.repos?.filter((repo) => repo.startsWith(prefix)).map((repo) => repo.slice(prefix.length)) ??
      null,
  };
}
