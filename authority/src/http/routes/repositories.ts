import { ulid } from 'ulid';

import {
  deleteRepository,
  findRepository,
  insertRepository,
  listRepositories,
  type Repository,
  updateRepository,
} from '../../database/repositories.ts';
import { ApiError } from '../../errors.ts';
import { type Caller, isRestricted, requirePermission, requireRepository } from '../../rules/caller.ts';
import { isBranchName, isRepositoryName } from '../../rules/names.ts';
import { DEFAULT_LIMIT } from '../../rules/page.ts';
import { changeTags, parseTagFilter } from '../../rules/tags.ts';
import { visibleRepositories } from '../../rules/visible-repositories.ts';
import { errors, OF_BODIES } from '../error-replies.ts';
import { callerOf } from '../rest-authentication.ts';
import {
  CreateRepoBody,
  ListReposQuery,
  OrgParams,
  Repo,
  RepoPage,
  RepoParams,
  Success,
  UpdateRepoBody,
} from '../schemas.ts';
import type { RestApp, Services } from '../services.ts';

const DEFAULT_BOOKMARK = 'main';

export function repositoryRoutes(app: RestApp, { db, gitRoot, now }: Services): void {
  app.get(
    '/:org/repos',
    {
      schema: {
        tags: ['Repositories'],
        operationId: 'listRepos',
        summary: 'List the repositories that the credential may use, by name',
        params: OrgParams,
        querystring: ListReposQuery,
        response: { 200: RepoPage, ...errors('BAD_REQUEST', 'FORBIDDEN') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requirePermission(caller, 'read');
      const { limit, cursor, tags } = request.query;
      const page = await listRepositories(db, caller.organization.id, {
        limit: limit ?? DEFAULT_LIMIT,
        cursor,
        tags: tags === undefined ? [] : parseTagFilter(tags),
        ...visibleRepositories(caller),
      });
      return {
        next_cursor: page.nextCursor,
        has_more: page.nextCursor !== null,
        repos: await Promise.all(page.items.map((repository) => present(caller, repository))),
      };
    },
  );

  app.post(
    '/:org/repos',
    {
      schema: {
        tags: ['Repositories'],
        operationId: 'createRepo',
        summary: 'Create an empty repository',
        params: OrgParams,
        body: CreateRepoBody,
        response: { 201: Repo, ...errors('BAD_REQUEST', 'FORBIDDEN', 'CONFLICT', ...OF_BODIES) },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      requirePermission(caller, 'write');
      if (isRestricted(caller)) {
        throw new ApiError('FORBIDDEN', 'A credential for some repositories cannot create others');
      }
      const { name, default_bookmark: bookmark, tags } = request.body;
      const at = now();
      const id = `repo_${ulid(at.getTime())}`;
      const repository: Repository = {
        id,
        name: name ?? id.toLowerCase().replace('_', '-'),
        defaultBookmark: bookmark ?? DEFAULT_BOOKMARK,
        tags: changeTags({}, tags ?? {}),
        createdAt: at,
      };
      requireNames(repository);
      // First the files, under an id that nobody knows yet: a repository in the database can always be used.
      await gitRoot.create(id, repository.defaultBookmark);
      try {
        await insertRepository(db, caller.organization.id, repository);
      } catch (error) {
        await gitRoot.remove(id);
        throw error;
      }
      return reply.code(201).send(await present(caller, repository));
    },
  );

  app.get(
    '/:org/:repo',
    {
      schema: {
        tags: ['Repositories'],
        operationId: 'getRepo',
        summary: 'Get a repository',
        params: RepoParams,
        response: { 200: Repo, ...errors('BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requirePermission(caller, 'read');
      return present(caller, await existing(caller, request.params.repo));
    },
  );

  app.patch(
    '/:org/:repo',
    {
      schema: {
        tags: ['Repositories'],
        operationId: 'updateRepo',
        summary: 'Rename a repository, or change its default bookmark or tags',
        params: RepoParams,
        body: UpdateRepoBody,
        response: { 200: Repo, ...errors('BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', ...OF_BODIES) },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requirePermission(caller, 'write');
      const { id } = await existing(caller, request.params.repo);
      const { name, default_bookmark: defaultBookmark, tags } = request.body;
      requireNames({ name, defaultBookmark });
      const repository = await updateRepository(db, id, { name, defaultBookmark, tags });
      if (defaultBookmark !== undefined) {
        await gitRoot.setHead(id, defaultBookmark);
      }
      return present(caller, repository);
    },
  );

  app.delete(
    '/:org/:repo',
    {
      schema: {
        tags: ['Repositories'],
        operationId: 'deleteRepo',
        summary: 'Delete a repository with everything in it',
        params: RepoParams,
        response: { 200: Success, ...errors('BAD_REQUEST', 'FORBIDDEN', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      requirePermission(caller, 'write');
      const { id } = await existing(caller, request.params.repo);
      if (!(await deleteRepository(db, id))) {
        throw new ApiError('NOT_FOUND', 'There is no such repository');
      }
      await gitRoot.remove(id);
      return { success: true as const };
    },
  );

  async function existing(caller: Caller, name: string): Promise<Repository> {
    return requireRepository(caller, await findRepository(db, caller.organization.id, name));
  }

  async function present({ organization }: Caller, repository: Repository) {
    const { id, name, defaultBookmark, tags, createdAt } = repository;
    return {
      id,
      org: organization.slug,
      name,
      default_bookmark: defaultBookmark,
      head_change_id: await gitRoot.headChangeId(id, defaultBookmark),
      upstream: null,
      created_at: createdAt.toISOString(),
      tags,
    };
  }
}

function requireNames({
  name,
  defaultBookmark,
}: Partial<{ [K in 'name' | 'defaultBookmark']: string | undefined }>): void {
  if (name !== undefined && !isRepositoryName(name)) {
    throw new ApiError(
      'BAD_REQUEST',
      'A repository name is 1 to 100 of A-Z a-z 0-9 . _ - without a leading - or a .git ending, and not a reserved word',
    );
  }
  if (defaultBookmark !== undefined && !isBranchName(defaultBookmark)) {
    throw new ApiError('BAD_REQUEST', 'The default bookmark is no name for a git branch');
  }
}
