import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endSuite } from './support/authority.ts';
import { type InProcess, startInProcess } from './support/in-process.ts';
import { newRepo } from './support/keys.ts';
import { sendRaw } from './support/raw-http.ts';
import { rest } from './support/rest.ts';

describe('requests', () => {
  let server: InProcess;
  beforeAll(async () => {
    server = await startInProcess('sqlite');
    await newRepo(server, 'web');
  });
  afterAll(endSuite);

  /** `{ status, code }` of a refusal, whose body is checked to be that of the contract. */
  async function refusal(
    path: string,
    { headers = {}, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ) {
    const response = await fetch(`${server.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.adminKey}`, ...headers },
    });
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const body = (await response.json()) as { error: { code: string; message: string; details?: unknown } };
    expect(Object.keys(body)).toEqual(['error']);
    expect(Object.keys(body.error).filter((name) => name !== 'details')).toEqual(['code', 'message']);
    expect(body.error.message).not.toContain(server.adminKey);
    return [response.status, body.error.code];
  }
  const post = (body: string, type = 'application/json') =>
    refusal('/v1/acme/api-keys', { method: 'POST', body, headers: { 'content-type': type } });
  const withHeader = (size: number) =>
    sendRaw(
      server.url,
      `GET /v1/whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${'x'.repeat(size)}\r\n\r\n`,
    );
  const keys = async () =>
    (await rest(server, 'GET', '/acme/api-keys', server.adminKey)).body.api_keys.length;

  it.each([
    ['no JSON', '{"name":'],
    ['two documents', '{}{}'],
    ['a member twice', '{"name":"a","name":"b"}'],
    ['a member twice, once escaped', '{"repo_ids":["x"],"repo_\\u0069ds":["y"]}'],
    ['a tag twice', '{"tags":{"a":"1","a":"2"}}'],
    ['__proto__', '{"__proto__":{"name":"x"}}'],
    ['__proto__ as a tag', '{"tags":{"__proto__":"x"}}'],
    ['__proto__, escaped', '{"tags":{"\\u005f_proto__":"x"}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"name":"x"}}}'],
    ['deep nesting', `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
    ['deep objects', `{"tags":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`],
    ['nothing', ''],
    ['a byte order mark alone', '\ufeff'],
  ])('with %s are refused as BAD_REQUEST, and do nothing', async (_title, body) => {
    const before = await keys();
    expect(await post(body)).toEqual([400, 'BAD_REQUEST']);
    expect(await keys()).toBe(before);
  });

  it('with names that objects have anyway are nothing special', async () => {
    const tags = { constructor: 'a', tostring: 'b', hasownproperty: 'c' };
    const { status, body } = await rest(server, 'POST', '/acme/api-keys', server.adminKey, { tags });
    expect(status).toBe(201);
    expect(body.tags).toEqual(tags);
  });

  it('name the member that is not known', async () => {
    const { body } = await rest(server, 'POST', '/acme/api-keys', server.adminKey, { repo_id: ['x'] });
    expect(body.error.message).toBe('body must NOT have additional properties: "repo_id"');
    const { body: scope } = await rest(server, 'POST', '/acme/api-keys', server.adminKey, {
      scopes: ['all'],
    });
    expect(scope.error.message).toContain('read, write, admin');
  });

  it('in another type than JSON are refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'x']) {
      expect(await post('{}', type)).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    }
    expect(
      (
        await fetch(`${server.url}/v1/acme/api-keys`, {
          method: 'POST',
          body: '{}',
          headers: {
            authorization: `bearer ${server.adminKey}`,
            'content-type': 'application/json; charset=UTF-8',
          },
        })
      ).status,
    ).toBe(201);
  });

  it('with a body in gzip are refused, and nothing is made of it', async () => {
    const before = await keys();
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect(await refusal('/v1/acme/api-keys', { method: 'POST', body: '{}', headers })).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ]);
    expect(await keys()).toBe(before);
  });

  it('that are too large are refused before they are read', async () => {
    expect(await post(JSON.stringify({ name: 'x'.repeat(65_536) }))).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const { status, body } = await sendRaw(
      server.url,
      `POST /v1/acme/api-keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.adminKey}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{"name"',
    );
    expect([status, JSON.parse(body)]).toMatchObject([413, { error: { code: 'PAYLOAD_TOO_LARGE' } }]);
  });

  it('of clients that take no JSON are refused', async () => {
    for (const accept of ['text/html', 'application/octet-stream', 'text/*, image/png']) {
      expect(await refusal('/v1/whoami', { headers: { accept } })).toEqual([406, 'NOT_ACCEPTABLE']);
    }
    for (const accept of [
      '',
      '*/*',
      'application/*',
      'text/html, Application/JSON;q=0.5',
      'application/problem+json',
    ]) {
      const headers = { authorization: `Bearer ${server.adminKey}`, accept };
      expect((await fetch(`${server.url}/v1/whoami`, { headers })).status).toBe(200);
    }
  });

  it('of another method hear which ones there are', async () => {
    for (const [method, path, allow] of [
      ['POST', '/v1/whoami', 'GET, HEAD'],
      ['OPTIONS', '/v1/whoami', 'GET, HEAD'],
      ['PUT', '/v1/acme/api-keys', 'GET, HEAD, POST'],
      ['DELETE', '/v1/acme/repos', 'GET, HEAD, POST'],
      ['PUT', '/v1/acme/web', 'DELETE, GET, HEAD, PATCH'],
      ['GET', '/v1/acme/api-keys/key_x', 'DELETE, PATCH'],
      ['POST', '/v1/acme', 'GET, HEAD'],
      ['DELETE', '/health', 'GET, HEAD'],
    ] as const) {
      expect(await refusal(path, { method })).toEqual([405, 'METHOD_NOT_ALLOWED']);
      const headers = { authorization: `Bearer ${server.adminKey}` };
      const response = await fetch(`${server.url}${path}`, { method, headers });
      expect(response.headers.get('allow')).toBe(allow);
      await response.text();
    }
    const head = await fetch(`${server.url}/v1/whoami`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${server.adminKey}` },
    });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('to paths that are not there are NOT_FOUND', async () => {
    for (const path of ['/', '/v1', '/v2/whoami', '/V1/whoami', '/v1/acme/web/bookmarks']) {
      expect(await refusal(path)).toEqual([404, 'NOT_FOUND']);
    }
    expect(await refusal('/nothing', { method: 'POST', body: 'x' })).toEqual([404, 'NOT_FOUND']);
  });

  it('have their paths decoded once', async () => {
    expect((await rest(server, 'GET', '/%61cme/w%65b', server.adminKey)).body.name).toBe('web');
    expect(await refusal('/v1/acme/w%2565b')).toEqual([404, 'NOT_FOUND']);
    expect(await refusal('/v1/acme/..%2f..%2fetc%2fpasswd')).toEqual([404, 'NOT_FOUND']);
    for (const path of ['/v1/acme/%zz', '/v1/%', '/v1/acme/%ff', '/v1/acme/a%00b', '/v1/acme/a%0ab']) {
      expect(await refusal(path)).toEqual([400, 'BAD_REQUEST']);
    }
    expect(await refusal(`/v1/acme/${'x'.repeat(900)}`)).toEqual([404, 'NOT_FOUND']);
    const unknown = await fetch(`${server.url}/v1/acme/${'x'.repeat(900)}`);
    expect(unknown.status).toBe(401);
  });

  it('are answered for nobody and no cache', async () => {
    for (const path of ['/v1/whoami', '/health', '/nothing']) {
      const { headers } = await fetch(`${server.url}${path}`);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{12,32}$/);
      expect(headers.get('server')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  it('with headers of more than 32 KiB are refused, and those of a long token are not', async () => {
    expect((await withHeader(16_384)).status).toBe(401);
    const { status, body } = await withHeader(33_000);
    expect([status, JSON.parse(body)]).toMatchObject([431, { error: { code: 'HEADERS_TOO_LARGE' } }]);
  });

  it('that are no HTTP are refused as such', async () => {
    for (const bytes of ['\x16\x03\x01\x02\x00\x01\x00', 'GET / HTTP/1.1\r\n bad\r\n\r\n', 'HELLO\r\n\r\n']) {
      const { status, body } = await sendRaw(server.url, bytes);
      expect([status, JSON.parse(body)]).toMatchObject([400, { error: { code: 'BAD_REQUEST' } }]);
    }
    // What a proxy in front would read differently.
    const both = await sendRaw(
      server.url,
      'POST /v1/whoami HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    expect(both.status).toBe(400);
  });
});

describe('failed attempts', () => {
  afterAll(endSuite);

  it('are limited by address: then every credential has to wait, and hears how long', async () => {
    const server = await startInProcess('sqlite', { failedAttempts: 3 });
    expect((await attempt(server, server.adminKey)).status).toBe(200);
    const replies = await Promise.all(Array.from({ length: 10 }, () => attempt(server, WRONG)));
    expect(replies.filter(({ status }) => status === 401)).toHaveLength(3);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(7);
    // Without a declared proxy the header of a client means nothing.
    const right = await attempt(server, server.adminKey, '203.0.113.9');
    expect(right.status).toBe(429);
    for (const { headers } of [...refused, right]) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    // Nobody who shows no credential is counted, and health is for everybody.
    expect((await fetch(`${server.url}/v1/whoami`)).status).toBe(401);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  it('are counted by the address that a declared proxy saw', async () => {
    const server = await startInProcess('sqlite', { failedAttempts: 1, proxies: ['127.0.0.0/8'] });
    expect((await attempt(server, WRONG, '203.0.113.1')).status).toBe(401);
    expect((await attempt(server, WRONG, '203.0.113.1')).status).toBe(429);
    // What the client itself claimed comes before what the proxy saw.
    expect((await attempt(server, WRONG, '198.51.100.7, 203.0.113.1')).status).toBe(429);
    expect((await attempt(server, server.adminKey, '203.0.113.2')).status).toBe(200);
    expect((await attempt(server, WRONG, '::ffff:203.0.113.1')).status).toBe(429);
    // IPv6: a /64 is one address.
    expect((await attempt(server, WRONG, '2001:db8:1:2::1')).status).toBe(401);
    expect((await attempt(server, WRONG, '2001:db8:1:2:ffff::9')).status).toBe(429);
    expect((await attempt(server, WRONG, '2001:db8:1:3::1')).status).toBe(401);
    expect(server.log()).toContain('"address":"203.0.113.1"');
  });
});

const WRONG = 'mesa_wrong';

async function attempt(server: InProcess, credential: string, forwardedFor?: string): Promise<Response> {
  const response = await fetch(`${server.url}/v1/whoami`, {
    headers: {
      authorization: `Bearer ${credential}`,
      ...(forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }),
    },
  });
  await response.text();
  return response;
}
