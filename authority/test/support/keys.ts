import { signAccessToken, type Permission } from 'mesa-auth/access-token';
import { expect } from 'vitest';

import type { Authority } from './authority.ts';
import { rest } from './rest.ts';

type Place = Pick<Authority, 'url' | 'adminKey'>;

export interface TestKey {
  readonly id: string;
  /** The secret. */
  readonly key: string;
}

/** An API key of `acme`, made with the first admin key. */
export async function newKey(place: Place, body: object = {}): Promise<TestKey> {
  const reply = await rest(place, 'POST', '/acme/api-keys', place.adminKey, body);
  expect(reply).toMatchObject({ status: 201 });
  return { id: reply.body.id, key: reply.body.key };
}

/** A repository of `acme`. @returns its id */
export async function newRepo(place: Place, name: string, more: object = {}): Promise<string> {
  const reply = await rest(place, 'POST', '/acme/repos', place.adminKey, { name, ...more });
  expect(reply).toMatchObject({ status: 201 });
  return reply.body.id;
}

export async function revoke(place: Place, id: string): Promise<void> {
  const reply = await rest(place, 'DELETE', `/acme/api-keys/${id}`, place.adminKey);
  expect(reply).toMatchObject({ status: 200 });
}

/** An access token of a key; for an hour, of all repositories. */
export function tokenOf(
  { id, key }: TestKey,
  permissions: readonly Permission[],
  repos: readonly string[] | null = null,
): string {
  return signAccessToken({ apiKeyId: id, apiKey: key, permissions, repos }).token;
}
