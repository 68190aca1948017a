import { PERMISSIONS } from 'mesa-auth/access-token';

import {
  type ApiKey,
  findApiKey,
  insertApiKeyBy,
  listApiKeys,
  revokeApiKey,
  updateApiKeyTags,
} from '../../database/api-keys.ts';
import { existingRepositories } from '../../database/repositories.ts';
import { ApiError } from '../../errors.ts';
import { type Caller, isWithin, requireKeyManager } from '../../rules/caller.ts';
import { DEFAULT_LIMIT } from '../../rules/page.ts';
import { changeTags } from '../../rules/tags.ts';
import { errors, OF_BODIES } from '../error-replies.ts';
import { callerOf } from '../rest-authentication.ts';
import {
  ApiKeyPage,
  CreateApiKeyBody,
  CreatedApiKey,
  KeyParams,
  ListApiKeysQuery,
  OrgParams,
  Success,
  UpdatedTags,
  UpdateTagsBody,
} from '../schemas.ts';
import type { RestApp, Services } from '../services.ts';

/** Seed 002: without `scopes` a key may do what development needs, and nothing with other keys. */
const DEFAULT_SCOPES = ['read', 'write'] as const;

export function apiKeyRoutes(app: RestApp, { db, sealer, now }: Services): void {
  app.get(
    '/:org/api-keys',
    {
      schema: {
        tags: ['Credentials'],
        operationId: 'listApiKeys',
        summary: 'List API keys, the newest first; never their secrets',
        params: OrgParams,
        querystring: ListApiKeysQuery,
        response: { 200: ApiKeyPage, ...errors('BAD_REQUEST', 'FORBIDDEN') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requireKeyManager(caller);
      const { limit, cursor, query, status, scope, repo_id: repoId } = request.query;
      const page = await listApiKeys(
        db,
        caller.organization.id,
        {
          limit: limit ?? DEFAULT_LIMIT,
          cursor,
          query,
          status: status ?? 'all',
          permission: scope,
          repoId,
          withinRepoIds: caller.repoIds,
        },
        now(),
      );
      return {
        next_cursor: page.nextCursor,
        has_more: page.nextCursor !== null,
        api_keys: page.items.map((key) => ({
          ...sharedMembers(key),
          metadata: null,
          last_used_at: key.lastUsedAt?.toISOString() ?? null,
          expires_at: key.expiresAt?.toISOString() ?? null,
          revoked_at: key.revokedAt?.toISOString() ?? null,
        })),
      };
    },
  );

  app.post(
    '/:org/api-keys',
    {
      schema: {
        tags: ['Credentials'],
        operationId: 'createApiKey',
        summary: 'Create an API key, whose secret is shown this once',
        params: OrgParams,
        body: CreateApiKeyBody,
        response: { 201: CreatedApiKey, ...errors('BAD_REQUEST', 'FORBIDDEN', ...OF_BODIES) },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      requireKeyManager(caller);
      const { name, scopes, repo_ids, expires_in_seconds: seconds, tags } = request.body;
      const asked: readonly string[] = scopes ?? DEFAULT_SCOPES;
      const permissions = PERMISSIONS.filter((permission) => asked.includes(permission));
      const repoIds = repo_ids === undefined ? null : [...new Set(repo_ids)];
      if (!isWithin({ permissions, repoIds }, caller)) {
        throw new ApiError('FORBIDDEN', 'An API key cannot create one that is allowed more than itself');
      }
      await requireRepositories(caller, repoIds ?? []);
      const at = now();
      const key = await insertApiKeyBy(
        caller.keyId,
        db,
        sealer,
        {
          organizationId: caller.organization.id,
          name: name ?? null,
          permissions,
          repoIds,
          tags: changeTags({}, tags ?? {}),
          expiresAt: seconds === undefined ? null : new Date(at.getTime() + seconds * 1_000),
        },
        at,
      );
      return reply.code(201).send({ ...sharedMembers(key), key: key.secret });
    },
  );

  app.delete(
    '/:org/api-keys/:id',
    {
      schema: {
        tags: ['Credentials'],
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key, and with it every access token that it signed; again changes nothing',
        params: KeyParams,
        response: { 200: Success, ...errors('BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const { id } = await managedKey(callerOf(request), request.params.id);
      await revokeApiKey(db, id, now());
      return { success: true as const };
    },
  );

  app.patch(
    '/:org/api-keys/:id',
    {
      schema: {
        tags: ['Credentials'],
        operationId: 'updateApiKey',
        summary: 'Set and, with null, remove tags of an API key; answers with all of them',
        params: KeyParams,
        body: UpdateTagsBody,
        response: { 200: UpdatedTags, ...errors('BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND', ...OF_BODIES) },
      },
    },
    async (request) => {
      const { id } = await managedKey(callerOf(request), request.params.id);
      return { tags: await updateApiKeyTags(db, id, request.body.tags) };
    },
  );

  /** The key, if the caller may manage it: one that is restricted manages those within its repositories. */
  async function managedKey(caller: Caller, id: string): Promise<ApiKey> {
    requireKeyManager(caller);
    const key = await findApiKey(db, caller.organization.id, id);
    if (key !== undefined && isWithin(key, caller)) {
      return key;
    }
    throw caller.repoIds === null
      ? new ApiError('NOT_FOUND', 'There is no such API key')
      : new ApiError('FORBIDDEN', 'The API key is not within the repositories of this one');
  }

  async function requireRepositories({ organization }: Caller, ids: readonly string[]): Promise<void> {
    const existing = await existingRepositories(db, organization.id, ids);
    const unknown = ids.filter((id) => !existing.has(id));
    if (unknown.length > 0) {
      throw new ApiError('BAD_REQUEST', 'There are no such repositories', { repo_ids: unknown });
    }
  }
}

function sharedMembers({ id, name, permissions, repoIds, tags, createdAt }: ApiKey) {
  return {
    id,
    name,
    scopes: [...permissions],
    repo_ids: repoIds && [...repoIds],
    tags,
    created_at: createdAt.toISOString(),
  };
}
