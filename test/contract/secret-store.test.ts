import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe } from 'vitest';

import type { Backend } from '../../src/core/secret-store.ts';
import { resolvePaths } from '../../src/platform/process-host.ts';
import { storeOf } from '../../src/stores/stores.ts';
import { startResidentAgent } from '../support/agent-in-process.ts';
import { MemoryStore, type MemoryPlace } from '../support/memory-store.ts';
import { openVault, PASSPHRASE, sealDocument } from '../support/stores.ts';
import { createTempHome } from '../support/temp-home.ts';
import {
  fileStoreLaws,
  secretStoreLaws,
  type FileStoreUnderTest,
  type StoreUnderTest,
} from './secret-store.ts';

const WORK_FACTOR = 10;

const epoch = (): Date => new Date(0);

function memoryStore(): StoreUnderTest {
  const place: MemoryPlace = { entries: new Map() };
  let clock = epoch;
  return {
    open: () => Promise.resolve(new MemoryStore(() => clock(), place)),
    useClock: (now) => {
      clock = now;
    },
  };
}

function fileStore(backend: Backend): FileStoreUnderTest & { now(): Date } {
  const home = createTempHome();
  const paths = resolvePaths({ env: { HOME: home.path }, platform: 'linux' });
  const path = backend === 'encrypted-file' ? paths.encryptedStore : paths.plaintextStore;
  const passphrase = Promise.resolve({ text: PASSPHRASE, typed: false, mayCreate: true });
  const warnings: string[] = [];
  let clock = epoch;
  return {
    home,
    path,
    warnings,
    open: () =>
      storeOf(backend, {
        paths,
        passphrases: () => Promise.resolve({ toOpen: () => passphrase, toCreate: () => passphrase }),
        now: () => clock(),
        warn: (message) => warnings.push(message),
        onLockWait: () => undefined,
        workFactor: WORK_FACTOR,
        useAgent: true,
      }),
    now: () => clock(),
    useClock: (now) => {
      clock = now;
    },
    plant: async (document) => {
      const bytes = backend === 'encrypted-file' ? await sealDocument(document) : document;
      home.write(relative(home.path, path), bytes);
    },
    document: async () => (backend === 'encrypted-file' ? openVault(home) : readFileSync(path, 'utf8')),
  };
}

/** The vault through an agent, which finds no file at first; then its store asks for the passphrase, and makes one. */
function agentStore(): FileStoreUnderTest {
  const under = fileStore('encrypted-file');
  const agent = startResidentAgent(under.home, () => under.now());
  return {
    ...under,
    open: async () => {
      await agent;
      return under.open();
    },
  };
}

describe('a store in memory', () => {
  secretStoreLaws(memoryStore);
});

describe.each(['plaintext-file', 'encrypted-file'] as const)('the %s store', (backend) => {
  secretStoreLaws(() => fileStore(backend));
  fileStoreLaws(() => fileStore(backend));
});

describe('the encrypted-file store through the agent', () => {
  secretStoreLaws(agentStore);
  fileStoreLaws(agentStore);
});
