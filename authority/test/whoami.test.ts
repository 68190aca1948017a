import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, KINDS, startAuthority } from './support/authority.ts';
import { rest } from './support/rest.ts';

describe.each(KINDS)('whoami on %s', (kind) => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority(kind);
  });
  afterAll(endSuite);

  it('tells who the first admin key belongs to', async () => {
    const { status, body } = await rest(authority, 'GET', '/whoami', authority.adminKey);
    expect(status).toBe(200);
    expect(body).toEqual({
      org: { id: expect.stringMatching(/^org_/), slug: 'acme', name: 'acme' },
      key_id: expect.stringMatching(/^key_/),
      key_name: 'First admin key',
      scopes: ['admin'],
    });
  });

  it.each([
    ['no credential', undefined],
    ['an unknown key', 'mesa_012345678901234567890123456789000000'],
    ['what is no key', 'mesa_x'],
    ['what is no token', 'a.b.c'],
  ])('refuses %s, and says no more than that', async (_title, credential) => {
    const { status, body } = await rest(authority, 'GET', '/whoami', credential);
    expect(status).toBe(401);
    expect(body).toEqual({ error: { code: 'UNAUTHORIZED', message: expect.any(String) } });
  });
});
