// The programs that mesa is compared with, set up in a home directory of their own. A peer that is not installed gives
// undefined, and the bench says so.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

function find(program) {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** `gh auth token` with the token in its plain file. */
export function ghAuthToken(home) {
  const gh = find('gh');
  if (gh === undefined) {
    return undefined;
  }
  const dir = join(home, 'gh');
  mkdirSync(dir);
  const hosts = 'github.com:\n    user: ada\n    oauth_token: gho_0123456789abcdef0123456789abcdef0123\n';
  writeFileSync(join(dir, 'hosts.yml'), hosts, { mode: 0o600 });
  return {
    name: 'gh auth token',
    argv: [gh, 'auth', 'token'],
    env: { HOME: home, GH_CONFIG_DIR: dir, GH_NO_UPDATE_NOTIFIER: '1', PATH: process.env['PATH'] ?? '' },
  };
}

/** `age -d` on the vault, the passphrase typed at once. */
export function ageDecrypt(vault, passphrase) {
  const age = find('age');
  return age === undefined
    ? undefined
    : {
        name: 'age -d',
        argv: [age, '-d', '-o', '/dev/null', vault],
        env: { TERM: 'dumb' },
        typed: passphrase,
      };
}

/** `pass show` with a warm gpg-agent and a key without a passphrase. */
export function passShow(home) {
  const pass = find('pass');
  if (pass === undefined || find('gpg') === undefined) {
    return undefined;
  }
  const env = {
    HOME: home,
    GNUPGHOME: join(home, 'gpg'),
    PASSWORD_STORE_DIR: join(home, 'pass'),
    PATH: process.env['PATH'] ?? '',
  };
  mkdirSync(env.GNUPGHOME, { mode: 0o700 });
  const run = (program, args, input = '') => {
    const { status, stderr } = spawnSync(program, args, { env, input });
    if (status !== 0) {
      throw new Error(`setting up pass failed: ${stderr.toString()}`);
    }
  };
  run('gpg', [
    '--batch',
    '--passphrase',
    '',
    '--quick-generate-key',
    'bench@localhost',
    'default',
    'default',
    'never',
  ]);
  run(pass, ['init', 'bench@localhost']);
  run(pass, ['insert', '-m', 'key'], 'mesa_0123456789abcdef\n');
  return { name: 'pass show', argv: [pass, 'show', 'key'], env };
}
