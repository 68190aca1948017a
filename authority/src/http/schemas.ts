import { PERMISSIONS } from 'mesa-auth/access-token';
import { type TSchema, Type } from 'typebox';

import { MAX_LIMIT } from '../rules/page.ts';
import { MAX_TAG_KEY, MAX_TAG_VALUE, MAX_TAGS } from '../rules/tags.ts';

// The shapes of the contract, sections 7 and 9: what requests are checked against, answers written by, and openapi.json
// made from. Objects take no unknown members: a misspelt `repo_ids` would make a key for every repository.

const CLOSED = { additionalProperties: false } as const;

/** Neither control characters, of which PostgreSQL has no NUL, nor halves of characters, which UTF-8 has not. */
const PATTERN = '^[^\\p{Cc}\\p{Cs}]*$';
const text = (
  minLength: number,
  maxLength: number,
  more: { description?: string; examples?: string[] } = {},
) => Type.String({ minLength, maxLength, pattern: PATTERN, ...more });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const DateTime = Type.String({ format: 'date-time', examples: ['2026-11-21T10:00:00.000Z'] });

export const Scope = Type.Enum([...PERMISSIONS], { description: 'Each includes those before it' });

const TagKey = text(1, MAX_TAG_KEY);
const TagValue = text(0, MAX_TAG_VALUE);
const tagsOf = <T>(value: TSchema, description: string, example: T) =>
  Type.Unsafe<Record<string, T[keyof T]>>({
    type: 'object',
    description,
    propertyNames: TagKey,
    additionalProperties: value,
    maxProperties: MAX_TAGS,
    examples: [example],
  });
const NewTags = tagsOf<Record<string, string>>(TagValue, 'Names are lower-cased', {
  env: 'production',
  team: 'platform',
});
const TagChanges = tagsOf<Record<string, string | null>>(
  nullable(TagValue),
  'A text sets, null removes, what is not named stays. Names are lower-cased',
  { env: 'staging', team: null },
);
const Tags = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string' },
  examples: [{ env: 'production' }],
});

const OrgSlug = text(1, 1_000, { description: 'Slug of the organization', examples: ['acme'] });
export const OrgParams = Type.Object({ org: OrgSlug });
export const KeyParams = Type.Object({
  org: OrgSlug,
  id: text(1, 1_000, {
    description: 'Id of the API key, not the key itself',
    examples: ['key_01K9J3V8Q2ZC5T7W4X6Y8A0B1C'],
  }),
});
export const RepoParams = Type.Object({
  org: OrgSlug,
  repo: text(1, 1_000, { description: 'Name of the repository', examples: ['web'] }),
});

