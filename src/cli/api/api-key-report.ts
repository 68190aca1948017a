import { describeDistance } from '../../core/key-expiry.ts';
import type { ApiKey } from '../../rest/api-keys.ts';

export function statusOf({ revoked, expires }: ApiKey, now: Date): 'active' | 'revoked' | 'expired' {
  if (revoked !== undefined) {
    return 'revoked';
  }
  return expires !== undefined && expires <= now ? 'expired' : 'active';
}

/** What `--json` says of an API key. @param names of repositories by their ids, as far as they are known */
export function apiKeyJson(
  key: ApiKey,
  names: ReadonlyMap<string, string>,
  now: Date,
): Record<string, unknown> {
  const { id, name, permissions, repoIds, tags, created, expires, revoked, lastUsed } = key;
  return {
    id,
    name: name ?? null,
    status: statusOf(key, now),
    permissions,
    repository_ids: repoIds ?? null,
    repositories: repoIds?.map((repoId) => names.get(repoId) ?? null) ?? null,
    tags: Object.fromEntries(tags),
    created: created.toISOString(),
    expires: expires?.toISOString() ?? null,
    revoked: revoked?.toISOString() ?? null,
    last_used: lastUsed?.toISOString() ?? null,
  };
}

export const API_KEY_HEADING = [
  'ID',
  'NAME',
  'STATUS',
  'PERMISSIONS',
  'REPOSITORIES',
  'EXPIRES',
  'LAST USED',
  'TAGS',
] as const;

export function apiKeyRow(key: ApiKey, names: ReadonlyMap<string, string>, now: Date): readonly string[] {
  const { id, name, permissions, repoIds, tags, expires, lastUsed } = key;
  return [
    id,
    name ?? '-',
    statusOf(key, now),
    permissions.join(','),
    describeRepositories(repoIds, names),
    expires === undefined ? 'never' : describeDistance(expires, now),
    lastUsed === undefined ? 'never' : describeDistance(lastUsed, now),
    tags.size === 0 ? '-' : Array.from(tags, ([tag, value]) => `${tag}=${value}`).join(','),
  ];
}

/** A key that was just created: `read, write; web alone; expires in 90 days`. */
export function describeApiKey(key: ApiKey, names: ReadonlyMap<string, string>): string {
  const { permissions, repoIds, created, expires } = key;
  return [
    permissions.join(', '),
    repoIds === undefined ? 'all repositories' : `${describeRepositories(repoIds, names)} alone`,
    expires === undefined ? 'never expires' : `expires ${describeDistance(expires, created)}`,
  ].join('; ');
}

function describeRepositories(
  repoIds: readonly string[] | undefined,
  names: ReadonlyMap<string, string>,
): string {
  return repoIds === undefined ? 'all' : repoIds.map((id) => names.get(id) ?? id).join(',');
}
