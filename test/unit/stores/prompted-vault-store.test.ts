import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import type { Change, SecretStore } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import { PromptedVaultStore } from '../../../src/stores/prompted-vault-store.ts';
import { storeOf } from '../../../src/stores/stores.ts';
import type { PassphraseSource } from '../../../src/vault/passphrase.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const PASSPHRASE = 'correct horse battery staple';
const CHANGE: Change = { kind: 'set', scope: { kind: 'org', org: 'acme' }, token: Token.parse('mesa_token') };
const HUGE_WORK = `age-encryption.org/v1
-> scrypt ${'A'.repeat(22)} 30
${'A'.repeat(43)}
--- ${'A'.repeat(43)}
`;

interface Script {
  /** What the person types to open, one attempt after the other. */
  readonly typed?: readonly string[];
  readonly created?: string;
  /** From the environment instead: the same answer to every question. */
  readonly environment?: string;
  /** Called when a question is put. */
  readonly onQuestion?: () => void;
}

/** A store whose questions are answered from a script, and the questions that it put. */
async function openScripted(
  home: TempHome,
  script: Script,
): Promise<{ store: SecretStore; questions: readonly string[] }> {
  const questions: string[] = [];
  const typed = [...(script.typed ?? [])];
  const passphrases: PassphraseSource = {
    toOpen: (attempt) => {
      questions.push(`open ${attempt}`);
      script.onQuestion?.();
      const text = script.environment ?? typed.shift() ?? '';
      return Promise.resolve({ text, typed: script.environment === undefined, mayCreate: false });
    },
    toCreate: () => {
      questions.push('create');
      script.onQuestion?.();
      return Promise.resolve({
        text: script.environment ?? script.created ?? '',
        typed: script.environment === undefined,
        mayCreate: true,
      });
    },
  };
  const store = await storeOf('encrypted-file', {
    paths: resolvePaths({ env: { HOME: home.path }, platform: 'linux' }),
    passphrases: () => Promise.resolve(passphrases),
    now: () => new Date(0),
    warn: () => undefined,
    onLockWait: () => undefined,
    workFactor: 10,
  });
  return { store, questions };
}

async function homeWithVault(): Promise<TempHome> {
  const home = createTempHome();
  const { store } = await openScripted(home, { created: PASSPHRASE });
  await store.apply([CHANGE]);
  return home;
}

describe('the vault asks', () => {
  it('nothing while there is none and nothing is to be written', async () => {
    const { store, questions } = await openScripted(createTempHome(), {});
    await store.read();
    await store.apply([{ kind: 'remove', scope: CHANGE.scope }]);
    expect(questions).toEqual([]);
  });

  it('for a new passphrase once, when the first key comes', async () => {
    const { store, questions } = await openScripted(createTempHome(), { created: PASSPHRASE });
    await store.read();
    await store.apply([CHANGE]);
    await store.read();
    await store.apply([{ kind: 'remove', scope: CHANGE.scope }]);
    expect(questions).toEqual(['create']);
  });

  it('for the passphrase once, however often the vault is used', async () => {
    const home = await homeWithVault();
    const { store, questions } = await openScripted(home, { typed: [PASSPHRASE] });
    expect((await store.read()).size).toBe(1);
    await store.apply([{ ...CHANGE, scope: { kind: 'global' } }]);
    expect((await store.read()).size).toBe(2);
    expect(questions).toEqual(['open 1']);
  });

  it('again after a slip of the finger, and then goes on with the right one', async () => {
    const home = await homeWithVault();
    const { store, questions } = await openScripted(home, { typed: ['wrong', 'wronger', PASSPHRASE] });
    expect(await store.apply([CHANGE])).toEqual(['unchanged']);
    expect(questions).toEqual(['open 1', 'open 2', 'open 3']);
  });

  it('three times at most, and leaves the vault as it was', async () => {
    const home = await homeWithVault();
    const before = readFileSync(home.vault);
    const { store, questions } = await openScripted(home, { typed: ['a', 'b', 'c', PASSPHRASE] });
    await expect(store.apply([CHANGE])).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE', exitStatus: 6 });
    expect(questions).toEqual(['open 1', 'open 2', 'open 3']);
    expect(readFileSync(home.vault).equals(before)).toBe(true);
  });

  it('not a second time when the environment has the wrong passphrase', async () => {
    const home = await homeWithVault();
    const { store, questions } = await openScripted(home, { environment: 'wrong' });
    await expect(store.read()).rejects.toMatchObject({
      code: 'WRONG_PASSPHRASE',
      message: `incorrect passphrase for the vault ${home.vault}`,
    });
    expect(questions).toEqual(['open 1']);
  });

  it.each([
    ['an empty file', '', 'STORE_DAMAGED'],
    ['a file of something else', 'version = 1\n', 'STORE_FOREIGN'],
    ['a work factor beyond reason', HUGE_WORK, 'WORK_FACTOR'],
  ])('nobody to type a passphrase for %s', async (_, content, code) => {
    const home = await homeWithVault();
    writeFileSync(home.vault, content);
    const { store, questions } = await openScripted(home, { typed: [PASSPHRASE] });
    await expect(store.read()).rejects.toMatchObject({ code });
    await expect(store.apply([CHANGE])).rejects.toMatchObject({ code });
    expect(questions).toEqual([]);
    expect(readFileSync(home.vault, 'utf8')).toBe(content);
  });

  it('without holding the lock, so that nobody waits for somebody who types', async () => {
    const home = await homeWithVault();
    const writes: Promise<unknown>[] = [];
    const other = await openScripted(home, { typed: [PASSPHRASE] });
    const { store } = await openScripted(home, {
      typed: [PASSPHRASE],
      onQuestion: () => writes.push(other.store.apply([{ ...CHANGE, scope: { kind: 'global' } }])),
    });
    await store.apply([CHANGE]);
    await Promise.all(writes);
    expect((await store.read()).size).toBe(2);
  });
});

