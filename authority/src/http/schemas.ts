import { PERMISSIONS } from 'mesa-auth/access-token';
import { type TSchema, Type } from 'typebox';

import { API_ERROR_CODES } from '../errors.ts';
import { MAX_LIMIT } from '../rules/page.ts';
import { MAX_TAG_KEY, MAX_TAG_VALUE } from '../rules/tags.ts';

// The shapes of the contract, sections 7 and 9: what requests are checked against, answers written by, and openapi.json
// made from. Objects take no unknown members: a misspelt `repo_ids` would make a key for every repository.

const CLOSED = { additionalProperties: false } as const;

const DateTime = Type.String({ format: 'date-time' });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Scope = Type.Enum([...PERMISSIONS]);
const TagKey = `^[\\s\\S]{1,${MAX_TAG_KEY}}$`;
const TagValue = Type.String({ maxLength: MAX_TAG_VALUE });
export const Tags = Type.Record(Type.String({ pattern: TagKey }), TagValue, CLOSED);
export const TagChanges = Type.Record(Type.String({ pattern: TagKey }), nullable(TagValue), CLOSED);

export const OrgParams = Type.Object({ org: Type.String({ minLength: 1 }) });
export const KeyParams = Type.Object({
  org: Type.String({ minLength: 1 }),
  id: Type.String({ minLength: 1 }),
});
export const RepoParams = Type.Object({
  org: Type.String({ minLength: 1 }),
  repo: Type.String({ minLength: 1 }),
});

const PageQuery = {
  cursor: Type.Optional(Type.String({ description: 'From a previous page' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT })),
};
const PageMembers = { next_cursor: nullable(Type.String()), has_more: Type.Boolean() };

export const Success = Type.Object({ success: Type.Literal(true) });

export const CallerIdentity = Type.Object({
  org: Type.Object({ id: Type.String(), slug: Type.String(), name: Type.String() }),
  key_id: nullable(Type.String({ description: 'Null for an access token, which cannot sign others' })),
  key_name: nullable(Type.String()),
  scopes: Type.Array(Type.String()),
});

export const OrganizationSummary = Type.Object({ created_at: DateTime, num_repos: Type.Integer() });

const apiKeyMembers = {
  id: Type.String(),
  name: nullable(Type.String()),
  scopes: Type.Array(Type.String()),
  repo_ids: nullable(Type.Array(Type.String())),
  tags: Tags,
  created_at: DateTime,
};
export const CreateApiKeyBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    scopes: Type.Optional(Type.Array(Scope, { minItems: 1, maxItems: 16 })),
    repo_ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 500 }),
    ),
    expires_in_seconds: Type.Optional(Type.Integer({ minimum: 100, maximum: 31_536_000 })),
    tags: Type.Optional(Tags),
  },
  CLOSED,
);
export const CreatedApiKey = Type.Object({
  ...apiKeyMembers,
  key: Type.String({ description: 'The secret, shown this once' }),
});
export const ListApiKeysQuery = Type.Object(
  {
    ...PageQuery,
    query: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    status: Type.Optional(Type.Enum(['active', 'revoked', 'expired', 'all'])),
    scope: Type.Optional(Scope),
    repo_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
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
export const ApiKeyPage = Type.Object({ ...PageMembers, api_keys: Type.Array(ListedApiKey) });
export const UpdateTagsBody = Type.Object({ tags: TagChanges }, CLOSED);
export const UpdatedTags = Type.Object({ tags: Tags });

export const Repo = Type.Object({
  id: Type.String(),
  org: Type.String(),
  name: Type.String(),
  default_bookmark: Type.String(),
  head_change_id: Type.String({ pattern: '^[k-z]{32}$' }),
  upstream: Type.Null(),
  created_at: DateTime,
  tags: Tags,
});
export const RepoPage = Type.Object({ ...PageMembers, repos: Type.Array(Repo) });
export const ListReposQuery = Type.Object(
  { ...PageQuery, tags: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })) },
  CLOSED,
);
const RepoName = Type.String({ minLength: 1, maxLength: 100 });
const BookmarkName = Type.String({ minLength: 1, maxLength: 200 });
// Upstreams are known to the contract and not to this server; null says that there is none, which is true.
const Upstream = Type.Null();
export const CreateRepoBody = Type.Object(
  {
    name: Type.Optional(RepoName),
    default_bookmark: Type.Optional(BookmarkName),
    tags: Type.Optional(Tags),
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

export const ErrorReply = Type.Object({
  error: Type.Object({
    code: Type.Enum([...API_ERROR_CODES]),
    message: Type.String(),
    details: Type.Optional(Type.Object({}, { additionalProperties: true })),
    trace_id: Type.Optional(Type.String({ description: 'With 5xx: quote it when you report the error' })),
  }),
});
/** What every route can answer besides its success. */
export const errors = { '4xx': ErrorReply, '5xx': ErrorReply } as const;
