import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, endSuite, startAuthority, startServer } from './support/authority.ts';
import { newRepo } from './support/keys.ts';
import { rawConnection } from './support/raw-http.ts';
import { rest } from './support/rest.ts';
import { runHere } from './support/run-here.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

/** Machines are busy. */
const PATIENT = { timeout: 30_000 };

describe('serve', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
  });
  afterAll(endSuite);

  it('refuses an address that is taken', async () => {
    const listen = new URL(authority.url).host;
    const { status, stderr } = await runHere(['serve', ...authority.storage, '--listen', listen]);
    expect([status, stderr]).toEqual([1, `mesa-authority: cannot listen on ${listen}: EADDRINUSE\n`]);
  });

  it.each([
    ['IPv6 loopback', ['--listen', '[::1]:0'], 'http://[::1]:'],
    ['everywhere when that is allowed', ['--listen', '0.0.0.0:0', '--insecure-http'], 'http://0.0.0.0:'],
    ['everywhere behind a proxy', ['--listen', '0.0.0.0:0', '--proxy', '10.0.0.0/8'], 'http://0.0.0.0:'],
  ])('listens on %s', async (_title, args, prefix) => {
    const { url, stop } = await startServer([...authority.storage, ...args]);
    expect(url.startsWith(prefix)).toBe(true);
    expect((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/health`)).status).toBe(200);
    expect(await stop()).toBe(0);
  });

  it('speaks TLS 1.2 and later with a certificate', async () => {
    const directory = temporaryDirectory();
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    const { url } = await startServer([...authority.storage, '--tls-cert', cert, '--tls-key', key]);
    expect(url).toMatch(/^https:/);
    const request = (options: object) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `Bearer ${authority.adminKey}` };
        get(`${url}/v1/whoami`, { ca: readFileSync(cert), agent: false, headers, ...options }, (reply) => {
          reply.resume();
          resolve(reply.statusCode);
        }).on('error', reject);
      });
    expect(await request({})).toBe(200);
    await expect(request({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    await expect(fetch(url.replace('https', 'http'))).rejects.toThrow();
    const missing = await runHere(['serve', ...authority.storage, '--tls-cert', cert, '--tls-key', 'no.pem']);
    expect(missing).toMatchObject({ status: 1, stderr: 'mesa-authority: cannot read no.pem: ENOENT\n' });
    const swapped = await runHere(['serve', ...authority.storage, '--tls-cert', key, '--tls-key', cert]);
    expect(swapped).toMatchObject({ status: 1, stdout: '' });
    expect(swapped.stderr).toMatch(/^mesa-authority: [^\n]+\n$/);
  });

  it('puts repositories where --git-root says', async () => {
    const root = join(temporaryDirectory(), 'repositories');
    const { url, stop } = await startServer([...authority.storage, '--git-root', root]);
    const id = await newRepo({ url, adminKey: authority.adminKey }, 'elsewhere');
    expect(readdirSync(root)).toEqual([`${id}.git`]);
    await stop();
  });

  it('logs a line for each request without a credential, or with --log errors none', async () => {
    const loud = await startServer(authority.storage);
    const quiet = await startServer([...authority.storage, '--log', 'errors']);
    for (const { url } of [loud, quiet]) {
      await rest(
        { url },
        'GET',
        `/acme/${authority.adminKey}?cursor=${authority.adminKey}`,
        authority.adminKey,
      );
      await rest({ url }, 'GET', '/acme/repos', authority.adminKey);
      await rest({ url }, 'GET', '/acme/repos', 'mesa_wrong');
    }
    await Promise.all([loud.stop(), quiet.stop()]);
    const lines = loud
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'));
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      method: 'GET',
      route: '/v1/:org/repos',
      status: 200,
      org: 'acme',
      credential: 'api-key',
      address: '127.0.0.1',
    });
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ status: 401, refusal: 'NO_API_KEY' });
    expect(quiet.output()).not.toContain('request');
    expect(loud.output() + quiet.output()).not.toContain(authority.adminKey);
  });

  it('finishes a request under way when it is told to stop, and takes no other', async () => {
    const { url, process: child, output } = await startServer(authority.storage);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const body = JSON.stringify({ name: 'made while stopping' });
    const { socket, text, ended: closed } = rawConnection(url);
    socket.write(
      `POST /v1/acme/api-keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${authority.adminKey}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    await expect.poll(text, PATIENT).toContain('100 Continue');
    child.kill('SIGTERM');
    await expect.poll(output, PATIENT).toContain('"msg":"stopping"');
    const isOpen = (): Promise<boolean> =>
      fetch(`${url}/health`).then(
        () => true,
        () => false,
      );
    await expect.poll(isOpen, PATIENT).toBe(false);
    socket.write(body);
    await closed;
    expect(text()).toContain('201 Created');
    expect(text().toLowerCase()).toContain('connection: close');
    expect(await ended).toBe(0);
    const { body: list } = await rest(authority, 'GET', '/acme/api-keys?query=while', authority.adminKey);
    expect(list.api_keys).toMatchObject([{ name: 'made while stopping' }]);
  });

  it('ends at once when it is told twice', async () => {
    const { url, process: child, output } = await startServer(authority.storage);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const { socket, text, ended: closed } = rawConnection(url);
    socket.write(
      `POST /v1/acme/repos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${authority.adminKey}\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`,
    );
    await expect.poll(text, PATIENT).toContain('100 Continue');
    child.kill('SIGINT');
    await expect.poll(output, PATIENT).toContain('"msg":"stopping"');
    child.kill('SIGINT');
    await closed;
    expect(await ended).toBe(0);
  });
});
