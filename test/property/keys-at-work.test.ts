import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseExpires, parseKeyId, parseTagChanges } from '../../src/cli/api/api-key-flags.ts';
import { parseApiUrl } from '../../src/core/api-url.ts';
import { main } from '../../src/main.ts';
import { parsePermissions, parseRepos } from '../../src/minting/token-order.ts';
import { IDENTITY, startApiServer } from '../support/api-server.ts';
import { recordingHost } from '../support/recording-host.ts';
import { expectFaultless, findFault, hasUnprintable, RUNS, textOf } from '../support/runs.ts';
import { createTempHome } from '../support/temp-home.ts';

const SECRET = 'mesa_fuzzedsecret00';
/** Fewer: each takes a connection. */
const ANSWERS = Math.ceil(RUNS / 10);
const hostileText = textOf('\u001b[2J', '\u202e', '\n', '\r', '"', 'acme', 'admin', 'key_1', '');

describe('whatever a server answers, nothing but an error or a table comes of it', () => {
  const member = fc.oneof(
    hostileText,
    fc.array(hostileText, { maxLength: 3 }),
    fc.dictionary(fc.oneof(hostileText, fc.constant('__proto__')), hostileText, { maxKeys: 3 }),
    fc.constantFrom(null, true, -1, 1e300, '2026-11-21T10:00:00Z', '+275760-09-13T00:00:00Z', '', [], {}),
  );
  const apiKey = fc.record(
    {
      id: fc.oneof(fc.constant('key_1'), member),
      name: member,
      scopes: fc.oneof(fc.constant(['read']), member),
      repo_ids: fc.oneof(fc.constant(null), member),
      tags: fc.oneof(fc.constant({ env: 'prod' }), member),
      created_at: fc.oneof(fc.constant('2026-11-21T10:00:00Z'), member),
      expires_at: fc.oneof(fc.constant(null), member),
      revoked_at: fc.oneof(fc.constant(null), member),
      last_used_at: fc.oneof(fc.constant(null), member),
      key: fc.oneof(fc.constant('mesa_new_key_000000000'), member),
    },
    { requiredKeys: [] },
  );
  const anyMember = <T extends object>(valid: T): fc.Arbitrary<object> =>
    fc
      .record(
        Object.fromEntries(
          Object.entries(valid).map(([name, value]) => [
            name,
            fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, member),
          ]),
        ),
        { requiredKeys: [] },
      )
      .map((fields) => ({ ...fields }));
  const body = fc.oneof(
    anyMember({ ...IDENTITY, tags: {}, success: true }),
    apiKey,
    fc.record(
      {
        api_keys: fc.oneof(fc.array(apiKey, { maxLength: 3 }), member),
        repos: fc.oneof(fc.array(anyMember({ id: 'repo_1', name: 'web' }), { maxLength: 3 }), member),
        // Nothing follows in the tests: the answer to any request is the same.
        next_cursor: fc.oneof(fc.constant(null), fc.constantFrom(7, true, '')),
        has_more: fc.constant(false),
      },
      { requiredKeys: [] },
    ),
    fc.record({ error: fc.oneof(fc.record({ code: member, message: member }), member) }),
    fc.jsonValue(),
  );
  const text = fc.oneof(
    { weight: 5, arbitrary: body.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: textOf('{', '}', '"api_keys":', '[', ']', '\u0000', 'null', '<html>') },
  );
  const status = fc.constantFrom(200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 429, 500);
  const command = fc.constantFrom(
    ['whoami'],
    ['status'],
    ['status', '--json'],
    ['mint-token', '--repo', 'acme/web'],
    ['api-keys', 'list'],
    ['api-keys', 'list', '--json'],
    ['api-keys', 'create', '--repo', 'web'],
    ['api-keys', 'tag', 'key_1', 'env=prod'],
    ['api-keys', 'revoke', 'key_1', '--yes'],
  );

  it('in any command', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    let answer: { readonly status: number; readonly text: string } = { status: 500, text: '' };
    const { url } = await startApiServer((_, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.text);
    });
    await fc.assert(
      fc.asyncProperty(command, status, text, async (words, code, content) => {
        answer = { status: code, text: code === 204 ? '' : content };
        const { host, said } = recordingHost(home, { MESA_API_URL: url, MESA_API_KEY: SECRET });
        expect(
          await findFault('impossible', () => main(['auth', ...words, '--org', 'acme'], host)),
        ).toBeUndefined();
        const { text: errors, data } = said();
        expect(errors).not.toContain('this is a bug');
        expect(errors + data).not.toContain(SECRET);
        expect(hasUnprintable(errors + data)).toBe(false);
      }),
      { numRuns: ANSWERS },
    );
  });
});

describe('no hostile input does more than be refused', () => {
  it('the log of uses', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const pieces = textOf(
      '{"time":1795276919678,',
      '{"time":1e300,',
      '"action":"get-key",',
      '"action":"\\u001b[2J",',
      '"scope":"orgs/acme",',
      '"source":null,',
      '"outcome":"used",',
      '"program":"\\u202e",',
      '"__proto__":{"x":1},',
      '"pid":1}',
      '\n',
    );
    await expectFaultless('impossible', pieces, async (text) => {
      home.write('.local/share/mesa/uses.log', text);
      for (const args of [[], ['--json', '--since', '1d']]) {
        const { host, said } = recordingHost(home, {});
        expect(await main(['auth', 'log', ...args], host)).toBe(0);
        const { text: errors, data } = said();
        expect(hasUnprintable(errors + data)).toBe(false);
      }
    });
  });

  it('MESA_API_URL', () =>
    expectFaultless(
      'impossible',
      textOf(
        'https://',
        'http://',
        '127.0.0.1',
        '[::1]',
        'localhost',
        ':4477',
        '/v1',
        '/',
        '@',
        '\\',
        SECRET,
      ),
      (text) => {
        const url = parseApiUrl(text);
        // Never without encryption to anybody else, and never with a password or a path.
        expect(url ?? 'https://a').toMatch(
          /^(?:https:\/\/[^/@?#\s]+|http:\/\/(?:127\.[\d.]+|localhost|\[::1\])(?::\d+)?)$/,
        );
      },
    ));

  it.each<[string, (text: string) => unknown]>([
    ['--expires', parseExpires],
    ['--tag', (text) => parseTagChanges([text, 'env=prod'])],
    ['--scope', parsePermissions],
    ['--repo', (text) => parseRepos([text], 'acme')],
    ['the id of a key', (text) => parseKeyId(text, 'revoke')],
  ])('%s', (_, parse) =>
    expectFaultless(
      SECRET,
      textOf(SECRET, 'read', 'admin', ',', '90', 'd', 's', '=', '-', 'acme', '/', 'web', '..', 'key_', ' '),
      parse,
    ),
  );
});
