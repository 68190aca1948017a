import { chmodSync } from 'node:fs';

import { expect, inject, it } from 'vitest';

import { runMesa, type RunResult } from '../support/run-mesa.ts';
import { createTempHome } from '../support/temp-home.ts';
import { FaultRow } from './support/fault-row.ts';
import { keyOf, PASSPHRASE, storeKeys, storePath } from './support/key-home.ts';
import { mountNamespace } from './support/namespace.ts';

const READ_ONLY = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" && exec "$@"';

const namespace = mountNamespace();

// Where nothing can be mounted, EROFS from every call of a writer has to do; see injected-errors-vault.test.ts.
it.runIf(namespace !== undefined).each(['plaintext-file', 'encrypted-file'] as const)(
  'reads, and only reads, on a read-only file system: %s',
  async (backend) => {
    const row = new FaultRow(`read-only file system, ${backend}`);
    const home = createTempHome();
    home.useBackend(backend);
    await storeKeys(home, backend, ['global', 'orgs/acme']);
    const before = home.tree();
    const mesa = (args: readonly string[], stdin = ''): Promise<RunResult> =>
      runMesa(args, {
        home,
        stdin,
        cwd: '/',
        script: inject('quickMesa'),
        env: { MESA_VAULT_PASSPHRASE: PASSPHRASE },
        under: [...(namespace ?? []), 'sh', '-c', READ_ONLY, 'sh'],
      });

    // As somebody may have left it who copied it there.
    for (const mode of [0o600, 0o644]) {
      chmodSync(storePath(home, backend), mode);
      const warning = mode === 0o600 ? '' : 'can be read by other users, and the file system is read-only';
      const found = await mesa(['auth', 'get-key', '--org', 'acme']);
      expect(found).toMatchObject({ status: 0, stdout: `${keyOf('orgs/acme')}\n` });
      expect(found.stderr).toContain(warning);
      row.point(`get-key ${mode.toString(8)}`, []);
      const listed = await mesa(['auth', 'list']);
      expect(listed).toMatchObject({ status: 0 });
      expect(listed.stdout).toContain('orgs/acme');
      expect(listed.stderr).toContain(warning);
      row.point(`list ${mode.toString(8)}`, []);
    }
    for (const [args, stdin] of [
      [['auth', 'set-key', '--org', 'new'], keyOf('orgs/new')],
      [['auth', 'rm-key', '--org', 'acme'], ''],
      [['init', '-y', '--backend', backend === 'plaintext-file' ? 'encrypted-file' : 'plaintext-file'], ''],
    ] as const) {
      const refused = await mesa(args, stdin);
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^mesa: cannot .*: the file system is read-only$/m);
      row.point(args.join(' '), []);
    }
    expect(home.tree()).toEqual(before);
    row.close(7);
  },
);