const PageQuery = {
  cursor: Type.Optional(Type.String({ minLength: 1, description: '`next_cursor` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description: '50 when absent' })),
};
const PageMembers = {
  next_cursor: nullable(Type.String({ description: 'Leads to the next page; null on the last one' })),
  has_more: Type.Boolean(),
};

export const Health = Type.Object({ status: Type.Literal('ok') }, { description: 'It can' });

export const Success = Type.Object({ success: Type.Literal(true) }, { description: 'Done' });

export const CallerIdentity = Type.Object(
  {
    org: Type.Object({
      id: Type.String({ examples: ['org_01K9J3V8Q2ZC5T7W4X6Y8A0B1C'] }),
      slug: Type.String({ examples: ['acme'] }),
      name: Type.String({ examples: ['acme'] }),
    }),
    key_id: nullable(Type.String({ description: 'Null for an access token, which cannot sign others' })),
    key_name: nullable(Type.String()),
    scopes: Type.Array(Scope, { description: 'Of an access token: what it claims and its key has' }),
  },
  { description: 'Who asks' },
);

export const OrganizationSummary = Type.Object(
  { created_at: DateTime, num_repos: Type.Integer({ minimum: 0 }) },
  { description: 'The organization' },
);

const apiKeyMembers = {
  id: Type.String({ examples: ['key_01K9J3V8Q2ZC5T7W4X6Y8A0B1C'] }),
  name: nullable(Type.String({ examples: ['CI/CD Pipeline'] })),
  scopes: Type.Array(Scope),
  repo_ids: nullable(Type.Array(Type.String(), { description: 'Null for all of the organization' })),
  tags: Tags,
  created_at: DateTime,
};
export const CreateApiKeyBody = Type.Object(
  {
    name: Type.Optional(text(1, 255)),
    scopes: Type.Optional(
      Type.Array(Scope, { minItems: 1, maxItems: 16, description: 'read and write when absent' }),
    ),
    repo_ids: Type.Optional(
      Type.Array(text(1, 64), {
        minItems: 1,
        maxItems: 500,
        description: 'What the key is restricted to; all of the organization when absent',
      }),
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 31_536_000, description: 'Never when absent' }),
    ),
    tags: Type.Optional(NewTags),
  },
  {
    ...CLOSED,
    examples: [
      {
        name: 'CI/CD Pipeline',
        scopes: ['read', 'write'],
        expires_in_seconds: 2_592_000,
        tags: { env: 'production', team: 'platform' },
      },
    ],
  },
);
export const CreatedApiKey = Type.Object(
  { ...apiKeyMembers, key: Type.String({ description: 'The secret, shown this once' }) },
  { description: 'The API key, with its secret' },
);
export const ListApiKeysQuery = Type.Object(
  {
    ...PageQuery,
    query: Type.Optional(text(1, 255, { description: 'A part of the name, in any case' })),
    status: Type.Optional(
      Type.Enum(['active', 'revoked', 'expired', 'all'], { description: 'all when absent' }),
    ),
    scope: Type.Optional(Scope),
    repo_id: Type.Optional(text(1, 64, { description: 'Keys restricted to it, among others' })),
  },
  CLOSED,
);
export const ListedApiKey = Type.Object({
  ...apiKeyMembers,
  metadata: Type.Null(),
  last_used_at: nullable(DateTime),
  expires_at: nullable(DateTime),
  revoked_at: nullable(DateTime),
});
export const ApiKeyPage = Type.Object(
  { ...PageMembers, api_keys: Type.Array(ListedApiKey) },
  { description: 'A page of API keys, without their secrets' },
);
export const UpdateTagsBody = Type.Object({ tags: TagChanges }, CLOSED);
export const UpdatedTags = Type.Object({ tags: Tags }, { description: 'All tags after the change' });

const repoMembers = {
  id: Type.String({ examples: ['repo_01K9J3V8Q2ZC5T7W4X6Y8A0B1C'] }),
  org: Type.String({ examples: ['acme'] }),
  name: Type.String({ examples: ['web'] }),
  default_bookmark: Type.String({ examples: ['main'] }),
  head_change_id: Type.String({
    pattern: '^[k-z]{32}$',
    description: 'Of the default bookmark; 32 times z when the repository is empty',
  }),
  upstream: Type.Null(),
  created_at: DateTime,
  tags: Tags,
};
export const Repo = Type.Object(repoMembers, { description: 'The repository' });
export const RepoPage = Type.Object(
  { ...PageMembers, repos: Type.Array(Repo) },
  { description: 'A page of repositories' },
);
export const ListReposQuery = Type.Object(
  {
    ...PageQuery,
    tags: Type.Optional(
      text(1, 2_000, { description: 'All of them must be there', examples: ['env:prod,team:agents'] }),
    ),
  },
  CLOSED,
);
const RepoName = Type.String({ minLength: 1, maxLength: 100, examples: ['web'] });
const BookmarkName = Type.String({ minLength: 1, maxLength: 200, examples: ['main'] });
// Upstreams are known to the contract and not to this server; null says that there is none, which is true.
const Upstream = Type.Null();
export const CreateRepoBody = Type.Object(
  {
    name: Type.Optional(RepoName),
    default_bookmark: Type.Optional(BookmarkName),
    tags: Type.Optional(NewTags),
    upstream: Type.Optional(Upstream),
  },
  CLOSED,
);
export const UpdateRepoBody = Type.Object(
  {
    name: Type.Optional(RepoName),
    default_bookmark: Type.Optional(BookmarkName),
    tags: Type.Optional(TagChanges),
    upstream: Type.Optional(Upstream),
  },
  CLOSED,
);
