import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { OBEYING_MODES } from '../../support/confinement.ts';
import { childEnv, runMesa, type RunOptions, type RunResult } from '../../support/run-mesa.ts';
import {
  documentOf,
  fingerprint,
  openVault,
  UNLOCKED,
  writePlaintext,
  writeVault,
} from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const LEGACY = 'mesa_legacykey00004e4e';
const LEGACY_TOO = 'mesa_legacykey00005f5f';

function doctor(
  home: TempHome,
  options: Partial<RunOptions>,
  ...args: readonly string[]
): Promise<RunResult> {
  // A machine that does not last, where keys may be kept in plain text.
  return runMesa(['auth', 'doctor', ...args], { home, ...options, env: { CI: '1', ...options.env } });
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

describe('doctor --fix', () => {
  it('tightens modes and removes what killed writers left, says so, and then nothing is wrong', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
    const strays = [home.plaintext, home.config].map((path) =>
      home.write(join(path, '..', `.${basename(path)}.12345.tmp`).slice(home.path.length + 1), ORG),
    );
    const kept = home.write('.local/share/mesa/.secrets.plaintext.toml.mine.tmp', 'mine');
    chmodSync(home.plaintext, 0o644);
    chmodSync(home.dataDir, 0o750);
    const looked = await doctor(home, {});
    expect(looked).toMatchObject({
      status: 1,
      stderr: 'mesa: 4 problems found\nhint: to mend 4 of them: mesa auth doctor --fix\n',
    });
    expect([modeOf(home.dataDir), modeOf(home.plaintext)]).toEqual([0o750, 0o644]);
    const fixed = await doctor(home, {}, '--fix');
    expect(fixed).toMatchObject({
      status: 0,
      stdout: '',
      stderr: [
        `mesa: ${home.dataDir} could be listed by other users; its mode is 0700 now`,
        `mesa: ${home.plaintext} could be read by other users; its mode is 0600 now`,
        ...strays.map((path) => `mesa: removed ${path}`),
        'mesa: nothing is wrong',
        '',
      ].join('\n'),
    });
    expect([modeOf(home.dataDir), modeOf(home.plaintext)]).toEqual([0o700, 0o600]);
    expect(strays.filter((path) => existsSync(path))).toEqual([]);
    expect(readFileSync(kept, 'utf8')).toBe('mine');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(documentOf({ 'orgs/acme': ORG }));
  });

  it('takes the temporary file of a writer that is at work for none of its business', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG }));
    const temp = home.write('.local/share/mesa/.secrets.plaintext.toml.12345.tmp', 'half');
    const lock = openSync(home.write('.local/share/mesa/.lock', ''), 'r+');
    // The lock belongs to the open file: it is held until this process closes it.
    spawnSync('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'inherit', lock] });
    try {
      expect(await doctor(home, {}, '--fix')).toMatchObject({ status: 0, stdout: '' });
      expect(readFileSync(temp, 'utf8')).toBe('half');
    } finally {
      closeSync(lock);
    }
    expect((await doctor(home, {})).status).toBe(1);
  });

  const CONFIG = `# mine
[secrets]
backend = "BACKEND" # chosen

[organizations.acme] # theirs
url = "x"
  api-key = "${LEGACY}" # the old key

[organizations]
globex = { api-key = '${LEGACY_TOO}', url = "y" }
`;
  const WITHOUT_KEYS = CONFIG.replace(/ {2}api-key = .*\n/, '').replace(/api-key = '.*', /, '');

  it('moves legacy keys into a plaintext store and keeps every other byte of a linked config', async () => {
    const home = createTempHome();
    const config = CONFIG.replace('BACKEND', 'plaintext-file');
    const target = home.write('dotfiles/mesa.toml', config);
    home.write('.config/mesa/other', '');
    symlinkSync(target, home.config);
    const result = await doctor(home, {}, '--fix');
    expect(result).toMatchObject({
      status: 0,
      stdout: '',
      stderr: [
        `mesa: moved the key for acme from ${home.config} into plaintext-file`,
        `mesa: moved the key for globex from ${home.config} into plaintext-file`,
        'mesa: nothing is wrong',
        '',
      ].join('\n'),
    });
    expect(readFileSync(target, 'utf8')).toBe(WITHOUT_KEYS.replace('BACKEND', 'plaintext-file'));
    expect(readlinkSync(home.config)).toBe(target);
    for (const [org, key] of [
      ['acme', LEGACY],
      ['globex', LEGACY_TOO],
    ] as const) {
      const got = await runMesa(['auth', 'get-key', '--org', org], { home });
      expect(got).toMatchObject({ status: 0, stdout: `${key}\n`, stderr: '' });
    }
  });

  it('moves them into a vault that MESA_VAULT_PASSPHRASE opens; into a locked one it moves nothing', async () => {
    const home = createTempHome();
    await writeVault(home, documentOf({ global: ORG }));
    home.write('.config/mesa/config.toml', CONFIG.replace('BACKEND', 'encrypted-file'));
    const before = fingerprint(home);
    const locked = await doctor(home, {}, '--fix', '--json');
    expect(locked.status).toBe(1);
    expect(JSON.parse(locked.stdout)).toMatchObject({
      mended: [],
      findings: [
        {
          check: 'legacy_keys',
          severity: 'error',
          what: `${home.config} holds a key in plain text for acme, globex`,
          mend: 'mesa auth unlock && mesa auth doctor --fix',
        },
        { check: 'work_factor' },
      ],
    });
    expect(locked.stderr).toContain(`needs its passphrase`);
    expect(fingerprint(home)).toEqual(before);

    const moved = await doctor(home, { env: UNLOCKED }, '--fix', '--json');
    expect(JSON.parse(moved.stdout)).toMatchObject({
      mended: [
        { check: 'legacy_keys', done: `moved the key for acme from ${home.config} into encrypted-file` },
        { check: 'legacy_keys', done: `moved the key for globex from ${home.config} into encrypted-file` },
      ],
      findings: [],
    });
    expect(readFileSync(home.config, 'utf8')).toBe(WITHOUT_KEYS.replace('BACKEND', 'encrypted-file'));
    const document = await openVault(home);
    for (const key of [ORG, LEGACY, LEGACY_TOO]) {
      expect(document).toContain(`key = "${key}"`);
      expect(moved.stdout + moved.stderr + locked.stdout + locked.stderr).not.toContain(key);
    }
  });

  it('overwrites no other key that the store has, and removes what it has already', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': ORG, 'orgs/globex': LEGACY_TOO }));
    const config = CONFIG.replace('BACKEND', 'plaintext-file');
    home.write('.config/mesa/config.toml', config);
    const store = readFileSync(home.plaintext, 'utf8');
    const result = await doctor(home, {}, '--fix');
    expect(result).toMatchObject({
      status: 1,
      stdout: [
        `error: ${home.config}:7 holds another key for acme than plaintext-file`,
        '  why: it is not used, and lies in a file that is made to be shared',
        '  mend: delete that line, or store that key: mesa auth set-key --org acme',
        '',
      ].join('\n'),
      stderr: `mesa: moved the key for globex from ${home.config} into plaintext-file\nmesa: 1 problem left\n`,
    });
    expect(readFileSync(home.plaintext, 'utf8')).toBe(store);
    expect(readFileSync(home.config, 'utf8')).toBe(config.replace(/api-key = '.*', /, ''));
  });

  it('leaves what is no key or no organization to its owner, and names it by its line', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({}));
    const text = `${readFileSync(home.config, 'utf8')}[organizations]\n"a b\\u001b[2J".api-key = "${LEGACY}"\nacme.api-key = 5\nglobex.api-key = "${LEGACY} x"\n`;
    home.write('.config/mesa/config.toml', text);
    const before = fingerprint(home);
    const result = await doctor(home, {}, '--fix', '--json');
    expect(result.status).toBe(1);
    const { findings } = JSON.parse(result.stdout) as { findings: readonly { what: string }[] };
    expect(findings.map(({ what }) => what)).toEqual(
      ["'a b\\u{1b}[2J'", "'acme'", "'globex'"].map(
        (org, index) =>
          `the api-key for ${org} in ${home.config}:${index + 4} cannot be a key of an organization`,
      ),
    );
    expect(result.stdout + result.stderr).not.toContain(LEGACY);
    expect(fingerprint(home)).toEqual(before);
  });

  it('stores no key when the config cannot be written, and tells', async () => {
    const home = createTempHome();
    writePlaintext(home, documentOf({}));
    const before = readFileSync(home.plaintext, 'utf8');
    const config = CONFIG.replace('BACKEND', 'plaintext-file');
    home.write('.config/mesa/config.toml', config);
    const dir = join(home.config, '..');
    chmodSync(dir, 0o500);
    const result = await doctor(home, { under: OBEYING_MODES }, '--fix');
    chmodSync(dir, 0o700);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`not mended: ${home.config} holds a key in plain text for acme, globex`);
    expect(result.stderr).toContain(`cannot write ${home.config}: permission denied; nothing was changed\n`);
    expect(readFileSync(home.config, 'utf8')).toBe(config);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(before);
    expect(await doctor(home, {}, '--fix')).toMatchObject({ status: 0 });
    expect(readFileSync(home.config, 'utf8')).toBe(WITHOUT_KEYS.replace('BACKEND', 'plaintext-file'));
  });
});

