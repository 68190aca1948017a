export type Permission = 'read' | 'write' | 'admin';
/** From the narrowest to the widest. */
export const PERMISSIONS: readonly Permission[] = ['read', 'write', 'admin'];

/** A row of the table of seed 002: what an operation needs, and what it answers when it is done. */
export interface Operation {
  readonly title: string;
  readonly needs: Permission;
  readonly method: string;
  /** `web` is the repository that restricted credentials are for. */
  readonly path: (target: { readonly repo: string; readonly keyId: string }) => string;
  readonly body?: object;
  readonly status: number;
  /** Whether it is done to one repository, or needs all of them. */
  readonly of: 'repository' | 'organization' | 'all repositories' | 'keys';
}

export const OPERATIONS: readonly Operation[] = [
  {
    title: 'sum up the organization',
    needs: 'read',
    method: 'GET',
    path: () => '/acme',
    status: 200,
    of: 'organization',
  },
  {
    title: 'list repositories',
    needs: 'read',
    method: 'GET',
    path: () => '/acme/repos',
    status: 200,
    of: 'organization',
  },
  {
    title: 'get a repository',
    needs: 'read',
    method: 'GET',
    path: ({ repo }) => `/acme/${repo}`,
    status: 200,
    of: 'repository',
  },
  {
    title: 'update a repository',
    needs: 'write',
    method: 'PATCH',
    path: ({ repo }) => `/acme/${repo}`,
    body: { tags: { a: 'b' } },
    status: 200,
    of: 'repository',
  },
  {
    title: 'create a repository',
    needs: 'write',
    method: 'POST',
    path: () => '/acme/repos',
    body: {},
    status: 201,
    of: 'all repositories',
  },
  {
    title: 'list API keys',
    needs: 'admin',
    method: 'GET',
    path: () => '/acme/api-keys',
    status: 200,
    of: 'keys',
  },
  {
    title: 'create an API key',
    needs: 'admin',
    method: 'POST',
    path: () => '/acme/api-keys',
    body: { scopes: ['read'] },
    status: 201,
    of: 'keys',
  },
  {
    title: 'tag an API key',
    needs: 'admin',
    method: 'PATCH',
    path: ({ keyId }) => `/acme/api-keys/${keyId}`,
    body: { tags: {} },
    status: 200,
    of: 'keys',
  },
  {
    title: 'revoke an API key',
    needs: 'admin',
    method: 'DELETE',
    path: ({ keyId }) => `/acme/api-keys/${keyId}`,
    status: 200,
    of: 'keys',
  },
];
