import { existsSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';

import { Token } from '../../../src/core/token.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import { storeOf } from '../../../src/stores/stores.ts';
import { documentOf, writePlaintext } from '../../support/stores.ts';
import { createTempHome } from '../../support/temp-home.ts';

it('a store that was moved away before the write is not made anew with one key', async () => {
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': 'mesa_acme' }));
  const store = await storeOf('plaintext-file', {
    paths: resolvePaths({ env: { HOME: home.path }, platform: 'linux' }),
    passphrases: () => Promise.reject(new Error('asked for')),
    now: () => new Date(0),
    warn: () => undefined,
    onLockWait: () => undefined,
  });
  const writing = store.apply([{ kind: 'set', scope: { kind: 'global' }, token: Token.parse('mesa_new') }]);
  // It has looked at the file, and not yet taken the lock.
  rmSync(home.plaintext);
  await expect(writing).rejects.toMatchObject({ code: 'STORE_BUSY', exitStatus: 8 });
  expect(existsSync(home.plaintext)).toBe(false);
});