async function homeWithBoth(): Promise<TempHome> {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': LEGACY, 'orgs/old': ORG, 'orgs/same': ORG }));
  home.useBackend('encrypted-file');
  await writeVault(home, documentOf({ 'orgs/acme': ORG, 'orgs/same': ORG }));
  return home;
}
async function findBoth(home: TempHome, env: Readonly<Record<string, string>>): Promise<unknown> {
  const before = fingerprint(home);
  const { stdout } = await doctor(home, { env }, '--json');
  expect(fingerprint(home)).toEqual(before);
  const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; what: string }[] };
  return findings.find(({ check }) => check === 'both_backends');
}

describe('doctor with keys in both backends', () => {
  it('names those that differ when it can read both, and asks for no passphrase to do so', async () => {
    const home = await homeWithBoth();
    expect(await findBoth(home, {})).toMatchObject({
      severity: 'warning',
      what: `there are keys in ${home.plaintext}, but mesa uses encrypted-file`,
      mend: 'mesa auth migrate --to encrypted-file --merge',
    });
    expect(await findBoth(home, UNLOCKED)).toMatchObject({
      what: `there are keys in ${home.plaintext}, but mesa uses encrypted-file; only there: orgs/old; other keys there: orgs/acme`,
    });
    home.useBackend('plaintext-file');
    expect(await findBoth(home, UNLOCKED)).toMatchObject({
      what: `there are keys in ${home.vault}, but mesa uses plaintext-file; other keys there: orgs/acme`,
      mend: 'mesa auth migrate --to plaintext-file --merge',
    });
  });

  it('says what to type, and then they are in one', async () => {
    const home = await homeWithBoth();
    const { mend } = (await findBoth(home, UNLOCKED)) as { mend: string };
    const [, ...args] = mend.split(' ');
    // Of a conflict the person decides; migrate lists it and says how.
    expect((await runMesa(args, { home, env: UNLOCKED })).stderr).toContain('--prefer');
    expect(await runMesa([...args, '--prefer', 'target'], { home, env: UNLOCKED })).toMatchObject({
      status: 0,
    });
    expect(await findBoth(home, UNLOCKED)).toBeUndefined();
    expect(await openVault(home)).toContain('[keys."orgs/old"]');
  });

  it('says nothing of a store without keys', async () => {
    const home = await homeWithBoth();
    writePlaintext(home, documentOf({}));
    home.useBackend('encrypted-file');
    expect(await findBoth(home, {})).toBeUndefined();
  });
});

