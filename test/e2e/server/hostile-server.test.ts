import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { answerJson, startApiServer, type Answer } from '../../support/api-server.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_hostile_server_0000c0de';
const EVIL = '\u001b[2J\u001b]0;x\u0007\r\u202e\u009b';
// oxlint-disable-next-line no-control-regex -- what must not be there
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
const MEGABYTE = 'x'.repeat(1024 * 1024);

const COMMANDS = [
  ['whoami', '--org', 'acme'],
  ['status', '--org', 'acme'],
  ['api-keys', 'list', '--org', 'acme'],
  ['api-keys', 'list', '--org', 'acme', '--json'],
  ['api-keys', 'create', '--org', 'acme'],
  ['api-keys', 'create', '--org', 'acme', '--repo', 'web', '--store'],
  ['api-keys', 'revoke', 'key_1', '--org', 'acme'],
  ['api-keys', 'tag', 'key_1', 'a=b', '--org', 'acme'],
  ['api-keys', 'rotate', '--org', 'acme'],
];

const ANSWERS: readonly (readonly [string, Answer])[] = [
  ['text', (_, response) => response.writeHead(200).end(`<html>${EVIL}${KEY}`)],
  ['nothing', (_, response) => response.writeHead(200).end()],
  ['null', (_, response) => answerJson(response, 200, null)],
  ['a list', (_, response) => answerJson(response, 200, [EVIL])],
  [
    'an object without sense',
    (_, response) => answerJson(response, 200, { api_keys: [{ id: EVIL }], org: EVIL, tags: 7 }),
  ],
  ['half of a document', (_, response) => response.writeHead(200).end('{"org": {')],
  [
    'an error with control characters and the key in it',
    (_, response) => answerJson(response, 400, { error: { code: EVIL, message: `${EVIL}${KEY}` } }),
  ],
  ['an error that is no JSON', (_, response) => response.writeHead(500).end(EVIL + KEY)],
  ['a very long error', (_, response) => answerJson(response, 403, { error: { message: MEGABYTE } })],
  ['10 MB', (_, response) => response.writeHead(200).end(MEGABYTE.repeat(10))],
  [
    'a redirect',
    (request, response) =>
      response.writeHead(307, { location: `http://${request.headers.host}/elsewhere` }).end(),
  ],
  [
    'a redirect to another host',
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  ],
  [
    'a hang-up in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{', () => response.destroy());
    },
  ],
];

describe('a server that answers with', () => {
  it.each(ANSWERS)('%s drives no terminal, gets no key twice, and changes no store', async (_, answer) => {
    for (const command of COMMANDS) {
      const home = createTempHome();
      writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
      const before = readFileSync(home.plaintext, 'utf8');
      const { url, requests } = await startApiServer(answer);
      const result = await runMesa(['auth', ...command], {
        home,
        env: { MESA_API_URL: url, MESA_DEBUG: '1' },
      });
      const shown = {
        command,
        signal: result.signal,
        requests: requests.filter((line) => line.includes('elsewhere')),
      };
      expect(shown).toEqual({ command, signal: null, requests: [] });
      expect({ command, status: [1, 5, 7].includes(result.status ?? 0) }).toEqual({ command, status: true });
      expect(result.stdout + result.stderr).not.toContain(KEY);
      expect(result.stdout + result.stderr).not.toMatch(CONTROLS);
      expect(result.stderr.length).toBeLessThan(4_000);
      expect(result.stderr).toMatch(/^mesa: .+\n(?:hint: .+\n)?/m);
      expect(result.stderr).not.toContain('bug in mesa');
      expect(requests.length).toBeLessThanOrEqual(2);
      expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
    }
  });

  it('names full of control characters is shown with them escaped', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const key = {
      id: 'key_1',
      name: EVIL,
      scopes: [EVIL],
      repo_ids: [],
      tags: { [EVIL]: EVIL },
      created_at: '2026-01-01T00:00:00Z',
    };
    const { url } = await startApiServer((request, response) =>
      answerJson(
        response,
        200,
        request.url?.includes('/repos') === true
          ? { next_cursor: null, repos: [] }
          : { next_cursor: null, has_more: false, api_keys: [key] },
      ),
    );
    for (const more of [[], ['--json']]) {
      const options = { home, env: { MESA_API_URL: url } };
      const result = await runMesa(['auth', 'api-keys', 'list', '--org', 'acme', ...more], options);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(result.stdout).toContain('key_1');
      expect(result.stdout).not.toMatch(CONTROLS);
    }
  });

  it('the same page again and again is not asked for ever', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const { url, requests } = await startApiServer((_, response) =>
      answerJson(response, 200, { next_cursor: 'again', has_more: true, api_keys: [] }),
    );
    const options = { home, env: { MESA_API_URL: url } };
    const result = await runMesa(['auth', 'api-keys', 'list', '--org', 'acme'], options);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('answered the list of API keys with something else');
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['two cursors in turn', (count: number) => (count % 2 === 0 ? 'a' : 'b'), 3],
    ['always another cursor', (count: number) => `page ${count}`, 1_000],
    ['a cursor that is no part of a URL', () => 'x'.repeat(100_000), 1],
  ])('%s is not asked for ever', async (_title, cursorOf, most) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    let count = 0;
    const { url, requests } = await startApiServer((_, response) => {
      answerJson(response, 200, { next_cursor: cursorOf(count), has_more: true, api_keys: [] });
      count += 1;
    });
    const options = { home, env: { MESA_API_URL: url } };
    const result = await runMesa(['auth', 'api-keys', 'list', '--org', 'acme'], options);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('answered the list of API keys with something else');
    expect(requests).toHaveLength(most);
  });

  it('an answer that never ends is left after fifteen seconds', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': KEY }));
    const { url } = await startApiServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(drip));
    });
    const result = await runMesa(['auth', 'whoami', '--org', 'acme'], { home, env: { MESA_API_URL: url } });
    expect(result).toMatchObject({ status: 7, stdout: '' });
    expect(result.stderr).toContain('no answer within 15 seconds');
  });
});
