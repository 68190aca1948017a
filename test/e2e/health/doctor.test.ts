import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { unlock } from '../../support/agent.ts';
import { ANOTHER_USER, CAN_CHOWN, CAN_MOUNT, withMounts } from '../../support/confinement.ts';
import { NODE, runMesa, type RunOptions, type RunResult } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, UNLOCKED, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const OTHER = 'mesa_anotherkey0000c0de';
/** A machine that does not last, where keys may be kept in plain text. */
const CI = { CI: '1' };

interface FoundProblem {
  readonly check: string;
  readonly severity: string;
  readonly what: string;
  readonly mend: string;
  readonly fixable: boolean;
}

function doctor(
  home: TempHome,
  options: Partial<RunOptions> = {},
  ...args: readonly string[]
): Promise<RunResult> {
  return runMesa(['auth', 'doctor', ...args], { home, ...options, env: { ...CI, ...options.env } });
}

/** What is found, without changing anything. */
async function findProblems(
  home: TempHome,
  options: Partial<RunOptions> = {},
): Promise<readonly FoundProblem[]> {
  const before = fingerprint(home);
  const { status, stdout } = await doctor(home, options, '--json');
  const { findings } = JSON.parse(stdout) as { findings: readonly FoundProblem[] };
  expect(status).toBe(findings.length === 0 ? 0 : 1);
  expect(fingerprint(home)).toEqual(before);
  return findings;
}

function plaintextHome(): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
  return home;
}

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': ORG }));
  return home;
}

