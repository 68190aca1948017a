import { createHmac } from 'node:crypto';

import type { Permission } from '../../src/access-token/permissions.ts';
import { encodePart } from './jwt.ts';

export const KEY_ID = 'key_01TEST';
export const API_KEY = 'mesa_test_key_0123456789abcdef';
/** SHA-256 of the key in base64url, as the contract states it. */
export const SIGNING_SECRET = 'sqEqecukK6qqV-bvJmrPLHXrYkDNwbvJinJVn514Cgk';
/** 2026-01-01 and 123 ms. */
export const SIGNED_AT = new Date(1_767_225_600_123);

export const HEADER = { alg: 'HS256', typ: 'mesa-at+jwt', kid: `${KEY_ID}.v1` };
export const CLAIMS = {
  iss: KEY_ID,
  aud: 'mesa-api',
  scopes: ['read', 'write'],
  repos: ['acme/web'],
  iat: 1_767_225_600,
  exp: 1_767_229_200,
  jti: '00000000-0000-4000-8000-000000000001',
};

interface GoldenToken {
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly repos: readonly string[] | null;
  readonly ttlSeconds: number | undefined;
  readonly jti: string;
  readonly expiresAt: string;
  readonly token: string;
}

const HEADER_PART = 'eyJhbGciOiJIUzI1NiIsInR5cCI6Im1lc2EtYXQrand0Iiwia2lkIjoia2V5XzAxVEVTVC52MSJ9';

/** What @mesadev/sdk 0.38.0 signed with this key at that moment: the golden vectors of Mesa's contract. */
export const GOLDEN_TOKENS: readonly [GoldenToken, GoldenToken, GoldenToken] = [
  {
    name: 'A',
    permissions: ['read', 'write'],
    repos: ['acme/web'],
    ttlSeconds: 3_600,
    jti: '00000000-0000-4000-8000-000000000001',
    expiresAt: '2026-01-01T01:00:00.000Z',
    token: `${HEADER_PART}.eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsicmVhZCIsIndyaXRlIl0sInJlcG9zIjpbImFjbWUvd2ViIl0sImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ.RxHOJkMdPuQVYOE8YLL72zx5Zv7KMthQcUF7mMQBqhk`,
  },
  {
    name: 'B',
    permissions: ['read'],
    repos: null,
    ttlSeconds: undefined,
    jti: '00000000-0000-4000-8000-000000000002',
    expiresAt: '2026-01-01T01:00:00.000Z',
    token: `${HEADER_PART}.eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsicmVhZCJdLCJyZXBvcyI6bnVsbCwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDAsImp0aSI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMiJ9.9VnKOcXk4wrRXKpTDXnn3paDew1wEIFOGFI1_TukS7c`,
  },
  {
    name: 'C',
    permissions: ['admin'],
    repos: [],
    ttlSeconds: 86_400,
    jti: '00000000-0000-4000-8000-000000000003',
    expiresAt: '2026-01-02T00:00:00.000Z',
    token: `${HEADER_PART}.eyJpc3MiOiJrZXlfMDFURVNUIiwiYXVkIjoibWVzYS1hcGkiLCJzY29wZXMiOlsiYWRtaW4iXSwicmVwb3MiOltdLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzMxMjAwMCwianRpIjoiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAzIn0.advh-_oD57_HHRdnZzchWGAqDvSNYGl4O38e5-FQha0`,
  },
];

/** A token as nobody's library would make it, with the right signature over whatever it says. */
export function signRaw(header: unknown, claims: unknown): string {
  return signParts(encodePart(header), encodePart(claims));
}

/** As `signRaw`, for parts that are perhaps no base64url. */
export function signParts(header: string, claims: string): string {
  const signature = createHmac('sha256', SIGNING_SECRET).update(`${header}.${claims}`).digest('base64url');
  return `${header}.${claims}.${signature}`;
}

/** Knows the one key of the golden vectors. */
export function knownSecret(keyId: string): Promise<string | undefined> {
  return Promise.resolve(keyId === KEY_ID ? SIGNING_SECRET : undefined);
}
