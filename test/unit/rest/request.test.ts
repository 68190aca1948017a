import { createServer as createTcpServer, type AddressInfo } from 'node:net';

import { describe, expect, it, onTestFinished } from 'vitest';

import { Token } from '../../../src/core/token.ts';
import { requestJson } from '../../../src/rest/request.ts';
import { proxyFor } from '../../../src/rest/proxy.ts';
import { whoami } from '../../../src/rest/whoami.ts';
import { answerJson, IDENTITY, startApiServer, type Answer } from '../../support/api-server.ts';

const VALUE = 'mesa_never_repeated_by_us';
const KEY = { token: Token.parse(VALUE), source: 'orgs/acme' } as const;

async function ask(answer: Answer, timeoutMs?: number): Promise<{ apiUrl: string; error: unknown }> {
  const { url: apiUrl, requests } = await startApiServer(answer);
  const access = { apiUrl, key: KEY, env: {}, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const error: unknown = await whoami(access).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(requests).toEqual(['GET /v1/whoami']);
  expect(String(error)).not.toContain(VALUE);
  return { apiUrl, error };
}

/** An answer of so many bytes of JSON; an endless one neither says how many nor ends. */
function textOf(length: number, endless: boolean): Answer {
  return (_, response) => {
    response.writeHead(200, endless ? {} : { 'content-length': length });
    response.write(`"${'x'.repeat(length - 2)}"`);
    if (!endless) {
      response.end();
    }
  };
}

describe('a request', () => {
  it('carries the key as a bearer credential, and gives what the server says', async () => {
    let sent: unknown;
    const { url: apiUrl } = await startApiServer((request, response) => {
      sent = request.headers.authorization;
      answerJson(response, 200, { ...IDENTITY, key_name: 'laptop' });
    });
    expect(await whoami({ apiUrl, key: KEY, env: {} })).toEqual({
      org: { id: 'org_1', slug: 'acme', name: 'Acme' },
      keyId: 'key_01TEST',
      keyName: 'laptop',
      permissions: ['admin'],
    });
    expect(sent).toBe(`Bearer ${VALUE}`);
  });

  it('takes an answer of 8 MiB, and not a byte more, however it comes', async () => {
    const limit = 8 * 1024 * 1024;
    const get = { method: 'GET', path: '/whoami' } as const;
    const whole = await startApiServer(textOf(limit, false));
    const text = await requestJson({ apiUrl: whole.url, key: KEY, env: {} }, get);
    expect(String(text)).toHaveLength(limit - 2);
    for (const endless of [false, true]) {
      const { url } = await startApiServer(textOf(limit + 1, endless));
      await expect(requestJson({ apiUrl: url, key: KEY, env: {} }, get)).rejects.toMatchObject({
        code: 'SERVER_FAILED',
        message: `${url}/v1/whoami answered with more than 8 MiB`,
      });
    }
  });

  it('sends a body as JSON', async () => {
    const parts: Buffer[] = [];
    const { url: apiUrl, requests } = await startApiServer((request, response) => {
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => answerJson(response, 201, { type: request.headers['content-type'] }));
    });
    const request = { method: 'POST', path: '/acme/api-keys', body: { name: 'ü' } } as const;
    expect(await requestJson({ apiUrl, key: KEY, env: {} }, request)).toEqual({ type: 'application/json' });
    expect(Buffer.concat(parts).toString('utf8')).toBe('{"name":"ü"}');
    expect(requests).toEqual(['POST /v1/acme/api-keys']);
  });

  it.each([
    [
      401,
      { error: { code: 'UNAUTHORIZED', message: 'Invalid API key' } },
      { code: 'KEY_REFUSED', said: "does not accept the key for orgs/acme: 'UNAUTHORIZED: Invalid API key'" },
    ],
    [
      403,
      { code: 'FORBIDDEN', message: 'nope' },
      { code: 'KEY_REFUSED', said: "may not do this: 'FORBIDDEN: nope'" },
    ],
    [401, {}, { code: 'KEY_REFUSED', said: 'does not accept the key for orgs/acme' }],
    [404, { error: { message: 'gone' } }, { code: 'SERVER_FAILED', said: "with 404: 'gone'" }],
    [500, { error: 'nope' }, { code: 'SERVER_FAILED', said: 'with 500' }],
    [503, null, { code: 'UNREACHABLE', said: 'with 503' }],
    [307, {}, { code: 'SERVER_FAILED', said: 'with 307' }],
    [200, { ...IDENTITY, key_id: 7 }, { code: 'SERVER_FAILED', said: 'with something else' }],
    [200, [], { code: 'SERVER_FAILED', said: 'with something else' }],
    [200, { ...IDENTITY, scopes: [1] }, { code: 'SERVER_FAILED', said: 'with something else' }],
  ])('that is answered with %i and %j fails in our words', async (status, body, { code, said }) => {
    const { error } = await ask((_, response) => {
      response.setHeader('location', 'https://evil.example/');
      answerJson(response, status, body);
    });
    expect(error).toMatchObject({ code, message: expect.stringContaining(said) });
  });

  it('shows what the server says without control characters, cut, and without the key', async () => {
    const { error } = await ask((_, response) => {
      answerJson(response, 401, { error: { code: '\u001b[31m', message: `${VALUE} ${'x'.repeat(900)}` } });
    });
    expect((error as Error).message).toMatch(/: '\\u\{1b\}\[31m: mesa_\*{4}y_us x+…'$/);
  });

  it.each<[string, string, Answer]>([
    ['no JSON', 'SERVER_FAILED', (_, response) => void response.end('<html>')],
    ['nothing', 'SERVER_FAILED', (_, response) => void response.writeHead(204).end()],
    ['a closed connection', 'UNREACHABLE', (request) => void request.socket.destroy()],
    [
      'half an answer',
      'UNREACHABLE',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy());
      },
    ],
    [
      'more than fits',
      'SERVER_FAILED',
      (_, response) => {
        response.on('error', () => undefined).end(Buffer.alloc(9 * 1024 * 1024, 0x20));
      },
    ],
  ])('that is answered with %s fails with %s', async (_, code, answer) => {
    expect((await ask(answer)).error).toMatchObject({ code });
  });

  it('gives up on a server that never answers, and says how long it waited', async () => {
    const { apiUrl, error } = await ask(() => undefined, 3_000);
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: `cannot reach ${apiUrl}: no answer within 3 seconds`,
      hint: expect.stringContaining('HTTPS_PROXY'),
    });
  });

  it('to a port where nobody listens says so', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const apiUrl = `http://127.0.0.1:${port}`;
    await expect(whoami({ apiUrl, key: KEY, env: {} })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `cannot reach ${apiUrl}: connection refused`,
    });
  });
});

