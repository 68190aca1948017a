import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { endSuite } from './support/authority.ts';
import { type InProcess, startInProcess } from './support/in-process.ts';
import { rawConnection } from './support/raw-http.ts';

describe('requests', () => {
  let server: InProcess;
  beforeAll(async () => {
    server = await startInProcess('sqlite', { timeLimits: { headers: 600, body: 600 } });
  });
  afterAll(endSuite);

  it('whose headers come slowly are cut off, even when nothing comes', async () => {
    const silent = rawConnection(server.url);
    const slow = rawConnection(server.url);
    slow.socket.write('GET /v1/whoami HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => slow.socket.write('X-Drip: 1\r\n'), 50);
    await Promise.all([slow.ended, silent.ended]);
    clearInterval(drip);
    expect(slow.text()).toContain('"code":"REQUEST_TIMEOUT"');
  });

  it.each([
    ['of a caller', '/v1/acme/api-keys', true],
    ['of nobody', '/v1/acme/api-keys', false],
    ['for no path', '/nothing', false],
    ['that nobody reads', '/health', false],
  ])('whose body %s comes slowly are cut off', async (_title, path, isCaller) => {
    const method = path === '/health' ? 'GET' : 'POST';
    const { socket, ended } = rawConnection(server.url);
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n` +
        `${isCaller ? `Authorization: Bearer ${server.adminKey}\r\n` : ''}\r\n{`,
    );
    const drip = setInterval(() => socket.write(' '), 50);
    await ended;
    clearInterval(drip);
    // The server is there for others.
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});
