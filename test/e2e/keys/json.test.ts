import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const REPO = 'mesa_repository0000c0de';
const ENVIRONMENT = 'mesa_environment00e7e7';

describe('list --json', () => {
  it('is one document that names every scope and holds no key', async () => {
    const home = createTempHome();
    await writeVault(
      home,
      `${documentOf({ 'orgs/acme': ORG, 'orgs/acme/repos/web': REPO })}\n[keys.global]\nkey = "short"\n`,
    );
    const result = await runMesa(['auth', 'list', '--json'], { home, env: UNLOCKED });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({
      schema_version: 1,
      backend: 'encrypted-file',
      location: home.vault,
      keys: [
        {
          scope: 'global',
          organization: null,
          repository: null,
          masked_key: '****',
          added: null,
          api_url: null,
        },
        {
          scope: 'orgs/acme',
          organization: 'acme',
          repository: null,
          masked_key: 'mesa_****9f2c',
          added: '2026-11-20T23:30:00.000Z',
          api_url: null,
        },
        {
          scope: 'orgs/acme/repos/web',
          organization: 'acme',
          repository: 'web',
          masked_key: 'mesa_****c0de',
          added: '2026-11-20T23:30:00.000Z',
          api_url: null,
        },
      ],
    });
  });

  it('is a document without keys when there are none, and nothing is said beside it', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const result = await runMesa(['auth', '-y', 'list', '--json'], { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toEqual({
      schema_version: 1,
      backend: 'plaintext-file',
      location: home.plaintext,
      keys: [],
    });
  });

  it('is plain ASCII whatever the path, and still says the path', async () => {
    const home = createTempHome();
    const name = 'd\u00e9p\u00f4t \u202e\u{1f511} "q" \u001b[31m \u009b\u007f';
    const dataHome = join(home.path, name);
    mkdirSync(dataHome, { mode: 0o700 });
    home.useBackend('plaintext-file');
    const env = { XDG_DATA_HOME: dataHome };
    const result = await runMesa(['auth', 'list', '--json'], { home, env });
    expect(result.stdout).toMatch(/^[\n\x20-\x7e]+\n$/);
    expect(JSON.parse(result.stdout)).toMatchObject({
      location: join(dataHome, 'mesa/secrets.plaintext.toml'),
    });
  });
});

describe('get-key --json and --explain', () => {
  const cases = [
    {
      title: 'a key that was found before another',
      args: ['--org', 'acme', '--repo', 'web'],
      env: {},
      status: 0,
      document: {
        requested_scope: 'orgs/acme/repos/web',
        source: 'orgs/acme/repos/web',
        masked_key: 'mesa_****c0de',
        expires: null,
        candidates: [
          { source: 'orgs/acme/repos/web', masked_key: 'mesa_****c0de', result: 'used' },
          { source: 'orgs/acme', masked_key: 'mesa_****9f2c', result: 'shadowed' },
          { source: 'global', masked_key: null, result: 'absent' },
        ],
      },
      table: [
        'SOURCE               KEY            RESULT',
        'orgs/acme/repos/web  mesa_****c0de  used',
        'orgs/acme            mesa_****9f2c  not used: a key before it was found',
        'global               -              not used: no key here',
      ],
      stderr: '',
    },
    {
      title: 'the key of the environment, with MESA_ORG for want of --org',
      args: [],
      env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' },
      status: 0,
      document: {
        requested_scope: 'orgs/acme',
        source: 'MESA_API_KEY',
        masked_key: 'mesa_****e7e7',
        expires: null,
        candidates: [
          { source: 'MESA_API_KEY', masked_key: 'mesa_****e7e7', result: 'used' },
          { source: 'orgs/acme', masked_key: 'mesa_****9f2c', result: 'shadowed' },
          { source: 'global', masked_key: null, result: 'absent' },
        ],
      },
      table: [
        'SOURCE        KEY            RESULT',
        'MESA_API_KEY  mesa_****e7e7  used',
        'orgs/acme     mesa_****9f2c  not used: a key before it was found',
        'global        -              not used: no key here',
      ],
      stderr: '',
    },
    {
      title: 'no key at all, with the same status and error as without it',
      args: ['--org', 'other'],
      env: { MESA_API_KEY: ENVIRONMENT, MESA_ORG: 'acme' },
      status: 4,
      document: {
        requested_scope: 'orgs/other',
        source: null,
        masked_key: null,
        expires: null,
        candidates: [
          { source: 'MESA_API_KEY', masked_key: 'mesa_****e7e7', result: 'other_organization' },
          { source: 'orgs/other', masked_key: null, result: 'absent' },
          { source: 'global', masked_key: null, result: 'absent' },
        ],
      },
      table: [
        'SOURCE        KEY            RESULT',
        'MESA_API_KEY  mesa_****e7e7  not used: MESA_ORG names another organization',
        'orgs/other    -              not used: no key here',
        'global        -              not used: no key here',
      ],
      stderr:
        "mesa: no API key found in the secret store for organization 'other'\nhint: mesa auth set-key --org other\n",
    },
  ];

  it.each(cases)('tell of $title', async ({ args, env, status, document, table, stderr }) => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG, 'orgs/acme/repos/web': REPO }));
    const json = await runMesa(['auth', 'get-key', ...args, '--json'], { home, env });
    expect(json).toMatchObject({ status, stderr });
    expect(JSON.parse(json.stdout)).toEqual({ schema_version: 1, ...document });
    const explained = await runMesa(['auth', 'get-key', ...args, '--explain'], { home, env });
    expect(explained).toMatchObject({ status, stdout: `${table.join('\n')}\n`, stderr });
    for (const key of [ORG, REPO, ENVIRONMENT]) {
      expect(json.stdout + explained.stdout).not.toContain(key);
    }
  });
});
