import { existsSync, readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import type { Backend } from '../../../src/core/secret-store.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import type { WholeStore } from '../../../src/stores/document-store.ts';
import type { StoreDocument } from '../../../src/stores/document.ts';
import { moveDocument } from '../../../src/stores/move-document.ts';
import { snapshotOfNew, replaceDocument } from '../../../src/stores/store-snapshot.ts';
import { wholeStoreOf } from '../../../src/stores/stores.ts';
import { documentOf, openVault, PASSPHRASE, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const DOCUMENT = documentOf({ 'orgs/acme': 'mesa_acme' });
const OTHER = documentOf({ 'orgs/acme': 'mesa_newer' });

const known = () => Promise.resolve({ text: PASSPHRASE, typed: false, mayCreate: true });

function open(home: TempHome, backend: Backend): Promise<WholeStore> {
  return wholeStoreOf(backend, {
    paths: resolvePaths({ env: { HOME: home.path }, platform: 'linux' }),
    passphrases: () => Promise.resolve({ toOpen: known, toCreate: known }),
    now: () => new Date(0),
    warn: () => undefined,
    onLockWait: () => undefined,
    workFactor: 10,
  });
}

async function prepare() {
  const home = createTempHome();
  writePlaintext(home, DOCUMENT);
  const source = await (await open(home, 'plaintext-file')).snapshot();
  const target = await snapshotOfNew(await open(home, 'encrypted-file'));
  const steps: string[] = [];
  const switchOver = (): void => {
    steps.push(existsSync(home.vault) && existsSync(home.plaintext) ? 'both there' : 'too early or too late');
  };
  const move = {
    source,
    target,
    plan: (from: StoreDocument): StoreDocument => from,
    switchOver,
    isSourceInForce: () => true,
    keepSource: false,
  };
  return { home, move, steps };
}

function fail(): never {
  throw new TypeError('no');
}

describe('moving a document', () => {
  it('switches over while both stores hold it', async () => {
    const { home, move, steps } = await prepare();
    await moveDocument(move);
    expect(steps).toEqual(['both there']);
    expect(await openVault(home)).toBe(DOCUMENT);
    expect(existsSync(home.plaintext)).toBe(false);
  });

  it('takes along what another process wrote to the source meanwhile', async () => {
    const { home, move, steps } = await prepare();
    writePlaintext(home, OTHER);
    await moveDocument(move);
    expect(steps).toEqual(['both there']);
    expect(await openVault(home)).toBe(OTHER);
    expect(existsSync(home.plaintext)).toBe(false);
  });

  it('writes nothing when what was written meanwhile forbids the move', async () => {
    const { home, move, steps } = await prepare();
    writePlaintext(home, OTHER);
    await expect(moveDocument({ ...move, plan: fail })).rejects.toThrow('no');
    expect(steps).toEqual([]);
    expect(existsSync(home.vault)).toBe(false);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(OTHER);
  });

  it('stops when another process removed the source', async () => {
    const { home, move, steps } = await prepare();
    rmSync(home.plaintext);
    await expect(moveDocument(move)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      message: `another process changed ${home.plaintext} while this command ran; nothing was changed`,
    });
    expect(steps).toEqual([]);
    expect(existsSync(home.vault)).toBe(false);
  });

  it('stops when another process made the target', async () => {
    const { home, move, steps } = await prepare();
    home.write('.local/share/mesa/secrets.vault.age', 'theirs');
    await expect(moveDocument(move)).rejects.toMatchObject({ code: 'STORE_BUSY' });
    expect(steps).toEqual([]);
    expect(readFileSync(home.vault, 'utf8')).toBe('theirs');
    expect(existsSync(home.plaintext)).toBe(true);
  });

  it('keeps the source in force when what was written does not come back as it was', async () => {
    const { home, move, steps } = await prepare();
    const codec = { ...move.target.codec, decode: () => Promise.resolve(OTHER) };
    await expect(moveDocument({ ...move, target: { ...move.target, codec } })).rejects.toMatchObject({
      code: 'IO',
      message: `what was written to ${home.vault} does not come back as it was; the other store is still in force`,
    });
    expect(steps).toEqual([]);
    expect(readFileSync(home.plaintext, 'utf8')).toBe(DOCUMENT);
    expect(existsSync(home.vault)).toBe(false);
  });

  it('removes what it wrote when the configuration cannot be changed, and keeps the source', async () => {
    const { home, move } = await prepare();
    await expect(moveDocument({ ...move, switchOver: fail })).rejects.toThrow('no');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(DOCUMENT);
    expect(existsSync(home.vault)).toBe(false);
  });

  it('keeps both stores when the configuration may have changed', async () => {
    const { home, move } = await prepare();
    const uncertain = { ...move, switchOver: fail, isSourceInForce: () => false };
    await expect(moveDocument(uncertain)).rejects.toThrow('no');
    expect(readFileSync(home.plaintext, 'utf8')).toBe(DOCUMENT);
    expect(await openVault(home)).toBe(DOCUMENT);
  });
});

it('replacing a document stops when another process wrote the store since', async () => {
  const home = createTempHome();
  writePlaintext(home, DOCUMENT);
  const opened = await (await open(home, 'plaintext-file')).snapshot();
  writePlaintext(home, OTHER);
  await expect(replaceDocument(opened, opened.document)).rejects.toMatchObject({
    code: 'STORE_BUSY',
    exitStatus: 8,
  });
  expect(readFileSync(home.plaintext, 'utf8')).toBe(OTHER);
});
