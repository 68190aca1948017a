import { expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ACME = 'mesa_organization009f2c';
const OTHER = 'mesa_otherorganizat07777';
const ENVIRONMENT = 'eyJhbGciOiJIUzI1NiJ9.e30.signature';

it.each([
  { env: { MESA_API_KEY: ENVIRONMENT }, args: [], found: ENVIRONMENT },
  { env: { MESA_API_KEY: ENVIRONMENT }, args: ['--org', 'acme'], found: ENVIRONMENT },
  { env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: '' }, args: ['--org', 'acme'], found: ENVIRONMENT },
  { env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' }, args: [], found: ENVIRONMENT },
  {
    env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' },
    args: ['--org', 'acme', '--repo', 'web'],
    found: ENVIRONMENT,
  },
  { env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' }, args: ['--org', 'other'], found: OTHER },
  { env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' }, args: ['--org', 'Acme'], found: GLOBAL },
  { env: { MESA_API_KEY: '', MESA_ORG: 'acme' }, args: [], found: ACME },
  { env: { MESA_ORG: 'acme' }, args: ['--org', 'other'], found: OTHER },
  { env: { MESA_ORG: 'nobody' }, args: [], found: GLOBAL },
])('get-key $args with $env prints the key that the rules choose', async ({ env, args, found }) => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: GLOBAL, 'orgs/acme': ACME, 'orgs/other': OTHER }));
  const result = await runMesa(['auth', 'get-key', ...args], { home, env });
  expect(result).toMatchObject({ status: 0, stdout: `${found}\n`, stderr: '' });
});

it('the key of the environment needs no store: a damaged one is not even looked at', async () => {
  const home = createTempHome();
  home.write('.local/share/mesa/secrets.vault.age', 'damaged');
  const env = { MESA_API_KEY: ENVIRONMENT };
  expect(await runMesa(['auth', 'get-key'], { home, env })).toMatchObject({
    status: 0,
    stdout: `${ENVIRONMENT}\n`,
    stderr: '',
  });
  // The explanation has to look.
  expect(await runMesa(['auth', 'get-key', '--explain'], { home, env })).toMatchObject({
    status: 8,
    stdout: '',
  });
});

it.each([
  { env: { MESA_API_KEY: 'mesa_two words9f2c' }, message: 'the key in MESA_API_KEY contains a space or tab' },
  {
    env: { MESA_API_KEY: 'mesa_\u00e4umlaut9f2c' },
    message: 'the key in MESA_API_KEY contains a character outside printable ASCII',
  },
  { env: { MESA_API_KEY: ' ' }, message: 'the key in MESA_API_KEY contains a space or tab' },
  { env: { MESA_API_KEY: '\n' }, message: 'the key in MESA_API_KEY is empty' },
  {
    env: { MESA_API_KEY: 'mesa_9f2c\u00a0' },
    message: 'the key in MESA_API_KEY contains a character outside printable ASCII',
  },
  { env: { MESA_API_KEY: "'mesa_Hd5rB7yK9f2c'" }, message: 'the key in MESA_API_KEY is in quotes' },
  { env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'a/b' }, message: 'MESA_ORG is not an organization name' },
  { env: { MESA_ORG: '-' }, message: 'MESA_ORG is not an organization name' },
])('refuses $env by name, without its value', async ({ env, message }) => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ global: GLOBAL }));
  const result = await runMesa(['auth', 'get-key'], { home, env });
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr.split('\n')[0]).toBe(`mesa: ${message}`);
  expect(result.stderr).not.toContain('9f2c');
});

it('MESA_ORG does not choose where a key is stored or removed: only the flags do', async () => {
  const home = createTempHome();
  home.useBackend('plaintext-file');
  const env = { MESA_ORG: 'acme', MESA_API_KEY: ENVIRONMENT };
  expect((await runMesa(['auth', 'set-key', ACME], { home, env })).stderr).toBe(
    'stored key for global (mesa_****9f2c) in plaintext-file\n',
  );
  expect((await runMesa(['auth', 'list'], { home, env })).stdout).not.toContain('acme');
  expect((await runMesa(['auth', 'rm-key'], { home, env })).stderr).toBe(
    'removed key for global from plaintext-file\n',
  );
});

it('in GitHub Actions a printed key is announced on stderr first, with its percent signs escaped', async () => {
  const home = createTempHome();
  const env = { GITHUB_ACTIONS: 'true', MESA_API_KEY: 'mesa_100%_printable' };
  expect(await runMesa(['auth', 'get-key'], { home, env })).toMatchObject({
    status: 0,
    stdout: 'mesa_100%_printable\n',
    stderr: '::add-mask::mesa_100%25_printable\n',
  });
});