describe('a vault that vanishes while its passphrase is typed', () => {
  it('does not come back under what was typed to open it', async () => {
    const home = await homeWithVault();
    const { store } = await openScripted(home, {
      typed: ['perhaps with a slip of the finger'],
      onQuestion: () => rmSync(home.vault),
    });
    await expect(store.apply([CHANGE])).rejects.toMatchObject({ code: 'STORE_BUSY', exitStatus: 8 });
    expect(home.tree()).not.toContain('.local/share/mesa/secrets.vault.age');
  });

  it('comes back when the passphrase is one that may protect a new vault', async () => {
    const home = createTempHome();
    const { store } = await openScripted(home, { created: PASSPHRASE });
    await store.apply([CHANGE]);
    rmSync(home.vault);
    expect(await store.apply([CHANGE])).toEqual(['stored']);
    expect((await store.read()).size).toBe(1);
  });
});

async function vaultStoreOf(home: TempHome): Promise<PromptedVaultStore> {
  const { store } = await openScripted(home, { typed: [PASSPHRASE] });
  if (!(store instanceof PromptedVaultStore)) {
    throw new TypeError('not a vault');
  }
  await store.snapshot();
  return store;
}

describe('a change of the passphrase', () => {
  const NEXT = 'another one of mine';

  it('keeps what another process wrote since the vault was opened', async () => {
    const home = await homeWithVault();
    const store = await vaultStoreOf(home);
    const other = await openScripted(home, { typed: [PASSPHRASE] });
    await other.store.apply([{ ...CHANGE, scope: { kind: 'global' } }]);
    await store.changePassphrase(NEXT);
    const { store: after } = await openScripted(home, { environment: NEXT });
    expect([...(await after.read()).keys()]).toEqual(['global', 'orgs/acme']);
  });

  it('does not undo the change that another process made meanwhile', async () => {
    const home = await homeWithVault();
    const [store, other] = [await vaultStoreOf(home), await vaultStoreOf(home)];
    await other.changePassphrase(NEXT);
    const before = readFileSync(home.vault);
    await expect(store.changePassphrase('a third one')).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
    expect(readFileSync(home.vault).equals(before)).toBe(true);
  });

  it('makes no vault where there is none any more', async () => {
    const home = await homeWithVault();
    const store = await vaultStoreOf(home);
    rmSync(home.vault);
    await expect(store.changePassphrase(NEXT)).rejects.toMatchObject({ code: 'STORE_BUSY' });
    expect(home.tree()).not.toContain('.local/share/mesa/secrets.vault.age');
  });
});
