import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { Token } from '../../../src/core/token.ts';
import { ANOTHER_USER, CAN_CHOWN } from '../../support/confinement.ts';
import { childEnv, runMesa, runShell } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ACME = 'mesa_organization009f2c';
const WEB = 'mesa_repository0000c0de';
const KEYS = { global: GLOBAL, 'orgs/acme': ACME, 'orgs/acme/repos/web': WEB };
const UNANSWERED =
  'mesa: warning: git does not tell the remotes of this checkout; name the organization with --org\n';
const NOTE = "mesa: using organization 'acme', repository 'web' from the git remote origin\n";

/** A home with three keys, and a real checkout in it with this origin. */
function homeWithCheckout(origin: string): { home: TempHome; checkout: string } {
  const home = createTempHome();
  writePlaintext(home, documentOf(KEYS));
  const checkout = join(home.path, 'work');
  const git = (...args: string[]): void => {
    execFileSync('git', args, { env: childEnv({ home }), cwd: checkout, stdio: 'pipe' });
  };
  mkdirSync(checkout);
  git('init', '-q');
  git('remote', 'add', 'origin', origin);
  return { home, checkout };
}

it.each([
  'https://t@api.mesa.dev/acme/web.git',
  'https://t:mesa_inTheRemote0000@api.mesa.dev/acme/web.git',
  'https://API.mesa.dev:443/acme/web/',
])('takes organization and repository from the origin %s, and says so', async (origin) => {
  const { home, checkout } = homeWithCheckout(origin);
  const cwd = join(checkout, 'src/deep');
  mkdirSync(cwd, { recursive: true });
  expect(await runMesa(['auth', 'get-key'], { home, cwd })).toMatchObject({
    status: 0,
    stdout: `${WEB}\n`,
    stderr: NOTE,
  });
  const json = await runMesa(['auth', 'get-key', '--json'], { home, cwd });
  expect(JSON.parse(json.stdout)).toMatchObject({ requested_scope: 'orgs/acme/repos/web' });
  expect(json.stderr).toBe(NOTE);
});

it.each([
  'http://t@api.mesa.dev/acme/web.git',
  'https://t@api.mesa.dev.evil.example/acme/web.git',
  'https://api.mesa.dev@evil.example/acme/web.git',
  'https://t@api.mesa.dev:8443/acme/web.git',
  'https://t@mesa.dev/acme/web.git',
  'https://t@api.mesa.dev/acme',
  'https://t@api.mesa.dev/acme/web/tree',
  'https://t@api.mesa.dev/acme/%2e%2e',
  'git@api.mesa.dev:acme/web.git',
  'ssh://git@api.mesa.dev/acme/web.git',
  '../acme/web.git',
])('takes nothing from the origin %s, and says nothing', async (origin) => {
  const { home, checkout } = homeWithCheckout(origin);
  expect(await runMesa(['auth', 'get-key'], { home, cwd: checkout })).toMatchObject({
    status: 0,
    stdout: `${GLOBAL}\n`,
    stderr: '',
  });
});

it('compares with the API host of the configured service domain', async () => {
  const { home, checkout } = homeWithCheckout('https://t@api.mesa.test:8443/acme/web.git');
  const options = { home, cwd: checkout };
  expect((await runMesa(['auth', 'get-key'], options)).stdout).toBe(`${GLOBAL}\n`);
  home.write(
    '.config/mesa/config.toml',
    'service-domain = "mesa.test:8443"\n[secrets]\nbackend = "plaintext-file"\n',
  );
  expect(await runMesa(['auth', 'get-key'], options)).toMatchObject({ stdout: `${WEB}\n`, stderr: NOTE });
});

it('lets --org and MESA_ORG go before the checkout', async () => {
  const { home, checkout } = homeWithCheckout('https://t@api.mesa.dev/acme/web.git');
  const options = { home, cwd: checkout };
  expect(await runMesa(['auth', 'get-key', '--org', 'acme'], options)).toMatchObject({
    stdout: `${ACME}\n`,
    stderr: '',
  });
  expect(await runMesa(['auth', 'get-key'], { ...options, env: { MESA_ORG: 'acme' } })).toMatchObject({
    stdout: `${ACME}\n`,
    stderr: '',
  });
});

