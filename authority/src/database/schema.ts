import type { Generated, Kysely } from 'kysely';

// Times are milliseconds since 1970, lists and maps JSON texts: the same in both databases.

export interface Schema {
  /** What the database knows about itself. */
  readonly settings: { readonly name: string; readonly value: string };
  readonly organizations: OrganizationTable;
  readonly api_keys: ApiKeyTable;
  readonly repositories: RepositoryTable;
}

export type Database = Kysely<Schema>;

interface OrganizationTable {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly created_at: number;
}

interface ApiKeyTable {
  /** Sorts by time of creation. */
  readonly id: string;
  readonly organization_id: string;
  readonly name: string | null;
  /** Lower-case, to search in. */
  readonly folded_name: string | null;
  /** HMAC of the key, by which it is found. */
  readonly digest: Uint8Array;
  /** What verifies and signs its access tokens, sealed with the master key; the id is the context. */
  readonly sealed_secret: Uint8Array;
  /** JSON list, as created. */
  readonly scopes: string;
  /** JSON list; null is no restriction. The ids of deleted repositories stay: a key never becomes wider. */
  readonly repo_ids: string | null;
  /** JSON object. */
  tags: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  revoked_at: Generated<number | null>;
  last_used_at: Generated<number | null>;
}

interface RepositoryTable {
  readonly id: string;
  readonly organization_id: string;
  name: string;
  default_bookmark: string;
  /** JSON object. */
  tags: string;
  readonly created_at: number;
}
