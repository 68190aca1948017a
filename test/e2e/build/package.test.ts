import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

import { builtDist, NODE } from '../../support/run-mesa.ts';
import { documentOf, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const root = resolve(import.meta.dirname, '../../..');
const dist = builtDist();

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses: readonly { readonly license?: { readonly id: string }; readonly expression?: string }[];
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

interface LockedPackage {
  readonly version: string;
  readonly integrity: string;
  readonly license?: string;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

function npm(args: readonly string[], home: string): string {
  return execFileSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: home, npm_config_update_notifier: 'false' },
  });
}

/** The package as it would be published, made once: what each test does with it, it does with a copy. */
let packed: { readonly files: readonly string[]; readonly tarball: string };
let madeConsumer: string;

beforeAll(() => {
  const home = mkdtempSync(join(tmpdir(), 'mesa-test-'));
  // Without building again: other tests use what is in dist.
  const [made] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', home], home),
  ) as {
    filename: string;
    files: { path: string }[];
  }[];
  packed = {
    files: (made?.files ?? []).map(({ path }) => path),
    tarball: join(home, made?.filename ?? ''),
  };
  madeConsumer = join(home, 'consumer');
  mkdirSync(madeConsumer);
  writeFileSync(join(madeConsumer, 'package.json'), '{"type":"module"}');
  npm(['install', '--offline', '--prefix', madeConsumer, packed.tarball], home);
  return () => rmSync(home, { recursive: true, force: true });
});

/** A directory with the package, and nothing else, installed from its tarball. */
function createConsumer(): string {
  const consumer = join(createTempHome().path, 'consumer');
  cpSync(madeConsumer, consumer, { recursive: true, verbatimSymlinks: true });
  return consumer;
}

/** Compiles when there is such a permission. */
function typedProgram(permission: string): string {
  return `
    import { signAccessToken, verifyAccessToken, type AccessTokenVerdict } from 'mesa-auth/access-token';
    const { token } = signAccessToken({
      apiKeyId: 'key_1', apiKey: 'mesa_0123456789abcdef', permissions: ['${permission}'], repos: ['acme/web'],
    });
    export const verdict: Promise<AccessTokenVerdict> = verifyAccessToken(token, {
      signingSecretOf: () => Promise.resolve(undefined),
    });`;
}

/** Compiles when there is such an option. */
function programWithOption(option: string): string {
  return `
      import { MesaAuthError, mintToken, resolveKey, type ErrorCode } from 'mesa-auth';
      export async function use(): Promise<Date> {
        const key: string = await resolveKey({ org: 'acme', ${option}: 'web' });
        const { token, expiresAt } = await mintToken({ repos: 'all', permissions: ['read'] });
        const code: ErrorCode | undefined = new MesaAuthError('LOCKED', key + token).code;
        return code === 'LOCKED' ? expiresAt : new Date();
      }`;
}

describe('the npm package', () => {
  it('contains the program, its licences and its SBOM, and nothing that only developers need', () => {
    const { files } = packed;
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'bin/mesa.cjs',
        'dist/start.cjs',
        'dist/start.cjs.map',
        'dist/access-token.cjs',
        'dist/access-token.d.cts',
        'dist/library.cjs',
        'dist/library.d.cts',
        'dist/sbom.cdx.json',
        'dist/THIRD-PARTY-LICENSES.txt',
      ]),
    );
    const others = files.filter(
      (path) => !/^(?:LICENSE|README\.md|CHANGELOG\.md|package\.json|bin\/mesa\.cjs|dist\/.+)$/.test(path),
    );
    expect(others).toEqual([]);
    // Nobody can review what V8 compiled, and it is of use to one version of Node alone.
    expect(files.filter((path) => path.includes('compiled') || path.endsWith('.bin'))).toEqual([]);
    expect(files).not.toContain('dist/built-from.json');
  });

  it('installs as exactly one package, without scripts or native code, and gives a working mesa under both names', () => {
    const home = createTempHome();
    const prefix = join(home.path, 'prefix');
    npm(['install', '--global', '--offline', '--prefix', prefix, packed.tarball], home.path);
    const modules = join(prefix, 'lib/node_modules');
    expect(readdirSync(modules)).toEqual(['mesa-auth']);
    const installed = join(modules, 'mesa-auth');
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
    expect(
      readdirSync(installed, { recursive: true }).filter((path) => String(path).endsWith('.node')),
    ).toEqual([]);
    const manifest = readJson<Record<string, Record<string, string> | undefined>>(
      join(installed, 'package.json'),
    );
    expect(manifest['dependencies']).toBeUndefined();
    expect(manifest['optionalDependencies']).toBeUndefined();
    expect(Object.keys(manifest['scripts'] ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:pre|post)?install$|^prepare$/)]),
    );
    const run = (args: readonly string[], input = ''): string =>
      execFileSync(NODE, [join(prefix, 'bin/mesa'), ...args], {
        encoding: 'utf8',
        input,
        env: { HOME: home.path, PATH: process.env['PATH'] ?? '' },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    run(['init', '-y', '--backend', 'plaintext-file']);
    run(['auth', 'set-key', '--org', 'acme'], 'mesa_0123456789abcdef\n');
    expect(run(['auth', 'get-key', '--org', 'acme'])).toBe('mesa_0123456789abcdef\n');

    expect(readdirSync(join(prefix, 'bin')).toSorted()).toEqual(['mesa', 'mesa-auth']);
    const runAs = (name: string, args: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync(NODE, [join(prefix, 'bin', name), ...args], {
        encoding: 'utf8',
        env: { HOME: home.path, PATH: '' },
      });
      return { status, stdout, stderr };
    };
    for (const args of [
      ['--version'],
      ['auth', '--help'],
      ['auth', 'get-key', '--org', 'acme'],
      ['auth', 'get-key', '--org', 'other'],
      ['auth', 'list', '--json'],
      ['auth', 'no-such-command'],
      ['completion', 'bash'],
    ]) {
      const asMesa = runAs('mesa', args);
      expect(`${asMesa.stdout}${asMesa.stderr}`, args.join(' ')).not.toBe('');
      expect(runAs('mesa-auth', args), args.join(' ')).toEqual(asMesa);
    }
  });
});

