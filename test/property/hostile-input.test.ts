import { Buffer } from 'node:buffer';

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readKeyFromStdin } from '../../src/cli/read-key.ts';
import { parseConfig } from '../../src/config/config-file.ts';
import { parseMesaOrgs } from '../../src/core/mesa-orgs.ts';
import { scopeFromNames } from '../../src/core/key-scope.ts';
import { main } from '../../src/main.ts';
import type { Host } from '../../src/platform/host.ts';
import { parseDocument } from '../../src/stores/parse-document.ts';
import { parseVaultHeader } from '../../src/vault/header.ts';
import { findFault, hasUnprintable, RUNS, textOf } from '../support/runs.ts';
import { createTempHome } from '../support/temp-home.ts';

const SECRET = 'mesa_fuzzedsecret00';
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

async function expectFaultless(input: fc.Arbitrary<string>, work: (text: string) => unknown): Promise<void> {
  await fc.assert(
    fc.asyncProperty(input, async (text) => {
      expect(await findFault(SECRET, () => work(text))).toBeUndefined();
    }),
    { numRuns: RUNS },
  );
}

describe('no hostile input does more than be refused', () => {
  it('MESA_ORGS', () =>
    expectFaultless(
      textOf(`acme:${SECRET}`, 'acme', ':', ',', ' ', SECRET, 'a..b', '__proto__:x'),
      parseMesaOrgs,
    ));

  it('a store document', () =>
    expectFaultless(textOf(...TOML_PIECES), (text) => parseDocument(text, 'FILE')));

  it('a config file', () => expectFaultless(textOf(...TOML_PIECES), (text) => parseConfig(text, 'FILE')));

  it('a key on standard input', async () => {
    const chunk = fc.oneof(
      fc.constantFrom(SECRET, '\n', '\r\n', ' ', '\0', '\ufeff').map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 6 }), async (chunks) => {
        const stdin = { isTerminal: false, chunks: () => chunks };
        expect(await findFault(SECRET, () => readKeyFromStdin(stdin))).toBeUndefined();
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
        arbitrary: fc.constantFrom('auth', 'list', 'get-key', 'help', '--org', 'acme', '--repo', 'web'),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom('--json', '--explain', '-y', '-h', '-V', '-c', '--', '--org=acme', '-x'),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 10 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 7 }), async (argv) => {
        let text = '';
        let data = '';
        const host: Host = {
          env: { HOME: home.path, PATH: '' },
          platform: 'linux',
          stdout: { isTerminal: false, write: (more) => void (data += more) },
          stderr: { isTerminal: false, write: (more) => void (text += more) },
          stdin: { isTerminal: false, chunks: () => [] },
          cwd: () => home.path,
          script: '/mesa.cjs',
          now: () => new Date('2026-11-21T10:00:00.000Z'),
        };
        const fault = await findFault('impossible', () => main(argv, host));
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
