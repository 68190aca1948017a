import { allows, type Permission, PERMISSIONS } from 'mesa-auth/access-token';

import { ApiError } from '../errors.ts';

export interface Organization {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** Who asks: an API key that is usable now, and the token that it signed if there is one. */
export interface Caller {
  readonly organization: Organization;
  readonly keyId: string;
  readonly keyName: string | null;
  /** Those of the key, as it was created. */
  readonly permissions: readonly Permission[];
  /** The ids that the key is restricted to, null for all. */
  readonly repoIds: readonly string[] | null;
  /** What the token claims; the key bounds it. Undefined when the caller showed the key itself. */
  readonly token: TokenBounds | undefined;
}

export interface TokenBounds {
  readonly permissions: readonly Permission[];
  /** As `org/repo`; null is no limit but the key's, an empty list is none. */
  readonly repos: readonly string[] | null;
}

export interface RepositoryIdentity {
  readonly id: string;
  readonly name: string;
}

/** Permissions that the caller has, least first: a key's as it was created, a token's what both allow now. */
export function permissionsOf({ permissions, token }: Caller): readonly Permission[] {
  return token === undefined
    ? permissions
    : PERMISSIONS.filter((needed) => allows(token.permissions, needed) && allows(permissions, needed));
}

/** @throws FORBIDDEN when the caller, its key or both may not do what needs `needed` */
export function requirePermission(caller: Caller, needed: Permission): void {
  if (!allows(permissionsOf(caller), needed)) {
    throw new ApiError('FORBIDDEN', `This operation needs the scope '${needed}'`);
  }
}

/**
 * Every path below an organization begins with this. Whether another organization exists is not told.
 * @throws FORBIDDEN when the caller's key is of another organization than `slug`
 */
export function requireOrganization(caller: Caller, slug: string): void {
  if (caller.organization.slug !== slug) {
    throw new ApiError('FORBIDDEN', 'The credential is for another organization');
  }
}

/**
 * API keys are managed with API keys (contract section 8): a token may not, even where it claims `admin`.
 * @throws FORBIDDEN
 */
export function requireKeyManager(caller: Caller): void {
  if (caller.token !== undefined) {
    throw new ApiError('FORBIDDEN', 'An access token cannot manage API keys');
  }
  requirePermission(caller, 'admin');
}

/** Whether the caller is limited to some repositories: then it cannot tell those that it may not use from none. */
export function isRestricted({ repoIds, token }: Caller): boolean {
  return repoIds !== null || (token?.repos ?? null) !== null;
}

export function mayUseRepository(caller: Caller, { id, name }: RepositoryIdentity): boolean {
  const { repoIds, token, organization } = caller;
  return (
    (repoIds === null || repoIds.includes(id)) &&
    (token === undefined || token.repos === null || token.repos.includes(`${organization.slug}/${name}`))
  );
}

/**
 * The repository when it is there and the caller may use it.
 * @param repository what is stored under the name that was asked for
 * @throws FORBIDDEN or NOT_FOUND; the same FORBIDDEN for a restricted caller, whether or not there is one
 */
export function requireRepository<R extends RepositoryIdentity>(
  caller: Caller,
  repository: R | undefined,
): R {
  if (repository === undefined && !isRestricted(caller)) {
    throw new ApiError('NOT_FOUND', 'There is no such repository');
  }
  if (repository === undefined || !mayUseRepository(caller, repository)) {
    throw new ApiError('FORBIDDEN', 'The credential is not valid for this repository');
  }
  return repository;
}

export interface KeyWidth {
  readonly permissions: readonly Permission[];
  readonly repoIds: readonly string[] | null;
}

/**
 * Whether `inner` can do nothing that `outer` cannot: what a key may create, and, when it is restricted to
 * repositories, also what it may see and revoke. Time is no part of it, or a key that expires could never be rotated.
 */
export function isWithin(inner: KeyWidth, outer: KeyWidth): boolean {
  return (
    inner.permissions.every((permission) => allows(outer.permissions, permission)) &&
    (outer.repoIds === null ||
      (inner.repoIds !== null && inner.repoIds.every((id) => outer.repoIds?.includes(id) === true)))
  );
}
