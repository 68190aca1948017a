import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { createAuthenticate } from '../../src/authentication/authenticate.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { usableKeys } from '../../src/database/usable-keys.ts';
import { readMasterKey } from '../../src/secrets/master-key.ts';
import { createSealer } from '../../src/secrets/sealer.ts';
import { builtAuthority, runProgram } from '../support/authority.ts';

const KILLS = 24;
const AT_ONCE = 3;
const TIMEOUT_MS = 600_000;

describe('init, killed at whatever point', () => {
  it(
    'leaves nothing that a second init or new-admin-key, which it then names, does not make good',
    async () => {
      const root = mkdtempSync(join(tmpdir(), 'mesa-authority-init-'));
      onTestFinished(() => rmSync(root, { recursive: true, force: true }));
      const started = performance.now();
      await runProgram(['init', '--org', 'acme', '--data', join(root, 'whole')]);
      const duration = (performance.now() - started) * 1.5;

      const outcomes: string[] = [];
      const left = Array.from({ length: KILLS }, (_, index) => index);
      const kill = async (): Promise<void> => {
        for (let index = left.pop(); index !== undefined; index = left.pop()) {
          outcomes.push(await killedInit(join(root, String(index)), (duration * index) / KILLS));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, kill));
      expect(outcomes).toHaveLength(KILLS);
      // Else the kills came all too early or too late.
      expect(outcomes).toContain('init again');
    },
    TIMEOUT_MS,
  );
});

/** @returns what gave a key that works */
async function killedInit(directory: string, afterMs: number): Promise<string> {
  const child = spawn(process.execPath, [builtAuthority(), 'init', '--org', 'acme', '--data', directory], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const closed = new Promise((resolve) => child.once('close', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  await closed;
  clearTimeout(timer);
  if (printed !== '') {
    expect(await works(directory, printed)).toBe(true);
    return 'the first init';
  }
  const again = await runProgram(['init', '--org', 'acme', '--data', directory]);
  if (again.status === 0) {
    expect(await works(directory, again.stdout)).toBe(true);
    return 'init again';
  }
  expect(again.stderr).toBe(
    'mesa-authority: the organization acme is there already\n' +
      'hint: mesa-authority new-admin-key --org acme makes another key for it\n',
  );
  const { status, stdout } = await runProgram(['new-admin-key', '--org', 'acme', '--data', directory]);
  expect(status).toBe(0);
  expect(await works(directory, stdout)).toBe(true);
  return 'new-admin-key';
}

async function works(directory: string, printed: string): Promise<boolean> {
  const masterKey = readMasterKey(undefined, join(directory, 'master.key'));
  if (masterKey === undefined) {
    return false;
  }
  const db = await openDatabase({ kind: 'sqlite', path: join(directory, 'authority.db') });
  try {
    const authenticate = createAuthenticate(usableKeys(db), createSealer(masterKey));
    const { caller } = await authenticate(printed.trim(), new Date());
    return caller?.organization.slug === 'acme' && caller.permissions.includes('admin');
  } finally {
    await db.destroy();
  }
}
