import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startAuthority, type Authority } from '../../support/authority.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const WHOAMI = ['auth', 'whoami'];
let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
  await authority.createRepo('web');
});
afterAll(() => authority.stop());

describe('whoami', () => {
  it('tells whose the key is that is used here, and what it may do, and changes nothing', async () => {
    const { id, key } = await authority.createKey({ name: 'ci', scopes: ['read', 'write'] });
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': key }));
    const before = fingerprint(home);
    const options = { home, env: { MESA_API_URL: authority.url } };
    const result = await runMesa([...WHOAMI, '--org', 'acme', '--repo', 'web'], options);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const mask = `mesa_****${key.slice(-4)}`;
    expect(result.stdout.split('\n')).toEqual([
      'organization  acme',
      `key           ${id}`,
      'name          ci',
      'permissions   read, write',
      `source        orgs/acme (${mask})`,
      `server        ${authority.url}`,
      '',
    ]);
    const json = await runMesa([...WHOAMI, '--org', 'acme', '--json'], options);
    expect(JSON.parse(json.stdout)).toEqual({
      schema_version: 1,
      organization: { id: expect.any(String) as string, slug: 'acme', name: 'acme' },
      key_id: id,
      key_name: 'ci',
      permissions: ['read', 'write'],
      source: 'orgs/acme',
      masked_key: mask,
      api_url: authority.url,
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it('warns when the key is of another organization than the one asked for', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ global: authority.adminKey }));
    const options = { home, env: { MESA_API_URL: authority.url } };
    const result = await runMesa([...WHOAMI, '--org', 'other'], options);
    expect(result).toMatchObject({
      status: 0,
      stderr:
        "mesa: warning: the key for global is of organization 'acme', not of the one asked for: orgs/other\n",
    });
  });

  it.each<[string, Record<string, string>, readonly string[], string, string]>([
    [
      'environment',
      { MESA_API_KEY: 'mesa_nobodys_key_000' },
      [],
      'in MESA_API_KEY',
      'export MESA_API_KEY=<another key>',
    ],
    [
      'store',
      {},
      ['--org', 'acme', '--repo', 'api'],
      'for orgs/acme/repos/api',
      'mesa auth set-key --org acme --repo api',
    ],
  ])(
    'ends with 5 when the key of the %s is refused, naming it and what to type',
    async (_, env, flags, name, hint) => {
      const home = createTempHome();
      writePlaintext(home, documentOf({ 'orgs/acme/repos/api': 'mesa_nobodys_key_001' }));
      const options = { home, env: { MESA_API_URL: authority.url, ...env } };
      const result = await runMesa([...WHOAMI, ...flags], options);
      expect(result).toMatchObject({ status: 5, stdout: '' });
      expect(result.stderr).toMatch(
        /^mesa: http:\/\/127\.0\.0\.1:\d+ does not accept the key .*: '.*'\nhint: .*\n$/,
      );
      expect(result.stderr).toContain(`does not accept the key ${name}: 'UNAUTHORIZED`);
      expect(result.stderr).toContain(`hint: replace it: ${hint}\n`);
    },
  );

  it('ends with 4 and asks nobody when there is no key', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({}));
    const env = { MESA_API_URL: 'http://127.0.0.1:1' };
    expect(await runMesa([...WHOAMI, '--org', 'acme'], { home, env })).toMatchObject({
      status: 4,
      stdout: '',
    });
  });
});

describe('a token from mint-token', () => {
  it('is accepted by the server, clamped to what its key may do, and cannot manage keys', async () => {
    const { id, key } = await authority.createKey({ name: 'reader', scopes: ['read'] });
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': key }));
    const env = { MESA_API_URL: authority.url };
    const minted = await runMesa(
      ['auth', 'mint-token', '--repo', 'acme/web', '--scope', 'read,write,admin'],
      { home, env },
    );
    expect(minted).toMatchObject({ status: 0, stderr: '' });
    const asToken = { home, env: { ...env, MESA_API_KEY: minted.stdout.trim() } };
    const whoami = await runMesa([...WHOAMI, '--org', 'acme', '--json'], asToken);
    expect(whoami).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(whoami.stdout)).toMatchObject({
      organization: { slug: 'acme' },
      key_id: null,
      permissions: ['read'],
      source: 'MESA_API_KEY',
    });
    const shown = await runMesa([...WHOAMI, '--org', 'acme'], asToken);
    expect(shown.stdout).toContain('\nkey           a short-lived token\n');
    const created = await runMesa(['auth', 'api-keys', 'create', '--org', 'acme'], asToken);
    expect(created).toMatchObject({ status: 5, stdout: '' });
    expect(created.stderr).toContain("the key in MESA_API_KEY may not do this: 'FORBIDDEN:");
    expect(created.stderr).toContain('hint: see what it may do: mesa auth whoami\n');
    await authority.revoke(id);
    expect(await runMesa(WHOAMI, asToken)).toMatchObject({ status: 5, stdout: '' });
  });
});