it('does not let the checkout choose where a key is stored or removed', async () => {
  const { home, checkout } = homeWithCheckout('https://t@api.mesa.dev/acme/web.git');
  const options = { home, cwd: checkout };
  expect((await runMesa(['auth', 'set-key', 'mesa_rotated0000000beef'], options)).stderr).toBe(
    `replaced key for global (${Token.parse(GLOBAL).masked()} by mesa_****beef) in plaintext-file; mesa auth undo brings it back\n`,
  );
  expect((await runMesa(['auth', 'rm-key'], options)).stderr).toBe(
    'removed key for global from plaintext-file\n',
  );
});

it('names the organization of the checkout when there is no key for it', async () => {
  const { home, checkout } = homeWithCheckout('https://t@api.mesa.dev/nobody/web.git');
  home.write('.local/share/mesa/secrets.plaintext.toml', documentOf({ 'orgs/acme': ACME }));
  const result = await runMesa(['auth', 'get-key'], { home, cwd: checkout });
  expect(result).toMatchObject({ status: 4, stdout: '' });
  expect(result.stderr).toContain("mesa: no API key found in the secret store for organization 'nobody'\n");
});

it.runIf(CAN_CHOWN)('leaves the trust in a checkout of somebody else to git, which refuses it', async () => {
  const { home, checkout } = homeWithCheckout('https://t@api.mesa.dev/acme/web.git');
  chownSync(checkout, ANOTHER_USER, ANOTHER_USER);
  chownSync(join(checkout, '.git'), ANOTHER_USER, ANOTHER_USER);
  // Whoever runs these tests may have told git to trust everything.
  const env = { GIT_CONFIG_NOSYSTEM: '1' };
  const result = await runMesa(['auth', 'get-key'], { home, cwd: checkout, env });
  expect(result).toMatchObject({ status: 0, stdout: `${GLOBAL}\n`, stderr: UNANSWERED });
});

it.each([
  {
    title: 'git is not installed',
    script: 'PATH=/nonexistent; cd work; mesa auth get-key',
    stderr: UNANSWERED,
  },
  {
    title: 'the config of the checkout is broken',
    script: 'echo "[" > work/.git/config; cd work; mesa auth get-key',
    stderr: UNANSWERED,
  },
  {
    title: 'there is no origin',
    script: 'cd work; git remote rename origin upstream; mesa auth get-key',
    stderr: '',
  },
  {
    title: 'the working directory was removed',
    script: 'mkdir gone; cd gone; rmdir ../gone; mesa auth get-key',
    stderr: '',
  },
])('looks for the global key when $title', async ({ script, stderr }) => {
  const { home } = homeWithCheckout('https://t@api.mesa.dev/acme/web.git');
  expect(await runShell(script, { home })).toMatchObject({ status: 0, stdout: `${GLOBAL}\n`, stderr });
});

it('does not wait for a git that does not answer', async () => {
  const { home } = homeWithCheckout('https://t@api.mesa.dev/acme/web.git');
  chmodSync(home.write('bin/git', '#!/bin/sh\nsleep 30\n'), 0o700);
  const script = 'PATH="$HOME/bin:$PATH"; cd work; mesa auth get-key';
  const result = await runShell(script, { home });
  expect(result).toMatchObject({ status: 0, stdout: `${GLOBAL}\n`, stderr: UNANSWERED });
  expect(result.milliseconds).toBeLessThan(20_000);
});

it('says that a relative config path cannot be found from a directory that was removed', async () => {
  const home = createTempHome();
  const script = 'mkdir gone; cd gone; rmdir ../gone; mesa auth list -c mesa.toml';
  expect(await runShell(script, { home })).toMatchObject({
    status: 3,
    stdout: '',
    stderr:
      'mesa: there is no config file mesa.toml: the working directory was removed\n' +
      'hint: cd to a directory that exists\n',
  });
});