describe('a proxy', () => {
  const PROXY = { HTTPS_PROXY: 'http://proxy.example:3128' };

  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://api.mesa.dev', {}, undefined],
    ['https://api.mesa.dev', PROXY, 'http://proxy.example:3128'],
    ['https://api.mesa.dev', { HTTPS_PROXY: 'proxy.example:3128' }, 'http://proxy.example:3128'],
    ['https://api.mesa.dev', { ...PROXY, https_proxy: 'http://small:1' }, 'http://small:1'],
    ['https://api.mesa.dev', { ...PROXY, https_proxy: '' }, 'http://proxy.example:3128'],
    ['https://api.mesa.dev', { HTTP_PROXY: 'http://x:1' }, undefined],
    ['http://127.0.0.1:4477', { ...PROXY, HTTP_PROXY: 'http://x:1' }, undefined],
    ['https://api.mesa.dev', { ...PROXY, NO_PROXY: '*' }, undefined],
    ['https://api.mesa.dev', { ...PROXY, NO_PROXY: 'localhost, .mesa.dev' }, undefined],
    ['https://api.mesa.dev', { ...PROXY, NO_PROXY: 'MESA.dev:443' }, undefined],
    ['https://api.mesa.dev', { ...PROXY, NO_PROXY: 'mesa.dev:8443' }, 'http://proxy.example:3128'],
    ['https://api.mesa.dev', { ...PROXY, NO_PROXY: 'sa.dev,pi.mesa.dev' }, 'http://proxy.example:3128'],
    ['https://api.mesa.dev', { ...PROXY, no_proxy: 'other', NO_PROXY: '*' }, 'http://proxy.example:3128'],
  ])('for %s in %j is %s', (url, env, expected) => {
    expect(proxyFor(url, env)).toBe(expected);
  });

  it.each(['socks5://x:1', 'http://', 'a b'])('that is %j is refused', (value) => {
    expect(() => proxyFor('https://api.mesa.dev', { HTTPS_PROXY: value })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('is asked for the host, gets no key, and its refusal is told', async () => {
    const received: string[] = [];
    const proxy = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        received.push(data.toString('latin1'));
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => proxy.once('listening', resolve));
    onTestFinished(() => void proxy.close());
    const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    await expect(whoami({ apiUrl: 'https://api.mesa.test', key: KEY, env })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: 'cannot reach https://api.mesa.test: the proxy answered 407',
    });
    expect(received.join('')).toMatch(/^CONNECT api\.mesa\.test:443 HTTP\/1\.1\r\n/);
    expect(received.join('')).not.toContain(VALUE);
  });
});
