import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { expect, inject, it } from 'vitest';

import type { Backend } from '../../src/core/secret-store.ts';
import { runMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome, type TempHome } from '../support/temp-home.ts';
import { FaultRow, type Problem } from './support/fault-row.ts';
import { keyOf, modeProblems, PASSPHRASE, storeKeys, storePath } from './support/key-home.ts';

const UMASKS = ['000', '022', '027', '077', '777'];

function runUnder(umask: string, home: TempHome, args: readonly string[], stdin = ''): Promise<RunResult> {
  return runMesa(args, {
    home,
    stdin,
    cwd: '/',
    script: inject('quickMesa'),
    env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
    under: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'],
  });
}

/** Everything that a command made where there was nothing: directories 0700, files 0600. */
function problemsBelow(home: TempHome): readonly Problem[] {
  return home.tree().flatMap((name) => {
    const wanted = name.endsWith('/') ? 0o700 : 0o600;
    const mode = statSync(join(home.path, name)).mode & 0o7777;
    return mode === wanted ? [] : [{ kind: 'damaged', text: `mode ${mode.toString(8)} of ${name}` }];
  });
}

it.each(['plaintext-file', 'encrypted-file'] satisfies Backend[])(
  'makes private files in private directories under every umask: %s',
  async (backend) => {
    const row = new FaultRow(`modes, ${backend}`);
    for (const umask of UMASKS) {
      const home = createTempHome();
      expect(await runUnder(umask, home, ['init', '-y', '--backend', backend])).toMatchObject({ status: 0 });
      const args = ['auth', 'set-key', '--org', 'acme'];
      expect(await runUnder(umask, home, args, keyOf('orgs/acme'))).toMatchObject({ status: 0 });
      expect(home.tree()).toContain(relative(home.path, storePath(home, backend)));
      row.point(`fresh, umask ${umask}`, problemsBelow(home));
    }
    for (const umask of UMASKS) {
      const home = createTempHome();
      home.useBackend(backend);
      await storeKeys(home, backend, ['global']);
      const store = storePath(home, backend);
      chmodSync(store, 0o644);
      chmodSync(join(home.dataDir, '.lock'), 0o644);
      chmodSync(home.dataDir, 0o755);
      const args = ['auth', 'set-key', '--org', 'acme'];
      const { status, stderr } = await runUnder(umask, home, args, keyOf('orgs/acme'));
      expect(status).toBe(0);
      expect(stderr).toContain(`${home.dataDir} could be listed by other users; its mode is 0700 now`);
      expect(stderr).toContain(`${store} could be read by other users; its mode is 0600 now`);
      row.point(`existing, umask ${umask}`, problemsBelow(home));
    }
    row.close(UMASKS.length * 2);
  },
);

it('keeps the mode of a config file, which holds no secret, and makes a new one private', async () => {
  const row = new FaultRow('modes, config');
  for (const umask of UMASKS) {
    for (const mode of [undefined, 0o600, 0o644, 0o400]) {
      const home = createTempHome();
      if (mode !== undefined) {
        home.useBackend('encrypted-file');
        chmodSync(home.config, mode);
      } else {
        mkdirSync(dirname(dirname(home.config)), { mode: 0o700 });
      }
      const result = await runUnder(umask, home, ['init', '-y', '--backend', 'plaintext-file']);
      expect(result).toMatchObject({ status: 0 });
      expect(statSync(home.config).mode & 0o7777).toBe(mode ?? 0o600);
      row.point(`config of ${mode?.toString(8) ?? 'no mode'}, umask ${umask}`, [
        ...modeProblems(join(home.dataDir, '.lock')),
        ...(mode === undefined || mode === 0o600 ? modeProblems(home.config) : []),
      ]);
    }
  }
  row.close(UMASKS.length * 4);
});
