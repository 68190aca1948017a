import { expect, it } from 'vitest';

import { DEFAULT_CONFIG } from '../../../src/config/config.ts';
import { formatStoreKey, type KeyScope } from '../../../src/core/key-scope.ts';
import type { Backend, KeyEntries, KeyEntry } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import { checkPlaintextDisk } from '../../../src/doctor/check-plaintext-disk.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const SCOPE: KeyScope = { kind: 'org', org: 'acme' };
const KEY: KeyEntry = {
  scope: SCOPE,
  token: Token.parse('mesa_acme'),
  added: undefined,
  expires: undefined,
  keyId: undefined,
  api: undefined,
};

function check(
  backend: Backend,
  exists: boolean,
  passing: readonly string[],
  entries: KeyEntries = new Map([[formatStoreKey(SCOPE), KEY]]),
): readonly unknown[] {
  const view = {
    store: new MemoryStore(() => new Date(0)),
    exists,
    entries,
    canWrite: () => Promise.resolve(true),
    readText: () => Promise.resolve(undefined),
    mendText: () => Promise.resolve(),
    document: () => Promise.resolve(undefined),
  };
  return checkPlaintextDisk(
    {
      config: { ...DEFAULT_CONFIG, backend },
      stores: { 'plaintext-file': view, 'encrypted-file': { ...view, exists: false } },
    },
    passing,
  );
}

it('keys in plain text are a problem where they are used and where the disk lasts, and nowhere else', () => {
  expect(check('plaintext-file', true, [])).toMatchObject([
    {
      check: 'plaintext_disk',
      severity: 'warning',
      what: 'the keys in /memory are not encrypted, and the disk lasts',
      mend: 'mesa auth migrate --to encrypted-file',
    },
  ]);
  expect(check('plaintext-file', true, ['this is a CI job (CI is set)'])).toEqual([]);
  expect(check('plaintext-file', false, [])).toEqual([]);
  expect(check('encrypted-file', true, [])).toEqual([]);
  expect(check('plaintext-file', true, [], new Map())).toEqual([]);
});
