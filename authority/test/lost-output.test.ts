import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Authority, builtAuthority, cleanUp, endSuite, startAuthority } from './support/authority.ts';
import { fullDisk, fullPipe, pipeWithoutReader } from './support/lost-pipe.ts';
import { rawConnection } from './support/raw-http.ts';
import { rest } from './support/rest.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { waitUntil } from './support/wait-until.ts';

/** Well below the 30 seconds that requests under way have. */
const AT_ONCE_MS = 10_000;
const SIGPIPE_STATUS = 141;
const LOST = 'mesa-authority: the log cannot be written to standard output: ';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A server whose streams are these descriptors; it is known by its answers alone. */
async function serveWith(storage: readonly string[], stdout: number, stderr: number | 'pipe') {
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [builtAuthority(), 'serve', '--listen', new URL(url).host, ...storage];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', stdout, stderr],
    env: { HOME: '/nonexistent' },
  });
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => code ?? signal);
  cleanUp(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await waitUntil('the server answers', () =>
    fetch(`${url}/health`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return {
    url,
    said: () => said,
    /** @returns its status, and how long it took in milliseconds */
    end: async (signals: number) => {
      const started = Date.now();
      for (let sent = 0; sent < signals; sent += 1) {
        child.kill('SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return { status: await ended, ms: Date.now() - started };
    },
  };
}

describe('a server whose log cannot be written', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await startAuthority('sqlite');
  });
  afterAll(endSuite);

  it.each([
    ['a pipe without a reader', pipeWithoutReader, 'EPIPE'],
    ['a full disk', fullDisk, 'ENOSPC'],
    ['a pipe that nobody empties', fullPipe, undefined],
  ])('because of %s answers, says so once, and ends when it is told', async (_title, makeStream, code) => {
    const { url, said, end } = await serveWith(authority.storage, makeStream(), 'pipe');
    for (let count = 0; count < 3; count += 1) {
      expect((await rest({ url }, 'GET', '/whoami', authority.adminKey)).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    const { status, ms } = await end(1);
    expect(status).toBe(0);
    expect(ms).toBeLessThan(AT_ONCE_MS);
    const [first, ...others] = said().split('\n');
    expect(first).toMatch(/^mesa-authority listens on http/);
    expect(others).toEqual(code === undefined ? [''] : [`${LOST}${code}`, '']);
    expect(said()).not.toContain(authority.adminKey);
  });

  it.each([
    ['a pipe without a reader', pipeWithoutReader],
    ['a full disk', fullDisk],
    ['a pipe that nobody empties', fullPipe],
  ])(
    'nor its messages because of %s ends when it is told, idle or after requests',
    async (_title, makeStream) => {
      for (const requests of [0, 3]) {
        const stream = makeStream();
        const { url, end } = await serveWith(authority.storage, stream, stream);
        for (let count = 0; count < requests; count += 1) {
          expect((await rest({ url }, 'GET', '/whoami', authority.adminKey)).status).toBe(200);
        }
        const { status, ms } = await end(1);
        expect(status).toBe(0);
        expect(ms).toBeLessThan(AT_ONCE_MS);
      }
    },
  );

  it.each([
    ['a pipe without a reader', pipeWithoutReader],
    ['a pipe that nobody empties', fullPipe],
  ])('because of %s ends a request under way at the second signal', async (_title, makeStream) => {
    const { url, end } = await serveWith(authority.storage, makeStream(), 'pipe');
    const { socket, text, ended } = rawConnection(url);
    socket.write(
      `POST /v1/acme/repos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${authority.adminKey}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n',
    );
    await waitUntil('the request is under way', () => text().includes('100 Continue'));
    const { status, ms } = await end(2);
    await ended;
    expect([0, 'SIGTERM']).toContain(status);
    expect(ms).toBeLessThan(AT_ONCE_MS);
  });
});

function run(args: readonly string[], stdout: number | 'pipe', stderr: number | 'pipe') {
  const { status, stderr: said } = spawnSync(process.execPath, [builtAuthority(), ...args], {
    stdio: ['ignore', stdout, stderr],
    encoding: 'utf8',
    env: { HOME: '/nonexistent' },
  });
  return { status, said };
}

describe('output that nobody can have', () => {
  const HELP = [
    ['--help'],
    ['--version'],
    ['serve', '--help'],
    ['init', '--help'],
    ['new-admin-key', '--help'],
    ['backup', '--help'],
  ].map((args) => [args.join(' '), args] as const);

  it.each(HELP)('ends mesa-authority %s silently where the reader left, as by SIGPIPE', (_title, args) => {
    expect(run(args, pipeWithoutReader(), 'pipe')).toEqual({ status: SIGPIPE_STATUS, said: '' });
  });

  it.each(HELP)('on a full disk is an error of mesa-authority %s in one sentence', (_title, args) => {
    expect(run(args, fullDisk(), 'pipe')).toEqual({
      status: 1,
      said: 'mesa-authority: cannot write to standard output: no space left on the device\n',
    });
  });

  it('that is for the person changes nothing', () => {
    const directory = temporaryDirectory();
    const storage = ['--data', directory];
    for (const [index, makeStream] of [pipeWithoutReader, fullDisk].entries()) {
      expect(run(['srve'], 'pipe', makeStream()).status).toBe(2);
      expect(run(['init', '--org', `acme-${index}`, ...storage], 'pipe', makeStream()).status).toBe(0);
      expect(run(['new-admin-key', '--org', 'acme-0', ...storage], 'pipe', makeStream()).status).toBe(0);
      expect(run(['backup', `${directory}/${index}.db`, ...storage], 'pipe', makeStream()).status).toBe(0);
      expect(run(['backup', `${directory}/${index}.db`, ...storage], 'pipe', makeStream()).status).toBe(1);
    }
  });

  it.each(['init', 'new-admin-key'])('is a key of %s that is lost, which is said', (command) => {
    const storage = ['--data', temporaryDirectory()];
    if (command === 'new-admin-key') {
      expect(run(['init', '--org', 'acme', ...storage], 'pipe', 'pipe').status).toBe(0);
    }
    const { status, said } = run([command, '--org', 'acme', ...storage], pipeWithoutReader(), 'pipe');
    expect(status).toBe(1);
    expect(said).toMatch(
      /^admin key key_\w+ for acme; it is shown this once:\nmesa-authority: the key could not be written to standard output: EPIPE\nhint: mesa-authority new-admin-key --org acme makes another one; revoke key_\w+\n$/,
    );
  });
});