describe('what the package publishes for programs', () => {
  it('signs and verifies access tokens, imported or required, and is nothing else', () => {
    const cwd = createConsumer();
    const use = `
      const apiKey = 'mesa_0123456789abcdef';
      const signingSecretOf = async () => deriveSigningSecret(apiKey);
      const { token } = signAccessToken({ apiKeyId: 'key_1', apiKey, permissions: ['read'], repos: null, jti: 'one' });
      verifyAccessToken(token, { signingSecretOf }).then(({ ok, claims }) => console.log(ok, claims?.keyId, claims?.jti));`;
    const names = '{ deriveSigningSecret, signAccessToken, verifyAccessToken }';
    writeFileSync(join(cwd, 'use.mjs'), `import ${names} from 'mesa-auth/access-token';${use}`);
    writeFileSync(join(cwd, 'use.cjs'), `const ${names} = require('mesa-auth/access-token');${use}`);
    for (const file of ['use.mjs', 'use.cjs']) {
      expect(execFileSync(NODE, [file], { cwd, encoding: 'utf8' }), file).toBe('true key_1 one\n');
    }
    const other = spawnSync(NODE, ['-e', "require('mesa-auth/bin/mesa.cjs')"], { cwd, encoding: 'utf8' });
    expect(other.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
    expect(other.status).toBe(1);
  });

  it('has types for ES modules and CommonJS, which refuse a permission that does not exist', () => {
    const cwd = createConsumer();
    const files = ['use.mts', 'use.cts'];
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023'];
    const check = (permission: string): string => {
      files.forEach((file) => writeFileSync(join(cwd, file), typedProgram(permission)));
      return spawnSync(process.execPath, [compiler, ...options, ...files], { cwd, encoding: 'utf8' }).stdout;
    };
    expect(check('read')).toBe('');
    const refused = check('owner');
    for (const file of files) {
      expect(refused).toMatch(
        new RegExp(`^${file}\\(.*'"owner"' is not assignable to type '"admin" \\| "read"`, 'm'),
      );
    }
  });

  it('loads one module of Node, and the program starts without it', () => {
    const library = readFileSync(join(dist, 'access-token.cjs'), 'utf8');
    expect(library.match(/require\([^)]*\)|import\(/g)).toEqual(['require("node:crypto")']);
    const { sources } = readJson<{ sources: string[] }>(join(dist, 'start.cjs.map'));
    expect(sources.filter((source) => source.includes('/access-token'))).toEqual([]);
    expect(sources.length).toBeGreaterThan(5);
  });
});

describe('the keys of a machine, for programs', () => {
  const KEY = 'mesa_test_key_0123456789abcdef';
  const PASSPHRASE = 'kept in no file of a test';

  /** A consumer in a home directory whose vault has a key, with its id. */
  async function consumerWithVault(): Promise<{ cwd: string; home: TempHome }> {
    const home = createTempHome();
    await writeVault(home, `${documentOf({ 'orgs/acme': KEY })}key-id = "key_1"\n`);
    return { cwd: createConsumer(), home };
  }

  it('are found from ES modules and CommonJS, with the passphrase of an option or of the environment', async () => {
    const { cwd, home } = await consumerWithVault();
    const use = `
      const lines = [];
      (async () => {
        const passphrase = process.env.GIVEN;
        console.log(await resolveKey({ org: 'acme', repo: 'web', passphrase, onMessage: (line) => lines.push(line) }));
        const { token, expiresAt, permissions, repos, org } =
          await mintToken({ org: 'acme', repos: ['web'], permissions: ['read', 'write'], ttlSeconds: 900, passphrase });
        const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
        console.log(JSON.stringify([claims.iss, claims.exp - claims.iat, claims.exp * 1000 === expiresAt.getTime()]));
        console.log(JSON.stringify([permissions, repos, org, lines]));
        try { await resolveKey({ org: 'other', passphrase }); } catch (error) {
          console.log(error instanceof MesaAuthError, error.code, error.message);
        }
      })();`;
    const names = '{ MesaAuthError, mintToken, resolveKey }';
    writeFileSync(join(cwd, 'use.mjs'), `import ${names} from 'mesa-auth';${use}`);
    writeFileSync(join(cwd, 'use.cjs'), `const ${names} = require('mesa-auth');${use}`);
    for (const [file, env] of [
      ['use.mjs', { GIVEN: PASSPHRASE }],
      ['use.cjs', { MESA_VAULT_PASSPHRASE: PASSPHRASE }],
    ] as const) {
      const run = spawnSync(NODE, [file], { cwd, encoding: 'utf8', env: { HOME: home.path, ...env } });
      expect({ stderr: run.stderr, status: run.status }).toEqual({ stderr: '', status: 0 });
      expect(run.stdout.split('\n')).toEqual([
        KEY,
        '["key_1",900,true]',
        '[["read","write"],["acme/web"],"acme",[]]',
        "true KEY_NOT_FOUND no API key found in the secret store for organization 'other'",
        '',
      ]);
    }
    const log = readFileSync(join(home.dataDir, 'uses.log'), 'utf8');
    expect(log).toContain('"action":"resolveKey","scope":"orgs/acme/repos/web","source":"orgs/acme"');
    expect(log).toContain('"action":"mintToken"');
    expect(log).toContain('"program":"node"');
  });

  it('are refused without a question, a word or an exit, and nothing is written', async () => {
    const { cwd, home } = await consumerWithVault();
    writeFileSync(
      join(cwd, 'use.mjs'),
      `import { resolveKey, mintToken } from 'mesa-auth';
      const env = { HOME: process.env.HOME };
      const tries = [
        resolveKey({ org: 'acme', env }), resolveKey({ org: 'acme', env, passphrase: 'wrong' }),
        resolveKey({ org: 'a/b', env }), resolveKey({ repo: 'web', env }), resolveKey({ env: { HOME: '' } }),
        resolveKey({ env, configPath: '/nowhere.toml' }), resolveKey({ env: { ...env, MESA_API_KEY: 'two words' } }),
        mintToken({ org: 'acme', env }), mintToken({ repos: ['acme/web'], ttlSeconds: 1.5, env }),
        mintToken({ repos: ['acme/web'], permissions: ['owner'], env }),
      ];
      for (const { reason } of await Promise.allSettled(tries)) console.log(reason.code, reason.name);
      console.log('still here', process.exitCode);`,
    );
    const before = home.tree();
    const run = spawnSync(NODE, ['use.mjs'], { cwd, encoding: 'utf8', env: { HOME: home.path } });
    expect(run.stderr).toBe('');
    const codes =
      'LOCKED WRONG_PASSPHRASE INVALID_SCOPE USAGE HOME_UNUSABLE CONFIG_UNREADABLE INVALID_KEY USAGE USAGE USAGE';
    const refusals = codes.split(' ').map((code) => `${code} MesaAuthError\n`);
    expect(run.stdout).toBe(`${refusals.join('')}still here undefined\n`);
    expect(home.tree()).toEqual([...before, '.local/share/mesa/uses.log'].toSorted());
  });

  it.each([
    ['resolveKey(null)', 'the options are not an object'],
    ["resolveKey('acme')", 'the options are not an object'],
    ['resolveKey({ org: 5 })', 'org is not a text'],
    ["resolveKey({ org: 'acme', repo: null })", 'repo is not a text'],
    ["resolveKey({ repo: 'web' })", 'repo needs org'],
    ['resolveKey({ env: { HOME: 1 } })', 'env is not an object of texts'],
    ['resolveKey({ onMessage: true })', 'onMessage is not a function'],
    ['mintToken(null)', 'the options are not an object'],
    ["mintToken({ repos: 'acme/web' })", "repos is not 'all', or a list of at least one name"],
    ['mintToken({ repos: [] })', "repos is not 'all', or a list of at least one name"],
    ['mintToken({ repos: [7] })', "repos is not 'all', or a list of at least one name"],
    ["mintToken({ repos: ['web'] })", 'repos has a name without its organization'],
    ["mintToken({ permissions: 'read' })", 'permissions is not a list of at least one of read, write, admin'],
    ['mintToken({ permissions: [] })', 'permissions is not a list of at least one of read, write, admin'],
    ['mintToken({ ttlSeconds: 0 })', 'ttlSeconds is not a whole number from 1 to 86400'],
    ['mintToken({ ttlSeconds: 86401 })', 'ttlSeconds is not a whole number from 1 to 86400'],
    ["mintToken({ ttlSeconds: '60' })", 'ttlSeconds is not a whole number from 1 to 86400'],
    ["mintToken({ org: 'acme' })", 'a token is for a repository, and none is named'],
    [
      "mintToken({ repos: ['acme/web', 'other/web'] })",
      'a key works in one organization, and these repositories are of several',
    ],
  ])('%s is refused with the name of the option, and without a flag', (call, message) => {
    const home = createTempHome();
    const program = `const { MesaAuthError, mintToken, resolveKey } = require(${JSON.stringify(join(dist, 'library.cjs'))});
      ${call}.catch((error) => console.log(JSON.stringify(
        [error instanceof MesaAuthError, error.code, error.message, String(error.hint)])));`;
    const run = spawnSync(NODE, ['-e', program], {
      cwd: home.path,
      encoding: 'utf8',
      env: { HOME: home.path },
    });
    expect(run.stderr).toBe('');
    const [isOurs, code, said, hint] = JSON.parse(run.stdout) as [boolean, string, string, string];
    expect([isOurs, code, said]).toEqual([true, 'USAGE', message]);
    expect(hint).toMatch(/\w/);
    expect(hint).not.toMatch(/--|undefined/);
    expect(home.tree()).toEqual([]);
  });

  it('come from the environment first, and need no store for that', async () => {
    const cwd = createConsumer();
    const home = createTempHome();
    writeFileSync(
      join(cwd, 'use.mjs'),
      `import { resolveKey } from 'mesa-auth'; console.log(await resolveKey());`,
    );
    const env = { HOME: home.path, MESA_API_KEY: KEY };
    expect(execFileSync(NODE, ['use.mjs'], { cwd, encoding: 'utf8', env })).toBe(`${KEY}\n`);
    expect(home.tree()).toEqual([]);
  });

  it('have types for ES modules and CommonJS, which refuse an option that does not exist', () => {
    const cwd = createConsumer();
    const check = (option: string): string => {
      writeFileSync(join(cwd, 'use.mts'), programWithOption(option));
      writeFileSync(join(cwd, 'use.cts'), programWithOption(option));
      const args = [
        '--strict',
        '--noEmit',
        '--module',
        'nodenext',
        '--target',
        'es2023',
        'use.mts',
        'use.cts',
      ];
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      return spawnSync(process.execPath, [compiler, ...args], { cwd, encoding: 'utf8' }).stdout;
    };
    expect(check('repo')).toBe('');
    expect(check('repository')).toMatch(
      /^use\.mts\(.*'repository' does not exist in type 'ResolveKeyOptions'/m,
    );
  });
});

describe('the SBOM', () => {
  let components: readonly Component[] = [];
  let locked: Readonly<Record<string, LockedPackage>> = {};

  beforeAll(() => {
    components = readJson<{ components: Component[] }>(join(dist, 'sbom.cdx.json')).components;
    locked = readJson<{ packages: Record<string, LockedPackage> }>(join(root, 'package-lock.json')).packages;
  });

  it('names every package whose code the source maps show in the bundle', () => {
    const seen = new Set<string>();
    for (const file of readdirSync(dist).filter((name) => name.endsWith('.map'))) {
      for (const source of readJson<{ sources: string[] }>(join(dist, file)).sources) {
        const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1];
        if (name !== undefined) {
          seen.add(name);
        }
      }
    }
    expect(seen.size).toBeGreaterThan(5);
    expect([...new Set(components.map(({ name }) => name))].toSorted()).toEqual([...seen].toSorted());
  });

  it('agrees with the lock file in version, licence and hash', () => {
    for (const component of components) {
      const match = Object.entries(locked).find(
        ([place, { version }]) =>
          place.endsWith(`node_modules/${component.name}`) && version === component.version,
      );
      expect(match, component.name).toBeDefined();
      const license = component.licenses[0]?.license?.id ?? component.licenses[0]?.expression;
      expect(match?.[1].license, component.name).toBe(license);
      const integrity = Buffer.from(component.hashes[0]?.content ?? '', 'hex').toString('base64');
      expect(match?.[1].integrity, component.name).toBe(`sha512-${integrity}`);
    }
  });

  it('comes with the licence of every package', () => {
    const licences = readFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const { name, version } of components) {
      expect(licences).toContain(`${name} ${version}\n`);
    }
  });
});