describe('doctor', () => {
  it('finds nothing wrong where nothing is, and leaves nothing there', async () => {
    const home = createTempHome();
    for (const args of [[], ['--fix'], ['-y']]) {
      const result = await doctor(home, {}, ...args);
      expect(result).toMatchObject({ status: 0, stdout: '', stderr: 'mesa: nothing is wrong\n' });
    }
    expect(home.tree()).toEqual([]);
    expect((await doctor(home, {}, '--json')).stdout).toBe(
      '{\n  "schema_version": 1,\n  "mended": [],\n  "findings": []\n}\n',
    );
  });

  it('finds nothing wrong with stores that mesa made, locked or not', async () => {
    const home = createTempHome();
    const env = UNLOCKED;
    expect((await runMesa(['auth', 'set-key', ORG, '-y'], { home, env })).status).toBe(0);
    expect(await findProblems(home)).toEqual([]);
    expect(await findProblems(home, { env })).toEqual([]);
    expect(await findProblems(plaintextHome())).toEqual([]);
  });

  it('tells of each problem what it is, why it matters and what mends it, and ends with 1', async () => {
    const home = plaintextHome();
    chmodSync(home.plaintext, 0o644);
    const result = await doctor(home, { env: { MESA_API_KEY: OTHER, MESA_ORG: 'acme' } });
    expect(result).toMatchObject({
      status: 1,
      stdout: [
        `error: ${home.plaintext} can be read by other users`,
        '  why: keys, and what they are for, are for you alone',
        '  mend: mesa auth doctor --fix',
        '',
        "warning: MESA_API_KEY is set and comes before the store for organization 'acme'",
        '  why: keys that you store or replace are not the ones that are used',
        '  mend: unset MESA_API_KEY',
        '',
      ].join('\n'),
      stderr: 'mesa: 2 problems found\nhint: to mend one of them: mesa auth doctor --fix\n',
    });
    expect(statSync(home.plaintext).mode & 0o777).toBe(0o644);
  });

  it.each([
    {
      title: 'a store that is a link',
      spoil: (home: TempHome) => {
        renameSync(home.plaintext, join(home.path, 'moved'));
        symlinkSync(join(home.path, 'moved'), home.plaintext);
      },
      check: 'files',
      what: 'STORE is a symbolic link',
      mend: 'replace the link by the file itself',
    },
    {
      title: 'a store that others can write',
      spoil: (home: TempHome) => chmodSync(home.plaintext, 0o660),
      check: 'files',
      what: 'STORE can be written by other users',
      mend: 'check its content, then: chmod 600 STORE',
    },
    {
      title: 'a directory that others can write',
      spoil: (home: TempHome) => chmodSync(home.dataDir, 0o777),
      check: 'files',
      what: 'DIR can be written by other users',
      mend: 'check its content, then: chmod 700 DIR',
    },
    {
      title: 'a directory above that others can write',
      spoil: (home: TempHome) => chmodSync(join(home.path, '.local'), 0o777),
      check: 'files',
      what: 'HOME/.local can be written by other users',
      mend: 'chmod go-w HOME/.local',
    },
    {
      title: 'a lock file that is a directory',
      spoil: (home: TempHome) => mkdirSync(join(home.dataDir, '.lock')),
      check: 'files',
      what: 'DIR/.lock is not a regular file of this user',
      mend: 'rm DIR/.lock',
    },
    {
      title: 'a damaged store',
      spoil: (home: TempHome) => writeFileSync(home.plaintext, `version = 1\nkey = ${ORG}\n`),
      check: 'stores',
      what: 'the secret store STORE:2:7 is damaged: invalid TOML',
      mend: 'mesa has not changed it; mend it by hand, or: mv -i STORE STORE.damaged && mesa auth restore "$BACKUP"',
    },
    {
      title: 'a store of a later version',
      spoil: (home: TempHome) => writeFileSync(home.plaintext, 'version = 2\n'),
      check: 'stores',
      what: 'STORE has version 2; this mesa knows version 1',
      mend: 'update mesa',
    },
    {
      title: 'a foreign file in the place of the vault',
      spoil: (home: TempHome) => home.write('.local/share/mesa/secrets.vault.age', 'hello'),
      check: 'stores',
      what: 'VAULT is not an age file',
      mend: undefined,
    },
    {
      title: 'a config that is no TOML',
      spoil: (home: TempHome) => home.write('.config/mesa/config.toml', `[secrets]\nbackend = ${ORG}\n`),
      check: 'config',
      what: 'CONFIG:2:11: invalid TOML',
      mend: 'mend that line, or use another file with --config-path',
    },
    {
      title: 'a config that others can write',
      spoil: (home: TempHome) => chmodSync(home.config, 0o666),
      check: 'config',
      what: 'cannot read CONFIG: other users can write it',
      mend: 'chmod go-w CONFIG, and check what it says',
    },
  ])(
    'finds $title, and neither changes nor quotes it, with --fix either',
    async ({ spoil, check, what, mend }) => {
      const home = plaintextHome();
      spoil(home);
      const fill = (text: string): string =>
        text
          .replaceAll('STORE', home.plaintext)
          .replaceAll('VAULT', home.vault)
          .replaceAll('DIR', home.dataDir)
          .replaceAll('CONFIG', home.config)
          .replaceAll('HOME', home.path);
      const [first] = await findProblems(home, { env: UNLOCKED });
      expect(first).toMatchObject({
        check,
        severity: 'error',
        what: expect.stringContaining(fill(what)) as string,
        ...(mend === undefined ? {} : { mend: fill(mend) }),
        fixable: false,
      });
      const before = fingerprint(home);
      const fixed = await doctor(home, { env: UNLOCKED }, '--fix');
      expect(fixed.status).toBe(1);
      expect(fixed.stdout).toContain(fill(what));
      expect(fixed.stdout + fixed.stderr).not.toContain(ORG);
      expect(fingerprint(home)).toEqual(before);
    },
  );

  it.runIf(CAN_CHOWN)('finds files of another user', async () => {
    const home = plaintextHome();
    chownSync(home.plaintext, ANOTHER_USER, ANOTHER_USER);
    expect(await findProblems(home)).toMatchObject([
      { check: 'files', severity: 'error', what: `${home.plaintext} belongs to another user` },
    ]);
  });

  it('goes on when one check cannot: a broken config, a damaged store and the rest are all found', async () => {
    const home = plaintextHome();
    home.write('.config/mesa/config.toml', 'broken');
    writeFileSync(home.plaintext, 'broken');
    home.write('.local/share/mesa/secrets.vault.age', 'broken');
    chmodSync(home.vault, 0o640);
    const found = await findProblems(home, { env: { MESA_ORGS: 'broken', MESA_API_KEY: 'bro ken' } });
    expect(found.map(({ check }) => check)).toEqual([
      'config',
      'files',
      'stores',
      'stores',
      'environment',
      'environment',
    ]);
  });

  it('finds a passphrase in the environment that opens no vault', async () => {
    const env = { MESA_VAULT_PASSPHRASE: 'not the one' };
    const found = await findProblems(await vaultHome(), { env });
    expect(found.filter(({ check }) => check === 'stores')).toMatchObject([
      { what: expect.stringContaining('incorrect passphrase for the vault') as string },
    ]);
  });

  it('finds a vault that is cheap to guess at', async () => {
    expect(await findProblems(await vaultHome())).toMatchObject([
      {
        check: 'work_factor',
        severity: 'warning',
        what: expect.stringContaining('has work factor 10; new ones have 18') as string,
        mend: 'mesa auth change-passphrase',
      },
    ]);
  });

  it.runIf(CAN_MOUNT)(
    'says nothing of keys in plain text where they do not outlive the machine',
    async () => {
      const home = plaintextHome();
      const copy = `${home.path}-copy`;
      const under = withMounts(
        `cp -a '${home.path}' '${copy}'; mount -t tmpfs -o mode=700 none '${home.path}'; cp -a '${copy}/.' '${home.path}'; rm -r '${copy}'`,
      );
      const { stdout } = await doctor(home, { env: { CI: '' }, under }, '--json');
      expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
    },
  );

  it('finds what hides the store: XDG_DATA_HOME', async () => {
    const home = plaintextHome();
    mkdirSync(join(home.path, 'data'), { mode: 0o700 });
    const env = { XDG_DATA_HOME: join(home.path, 'data') };
    expect(await findProblems(home, { env })).toMatchObject([
      { check: 'environment', what: `XDG_DATA_HOME is set, so ${home.plaintext} is not used` },
    ]);
    expect(await findProblems(home, { env: { XDG_DATA_HOME: join(home.path, '.local/share') } })).toEqual([]);
  });

  it('says of MESA_API_KEY nothing where there is no store', async () => {
    expect(await findProblems(createTempHome(), { env: { MESA_API_KEY: OTHER } })).toEqual([]);
  });

  it('finds what makes every start slow on Node 20, and not on later ones', async () => {
    const home = createTempHome();
    const ca = home.write('ca.pem', '');
    const major = execFileSync(NODE, ['-p', 'process.versions.node.split(".")[0]'], {
      encoding: 'utf8',
    }).trim();
    const found = await findProblems(home, { env: { NODE_EXTRA_CA_CERTS: ca } });
    expect(found.map(({ check }) => check)).toEqual(major === '20' ? ['slow_start'] : []);
  });
});