describe("doctor and git's credential helpers", () => {
  it('finds those that name a mesa which is not there or cannot be run, and runs none of them', async () => {
    const home = createTempHome();
    const touch = (name: string): string => `touch '${join(home.path, name)}'\n`;
    const good = home.write('bin/mesa', `#!/bin/sh\n${touch('ran-good')}`);
    chmodSync(good, 0o700);
    home.write('other/mesa', `#!/bin/sh\n${touch('ran-other')}`);
    const config = (name: string, value: string) =>
      execFileSync('git', ['config', '--global', '--add', name, value], { env: childEnv({ home }) });
    config('credential.helper', 'store');
    config('credential.helper', 'mesa');
    config('credential.https://a.example.helper', '!mesa auth git-credential');
    config('credential.https://b.example.helper', `!'${home.path}/other/mesa' auth git-credential`);
    config('credential.https://c.example.helper', '!~/bin/mesa auth git-credential');
    config('credential.https://d.example.helper', '!/nowhere/mesa auth git-credential');
    config('credential.https://e.example.helper', '!/nowhere/node /nowhere/mesa.js auth git-credential');
    config('credential.https://f.example.helper', '!/nowhere/other-program');
    config(
      'credential.https://g.example.helper',
      `!'${process.execPath}' '/no where/mesa.cjs' auth git-credential`,
    );
    const env = { PATH: `${join(home.path, 'bin')}:${process.env['PATH'] ?? ''}` };
    const before = fingerprint(home);
    const { status, stdout } = await doctor(home, { env }, '--json');
    expect(status).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: readonly Record<string, unknown>[] };
    const missing = findings.map(({ what }) => /needs '(.*)', which/.exec(String(what))?.[1]);
    expect(missing).toEqual([
      'git-credential-mesa',
      `${home.path}/other/mesa`,
      '/nowhere/mesa',
      '/nowhere/node',
      '/no where/mesa.cjs',
    ]);
    expect(fingerprint(home)).toEqual(before);
    // What it says to type does it.
    for (const { mend } of findings) {
      execFileSync('/bin/sh', ['-c', String(mend)], { env: childEnv({ home }) });
    }
    expect(await doctor(home, { env })).toMatchObject({ status: 0, stdout: '' });
  });
});
