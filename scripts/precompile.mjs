// Keeps the compiled code of the frequent commands in dist/compiled, for the Node that runs the build: see bin/mesa.cjs.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Encrypter } from 'age-encryption';

const PASSPHRASE = 'used while building alone';
const KEY = 'mesa_0000000000000000000000';
const REQUEST = 'protocol=https\nhost=api.mesa.dev\npath=acme/web.git\n\n';

/**
 * Runs the commands one after the other, each with what was compiled before it, so that in the end all of it is there.
 * @param {string} dist where the bundle is
 */
export async function precompile(dist) {
  const compiled = join(dist, 'compiled', `${process.version}-${process.platform}-${process.arch}`);
  mkdirSync(compiled, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'mesa-'));
  try {
    const run = runnerIn(dist, compiled);
    runWithPlaintext(run, makeHome(scratch, 'plaintext'));
    await runWithVault(run, makeHome(scratch, 'vault'));
  } finally {
    // mesa makes private files. These are as public as the bundle.
    const { mode } = statSync(join(dist, 'start.cjs'));
    readdirSync(compiled).forEach((name) => chmodSync(join(compiled, name), mode));
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @returns {string} an empty directory with a mode as homes have it */
function makeHome(scratch, name) {
  const home = join(scratch, name);
  mkdirSync(join(home, '.local/share/mesa'), { recursive: true, mode: 0o700 });
  return home;
}

function runnerIn(dist, compiled) {
  const keep = join(import.meta.dirname, 'keep-compiled.cjs');
  return (home, args, { input = '', env = {} } = {}) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--require', keep, join(dist, '../bin/mesa.cjs'), ...args],
      {
        cwd: home,
        input,
        env: {
          PATH: process.env['PATH'] ?? '',
          HOME: home,
          XDG_RUNTIME_DIR: home,
          MESA_BUILD_COMPILED: compiled,
          ...env,
        },
      },
    );
    if (status !== 0) {
      throw new Error(`mesa ${args.join(' ')} failed: ${stderr.toString()}`);
    }
  };
}

function runWithPlaintext(run, home) {
  run(home, ['init', '-y', '--backend', 'plaintext-file']);
  run(home, ['auth', 'set-key', '--org', 'acme'], { input: KEY });
  run(home, ['auth', 'get-key', '--org', 'acme']);
  run(home, ['auth', 'git-credential', 'get'], { input: REQUEST });
  run(home, ['auth', 'list']);
  run(home, ['auth', 'list'], { env: { MESA_ORGS: `other:${KEY}` } });
  run(home, ['auth', 'status', '--offline']);
  run(home, ['--help']);
}

/** One whose passphrase costs nothing to check. */
async function runWithVault(run, home) {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(PASSPHRASE);
  encrypter.setScryptWorkFactor(10);
  const vault = await encrypter.encrypt(`version = 1\n\n[keys."orgs/acme"]\nkey = "${KEY}"\n`);
  writeFileSync(join(home, '.local/share/mesa/secrets.vault.age'), vault, { mode: 0o600 });
  const env = { MESA_VAULT_PASSPHRASE: PASSPHRASE };
  run(home, ['auth', 'get-key', '--org', 'acme'], { env });
  run(home, ['auth', 'unlock'], { env });
  try {
    run(home, ['auth', 'get-key', '--org', 'acme']);
    run(home, ['auth', 'git-credential', 'get'], { input: REQUEST });
    run(home, ['auth', 'set-key', '--org', 'acme'], { input: KEY });
  } finally {
    run(home, ['auth', 'lock']);
  }
}
