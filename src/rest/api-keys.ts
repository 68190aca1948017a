import {
  createApiKey as create,
  listApiKeys as list,
  revokeApiKey as revoke,
  updateApiKey,
} from '@mesadev/rest';

import type { Permission } from '../access-token/permissions.ts';
import { quoteText } from '../core/escape-text.ts';
import { isWritableMoment } from '../core/moment.ts';
import { isPrintableName } from '../core/printable-name.ts';
import { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import { RefusedRequest, StrangeCreation, strangeAnswer } from './failures.ts';
import { fieldsOf, isTexts } from './fields.ts';
import { clientOptions } from './official-client.ts';
import { allPages, PAGE_SIZE } from './pages.ts';
import type { ApiAccess } from './request.ts';

/** An API key as the server lists it (contract section 7), never the secret. Texts are of foreign origin. */
export interface ApiKey {
  readonly id: string;
  readonly name: string | undefined;
  /** The wire calls them scopes. */
  readonly permissions: readonly string[];
  /** The repositories that it is limited to; undefined for all. */
  readonly repoIds: readonly string[] | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly created: Date;
  /** Undefined for a key that never ends. */
  readonly expires: Date | undefined;
  readonly revoked: Date | undefined;
  readonly lastUsed: Date | undefined;
}

export interface ListFilter {
  readonly status?: 'active' | 'revoked' | 'expired' | 'all' | undefined;
  /** Keys that have it. */
  readonly permission?: Permission | undefined;
  /** A part of the name. */
  readonly query?: string | undefined;
  /** Keys that are limited to it, among others. */
  readonly repoId?: string | undefined;
}

/** All keys of an organization, a page at a time. @throws as requestJson */
export function listApiKeys(
  access: ApiAccess,
  org: string,
  { status, permission, query, repoId }: ListFilter,
): AsyncGenerator<readonly ApiKey[]> {
  return allPages(
    access.apiUrl,
    'the list of API keys',
    (cursor) =>
      list({
        ...clientOptions(access),
        path: { org },
        query: {
          limit: PAGE_SIZE,
          ...(cursor === undefined ? {} : { cursor }),
          ...(status === undefined ? {} : { status }),
          ...(permission === undefined ? {} : { scope: permission }),
          ...(query === undefined ? {} : { query }),
          ...(repoId === undefined ? {} : { repo_id: repoId }),
        },
      }),
    ({ api_keys: keys }) => {
      const parsed = Array.isArray(keys) ? keys.map(parseApiKey) : [undefined];
      return parsed.every((key) => key !== undefined) ? parsed : undefined;
    },
  );
}

/** What a new key shall be. What is undefined is left to the server: read and write, all repositories, no end. */
export interface KeyOrder {
  readonly name: string | undefined;
  readonly permissions: readonly Permission[] | undefined;
  readonly repoIds: readonly string[] | undefined;
  /** 100 to 31,536,000. */
  readonly expiresInSeconds: number | undefined;
  readonly tags: ReadonlyMap<string, string>;
}

export interface CreatedApiKey extends ApiKey {
  /** Shown this once. */
  readonly token: Token;
}

/**
 * Asks once: when there is no answer, there may be a key that nobody knows.
 * @throws as requestJson, StrangeCreation
 */
export async function createApiKey(access: ApiAccess, org: string, order: KeyOrder): Promise<CreatedApiKey> {
  const { name, permissions, repoIds, expiresInSeconds, tags } = order;
  const answer = fieldsOf(
    await create({
      ...clientOptions(access),
      path: { org },
      body: {
        ...(name === undefined ? {} : { name }),
        ...(permissions === undefined ? {} : { scopes: [...permissions] }),
        ...(repoIds === undefined ? {} : { repo_ids: [...repoIds] }),
        ...(expiresInSeconds === undefined ? {} : { expires_in_seconds: expiresInSeconds }),
        ...(tags.size === 0 ? {} : { tags: Object.fromEntries(tags) }),
      },
    }),
  );
  const key = parseApiKey(answer);
  const token = typeof answer['key'] === 'string' ? Token.ifValid(answer['key']) : undefined;
  // The answer need not say when the key ends.
  const expires =
    key?.expires ??
    (key === undefined || expiresInSeconds === undefined
      ? undefined
      : new Date(key.created.getTime() + expiresInSeconds * 1_000));
  if (key === undefined || token === undefined || (expires !== undefined && !isWritableMoment(expires))) {
    const { id } = answer;
    throw isPrintableName(id)
      ? new StrangeCreation(access.apiUrl, id)
      : strangeAnswer(access.apiUrl, 'the creation of an API key');
  }
  return { ...key, expires, token };
}

/** Makes a key useless for good. Of one that is revoked already it is no error. @throws as requestJson, KEY_NOT_FOUND */
export async function revokeApiKey(access: ApiAccess, org: string, id: string): Promise<void> {
  const answer = await aboutKey(org, id, () => revoke({ ...clientOptions(access), path: { org, id } }));
  if (fieldsOf(answer)['success'] !== true) {
    throw strangeAnswer(access.apiUrl, 'the revocation of an API key');
  }
}

/**
 * Sets tags and, with null, removes them.
 * @returns all tags that the key has then
 * @throws as requestJson, KEY_NOT_FOUND
 */
export async function changeTags(
  access: ApiAccess,
  org: string,
  id: string,
  changes: ReadonlyMap<string, string | null>,
): Promise<ReadonlyMap<string, string>> {
  const body = { tags: Object.fromEntries(changes) };
  const tags = parseTags(
    fieldsOf(
      await aboutKey(org, id, () => updateApiKey({ ...clientOptions(access), path: { org, id }, body })),
    )['tags'],
  );
  if (tags === undefined) {
    throw strangeAnswer(access.apiUrl, 'the change of tags');
  }
  return tags;
}

/** A request about one key. @throws KEY_NOT_FOUND when the server does not know that key, else what it throws */
async function aboutKey<T>(org: string, id: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw error instanceof RefusedRequest && error.status === 404
      ? new MesaAuthError('KEY_NOT_FOUND', `there is no API key ${quoteText(id)} in organization '${org}'`, {
          hint: `mesa auth api-keys list --org ${org}`,
          cause: error,
        })
      : error;
  }
}

