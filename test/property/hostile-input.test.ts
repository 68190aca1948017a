import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readKeyFromStdin } from '../../src/cli/show/read-key.ts';
import { parseConfig } from '../../src/config/config-file.ts';
import { scopeFromNames } from '../../src/core/key-scope.ts';
import { parseMesaOrgs } from '../../src/core/mesa-orgs.ts';
import { describeToken } from '../../src/core/token-kind.ts';
import { Token } from '../../src/core/token.ts';
import { main } from '../../src/main.ts';
import { parseDocument } from '../../src/stores/read-document.ts';
import { parseVaultHeader } from '../../src/vault/header.ts';
import { encodePart } from '../support/jwt.ts';
import { recordingHost } from '../support/recording-host.ts';
import { expectFaultless, findFault, hasUnprintable, RUNS, textOf } from '../support/runs.ts';
import { createTempHome } from '../support/temp-home.ts';

const SECRET = 'mesa_fuzzedsecret00';
// Port 9 discards: RFC 863. Nothing listens there.
const NOBODY = 'http://127.0.0.1:9';
const TOML_PIECES = [
  'version = 1\n',
  '[keys.global]\n',
  '[keys."orgs/acme"]\n',
  '[[keys]]\n',
  '[secrets]\n',
  'backend = "plaintext-file"\n',
  'service-domain = "mesa.dev"\n',
  '[organizations.acme]\n',
  `api-key = "${SECRET}"\n`,
  `key = "${SECRET}"\n`,
  `key = '${SECRET}'\n`,
  `key = """\n${SECRET}"""\n`,
  'added = 2026-11-21T10:00:00.000Z\n',
  'added = 2026-02-30\n',
  '__proto__ = 1\n',
  'constructor.prototype.polluted = 1\n',
  '[__proto__]\n',
  'x = { y = [1, 2.5, "z"], "\\u0061" = inf }\n',
  '# comment\n',
  '\r\n',
  '\\',
  '"',
  '=',
  '[',
  ']',
];

describe('no hostile input does more than be refused', () => {
  it('MESA_ORGS', () =>
    expectFaultless(
      SECRET,
      textOf(`acme:${SECRET}`, 'acme', ':', ',', ' ', SECRET, 'a..b', '__proto__:x'),
      parseMesaOrgs,
    ));

  it('a store document', () =>
    expectFaultless(SECRET, textOf(...TOML_PIECES), (text) => parseDocument(text, 'FILE')));

  it('a config file', () =>
    expectFaultless(SECRET, textOf(...TOML_PIECES), (text) => parseConfig(text, 'FILE')));

  it('a key on standard input', async () => {
    const chunk = fc.oneof(
      fc.constantFrom(SECRET, '\n', '\r\n', ' ', '\0', '\ufeff').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 6 }), async (chunks) => {
        const stdin = { isTerminal: false, chunks: () => chunks };
        expect(await findFault(SECRET, () => readKeyFromStdin(stdin, { kind: 'global' }))).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  });

  it('the names of a scope', async () => {
    const name = fc.option(textOf('acme', '..', '.', '-', '/', '.git', SECRET), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(name, name, async (org, repo) => {
        expect(await findFault(SECRET, () => scopeFromNames(org, repo))).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  });

  it('the header of a vault', async () => {
    const pieces = textOf(
      'age-encryption.org/v1\n',
      '-> scrypt ',
      'AAAAAAAAAAAAAAAAAAAAAA ',
      '18\n',
      '21\n',
      `${'9'.repeat(400)}\n`,
      `${'A'.repeat(43)}\n`,
      '--- ',
      '-> X25519 ',
      '-----BEGIN AGE ENCRYPTED FILE-----\n',
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (text) => {
        const file = Buffer.from(text, 'latin1');
        expect(await findFault(SECRET, () => parseVaultHeader(file, 'FILE'))).toBeUndefined();
      }),
      { numRuns: RUNS },
    );
  });

  it('a token that says things of itself, in status', async () => {
    const home = createTempHome();
    const hostile = textOf(
      '\u001b[2J',
      '\u202e',
      '\n',
      '"',
      ', ',
      '; expires in 9 years',
      'read',
      'acme/web',
      SECRET,
    );
    const claim = fc.oneof(
      fc.array(fc.oneof(hostile, fc.integer()), { maxLength: 6 }),
      hostile,
      fc.double(),
      fc.integer({ min: 1_700_000_000, max: 2_000_000_000 }),
      fc.constantFrom(null, true, {}, -1, 1e300, 253_402_300_799, 253_402_300_800),
    );
    const claims = fc.dictionary(
      fc.constantFrom('exp', 'iat', 'scopes', 'repos', '__proto__', 'toString'),
      claim,
    );
    const parts = fc.oneof(
      claims.map((payload) => `${encodePart({ alg: 'HS256' })}.${encodePart(payload)}.c2ln`),
      textOf('{"exp":', '1', 'e9', '[', '{', '}', ']', '"', SECRET).map(
        (text) => `e30.${encodePart(text)}.c2ln`,
      ),
      textOf('e30', '.', 'eyJ', '=', '-', '_').map((text) => `e${text.replaceAll(/[^!-~]/g, '')}`),
    );
    await fc.assert(
      fc.asyncProperty(parts, fc.boolean(), async (token, json) => {
        const facts = describeToken(Token.parse(token));
        for (const moment of [facts.issued, facts.expires]) {
          expect(moment?.toISOString() ?? '1970').toMatch(/^[0-9]{4}/);
        }
        const { host, said } = recordingHost(home, { MESA_API_KEY: token });
        const args = ['auth', 'status', '--offline', '--org', 'acme', ...(json ? ['--json'] : [])];
        expect(await findFault('impossible', () => main(args, host))).toBeUndefined();
        const { data, text } = said();
        expect(text).not.toContain('this is a bug');
        expect(hasUnprintable(text + data)).toBe(false);
        // Nothing that the token says makes a line of its own.
        if (!json) {
          expect(
            data
              .split('\n')
              .slice(0, 5)
              .map((line) => line.slice(0, 11)),
          ).toEqual(['store      ', 'file       ', 'config     ', 'environment', 'used here  ']);
          expect(data.split('\n')).toHaveLength(6);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('a command line', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    home.write(
      '.local/share/mesa/secrets.plaintext.toml',
      `version = 1\n\n[keys."orgs/acme"]\nkey = "${SECRET}"\n`,
    );
    const word = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          'auth',
          'list',
          'get-key',
          'status',
          'doctor',
          'help',
          'mint-token',
          'git-credential',
          'get',
          'whoami',
          'api-keys',
          'log',
          '--org',
          'acme',
          '--repo',
          'web',
        ),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          '--json',
          '--explain',
          '--mint',
          '-y',
          '-h',
          '-V',
          '-c',
          '--',
          '--org=acme',
          '-x',
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (argv) => {
        const { host, said } = recordingHost(home, { MESA_API_URL: NOBODY });
        const fault = await findFault('impossible', () => main(argv, host));
        const { text, data } = said();
        expect(fault).toBeUndefined();
        expect(text).not.toContain('this is a bug');
        expect(text).not.toContain(SECRET);
        expect(hasUnprintable(text)).toBe(false);
        expect(hasUnprintable(data)).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });
});