describe('doctor and the unlock agent', () => {
  it('finds nothing wrong with one of this version, and reads the vault through it', async () => {
    const home = await vaultHome();
    home.write('.local/share/mesa/secrets.plaintext.toml', documentOf({ 'orgs/old': OTHER }));
    await unlock(home);
    const found = await findProblems(home);
    expect(found.map(({ check }) => check)).toEqual(['both_backends', 'work_factor']);
    expect(found[0]?.what).toContain('; only there: orgs/old');
  });

  it.each([
    {
      title: 'speaks of another version',
      reply: '{"version":2,"type":"status"}\n',
      what: 'the unlock agent is of another version of mesa than this one',
    },
    { title: 'does not answer', reply: undefined, what: 'the unlock agent does not answer' },
  ])('finds one that $title, and waits for it no longer than seconds', async ({ reply, what }) => {
    const home = plaintextHome();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (reply !== undefined) {
        socket.end(reply);
      }
    });
    server.listen(join(home.dataDir, 'agent.sock'));
    await once(server, 'listening');
    chmodSync(join(home.dataDir, 'agent.sock'), 0o600);
    onTestFinished(() => {
      server.close();
    });
    const { status, stdout, milliseconds } = await doctor(home, {}, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: [
        {
          check: 'agent',
          severity: 'warning',
          what: expect.stringContaining(what) as string,
          mend: 'mesa auth lock && mesa auth unlock',
        },
      ],
    });
    expect(milliseconds).toBeLessThan(20_000);
  });

  it.runIf(CAN_CHOWN)('finds a socket that somebody else may have made', async () => {
    const home = plaintextHome();
    const socket = join(home.dataDir, 'agent.sock');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    chownSync(socket, ANOTHER_USER, ANOTHER_USER);
    expect(await findProblems(home)).toMatchObject([
      { check: 'agent', severity: 'error', what: `${socket} may belong to another user` },
    ]);
  });
});
