import { lstatSync, readFileSync, symlinkSync } from 'node:fs';

import { expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const GLOBAL = 'mesa_global0000000011aa';
const ACME = 'mesa_organization009f2c';
const WEB = 'mesa_repository0000c0de';
const BETA = 'mesa_beta00000000000beef';
const CONFIG = '# mine\n[secrets]\nbackend = "plaintext-file" # why\n\n[other]\nx = [1,  2]\n';

function homeWithKeys(): TempHome {
  const home = createTempHome();
  writePlaintext(
    home,
    documentOf({ global: GLOBAL, 'orgs/acme': ACME, 'orgs/acme/repos/web': WEB, 'orgs/beta': BETA }),
  );
  home.write('.config/mesa/config.toml', CONFIG);
  return home;
}

async function run(home: TempHome, args: string, env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = await runMesa(['auth', ...args.split(' ')], { home, env });
  return { status, stdout, stderr };
}

it('names the organization that is meant where none is named, and keeps every other line of config.toml', async () => {
  const home = homeWithKeys();
  expect(await run(home, 'use acme')).toEqual({
    status: 0,
    stdout: '',
    stderr: `saved in ${home.config}: organization 'acme' is meant where none is named\n`,
  });
  const saved = CONFIG.replace('[secrets]\n', '[secrets]\norg = "acme"\n');
  expect(readFileSync(home.config, 'utf8')).toBe(saved);
  await run(home, 'use beta');
  expect(readFileSync(home.config, 'utf8')).toBe(saved.replace('acme', 'beta'));
});

it('a command that uses a key takes it after the flags and MESA_ORG, and before the global key', async () => {
  const home = homeWithKeys();
  await run(home, 'use acme');
  for (const [args, key, env] of [
    ['get-key', ACME],
    ['get-key --repo web', WEB],
    ['get-key --repo acme/web', WEB],
    ['get-key --repo beta/web', BETA],
    ['get-key --org beta', BETA],
    ['get-key --org acme --repo acme/web', WEB],
    ['get-key', BETA, { MESA_ORG: 'beta' }],
    ['get-key --repo web', BETA, { MESA_ORG: 'beta' }],
    ['get-key --repo web', WEB, { MESA_ORG: 'acme' }],
  ] as const) {
    expect(await run(home, args, env)).toEqual({ status: 0, stdout: `${key}\n`, stderr: '' });
  }
  expect((await run(home, 'get-key --explain')).stderr).toBe(
    "mesa: organization 'acme' is the one of secrets.org in config.toml\n",
  );
  expect(JSON.parse((await run(home, 'status --offline --json')).stdout)).toMatchObject({
    requested_scope: 'orgs/acme',
    requested_by: 'config',
  });
  const child = await run(home, 'exec --repo web -- printenv MESA_ORG MESA_API_KEY');
  expect(child.stdout).toBe(`acme\n${WEB}\n`);
});

it('what stores and removes keys is not affected by it', async () => {
  const home = homeWithKeys();
  await run(home, 'use acme');
  expect((await run(home, 'set-key mesa_other000000000dddd')).stderr).toMatch(/^replaced key for global /);
  expect((await run(home, 'undo')).stderr).toMatch(/^brought back key for global /);
  expect((await run(home, 'rm-key')).stderr).toBe('removed key for global from plaintext-file\n');
  for (const args of ['set-key --repo web mesa_x', 'rm-key --repo web', 'undo --repo web']) {
    expect(await run(home, args)).toMatchObject({ status: 2, stdout: '' });
  }
  expect((await run(home, 'rm-key --repo acme/web')).stderr).toBe(
    'removed key for orgs/acme/repos/web from plaintext-file\n',
  );
});

it('what is no organization is refused, in the file with its line, and mended by another use', async () => {
  const home = homeWithKeys();
  expect(await run(home, 'use mesa_Secret0123456789/')).toMatchObject({ status: 2, stdout: '' });
  expect(await run(home, 'use')).toEqual({
    status: 2,
    stdout: '',
    stderr: 'mesa: no organization was named\nhint: mesa auth use acme\n',
  });
  expect(readFileSync(home.config, 'utf8')).toBe(CONFIG);
  for (const [line, what] of [
    ['org = "not one"', 'secrets.org in FILE:4 is not an organization name'],
    ['org = 5', 'secrets.org in FILE:4 is not a string'],
    ['keep-replaced = "soon"', 'secrets.keep-replaced in FILE:4 is not a time up to 365d, as in 7d, or 0'],
    ['keep-replaced = "366d"', 'secrets.keep-replaced in FILE:4 is not a time up to 365d, as in 7d, or 0'],
  ] as const) {
    home.write('.config/mesa/config.toml', CONFIG.replace('# why\n', `# why\n${line}\n`));
    const { status, stderr } = await run(home, 'list');
    expect([status, stderr.split('\n')[0]]).toEqual([3, `mesa: ${what.replace('FILE', home.config)}`]);
  }
  home.write('.config/mesa/config.toml', CONFIG.replace('# why\n', '# why\norg = "not one"\n'));
  expect(await run(home, 'use acme')).toMatchObject({ status: 0 });
  expect(await run(home, 'get-key')).toMatchObject({ status: 0, stdout: `${ACME}\n` });
});

it('a linked config.toml stays a link', async () => {
  const home = homeWithKeys();
  home.write('dotfiles/mesa.toml', CONFIG);
  const link = createTempHome();
  writePlaintext(link, documentOf({ global: GLOBAL, 'orgs/acme': ACME }));
  const file = `${link.path}/linked.toml`;
  symlinkSync(`${home.path}/dotfiles/mesa.toml`, file);
  expect(await run(link, `-c ${file} use acme`)).toMatchObject({ status: 0 });
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  expect(readFileSync(`${home.path}/dotfiles/mesa.toml`, 'utf8')).toContain('org = "acme"');
});

it.each([
  'set-key --org acme --org beta mesa_x',
  'set-key --org=acme --org beta mesa_x',
  'rm-key --org acme --org acme',
  'rm-key --org acme --repo web --repo api',
  'get-key --repo acme/web --repo acme/api',
  'undo --org acme --org beta',
  'whoami --org acme --org beta',
  'status --org acme --org beta',
  'exec --org acme --org beta -- true',
  'mint-token --org acme --org beta --repo acme/web',
  'api-keys list --org acme --org beta',
  'api-keys rotate --repo acme/web --repo acme/api',
  'set-key --org acme --repo beta/web mesa_x',
  'get-key --org acme --repo beta/web',
  'rm-key --org acme --repo beta/web',
  'exec --org acme --repo beta/web -- true',
  'api-keys list --org acme --repo beta/web',
])('"%s" names two where one is meant, and changes nothing', async (args) => {
  const home = homeWithKeys();
  const before = readFileSync(home.plaintext, 'utf8');
  const { status, stdout, stderr } = await run(home, args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^mesa: .*(?:twice|two organizations|several)/);
  expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
});
