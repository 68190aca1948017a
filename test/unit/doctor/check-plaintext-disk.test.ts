import { expect, it } from 'vitest';

import { DEFAULT_CONFIG } from '../../../src/config/config.ts';
import type { Backend } from '../../../src/core/secret-store.ts';
import { checkPlaintextDisk } from '../../../src/doctor/check-plaintext-disk.ts';
import { MemoryStore } from '../../support/memory-store.ts';

function check(backend: Backend, exists: boolean, passing: readonly string[]): readonly unknown[] {
  const view = {
    store: new MemoryStore(() => new Date(0)),
    exists,
    entries: new Map(),
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
});