function parseApiKey(value: unknown): ApiKey | undefined {
  const { id, name, scopes, repo_ids: repoIds = null, tags, created_at, ...times } = fieldsOf(value);
  const created = parseTime(created_at);
  const parsedTags = parseTags(tags ?? {});
  const [expires, revoked, lastUsed] = ['expires_at', 'revoked_at', 'last_used_at'].map((member) =>
    parseTime(times[member] ?? undefined),
  );
  if (
    !isPrintableName(id) ||
    !(name === null || name === undefined || typeof name === 'string') ||
    !isTexts(scopes) ||
    !(repoIds === null || isTexts(repoIds)) ||
    parsedTags === undefined ||
    !(created instanceof Date) ||
    expires === null ||
    revoked === null ||
    lastUsed === null
  ) {
    return undefined;
  }
  return {
    id,
    name: name ?? undefined,
    permissions: scopes,
    repoIds: repoIds ?? undefined,
    tags: parsedTags,
    created,
    expires,
    revoked,
    lastUsed,
  };
}

/** Undefined for what is not there, null for what is no time, or one that no store could hold. */
function parseTime(value: unknown): Date | null | undefined {
  if (value === undefined) {
    return undefined;
  }
  const time = typeof value === 'string' ? new Date(value) : undefined;
  return time !== undefined && isWritableMoment(time) ? time : null;
}

function parseTags(value: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  const tags = Object.entries(fieldsOf(value));
  return tags.every((tag): tag is [string, string] => typeof tag[1] === 'string') ? new Map(tags) : undefined;
}
