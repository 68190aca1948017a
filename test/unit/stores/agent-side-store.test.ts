import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';

import { formatReply } from '../../../src/agent/format-reply.ts';
import { parseRequest } from '../../../src/agent/parse-request.ts';
import type { Reply } from '../../../src/agent/protocol.ts';
import { agentPlace } from '../../../src/agent/socket-path.ts';
import type { KeyScope } from '../../../src/core/key-scope.ts';
import type { Change, KeyEntry, SecretStore } from '../../../src/core/secret-store.ts';
import { Token } from '../../../src/core/token.ts';
import { resolvePaths } from '../../../src/platform/process-host.ts';
import { AgentSideStore } from '../../../src/stores/agent-side-store.ts';
import { storeOf } from '../../../src/stores/stores.ts';
import { parseVaultHeader } from '../../../src/vault/header.ts';
import { startResidentAgent } from '../../support/agent-in-process.ts';
import { documentOf, openVault, PASSPHRASE, sealDocument, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

const ACME: KeyScope = { kind: 'org', org: 'acme' };
const IGNORE = (): void => undefined;
const GO_ON = { warn: IGNORE, beforeWriting: () => Promise.resolve() };

const set = (value: string): readonly Change[] => [{ kind: 'set', scope: ACME, token: Token.parse(value) }];
const pathsOf = (home: TempHome) => resolvePaths({ env: { HOME: home.path }, platform: 'linux' });

async function vaultHome(): Promise<TempHome> {
  const home = createTempHome();
  await writeVault(home, documentOf({ 'orgs/acme': 'mesa_first' }));
  return home;
}

function nobody(): Promise<never> {
  return Promise.reject(new Error('the passphrase was asked for'));
}

/** A store through the agent, for which nobody knows the passphrase. */
function openLocked(home: TempHome, warnings: string[] = []): Promise<SecretStore> {
  return storeOf('encrypted-file', {
    paths: pathsOf(home),
    passphrases: () => Promise.resolve({ toOpen: nobody, toCreate: nobody }),
    now: () => new Date(),
    warn: (message) => warnings.push(message),
    onLockWait: IGNORE,
    useAgent: true,
  });
}

/** Repeats what is busy until it is not. */
async function whenReady<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORE_BUSY' });
      await sleep(5);
    }
  }
}

it('seals every write with a salt and a key of its own, derived ahead of time', async () => {
  const home = await vaultHome();
  const { vault } = await startResidentAgent(home);
  await vault.open();
  const salts = new Set([saltOf(home)]);
  for (let write = 0; write < 12; write += 1) {
    await whenReady(() => vault.apply(set(`mesa_${write}`), GO_ON));
    salts.add(saltOf(home));
    expect(await openVault(home)).toContain(`mesa_${write}`);
  }
  expect(salts.size).toBe(13);
  expect(vault.derivations.opening).toBe(1);
  expect(vault.derivations.sealing).toBeGreaterThanOrEqual(12);
});

it('says that it is busy, at once and with nothing written, while it has no key to seal with', async () => {
  const home = await vaultHome();
  const { vault } = await startResidentAgent(home);
  await vault.open();
  await whenReady(() => vault.apply(set('mesa_one'), GO_ON));
  const before = readFileSync(home.vault);
  await expect(vault.apply(set('mesa_two'), GO_ON)).rejects.toMatchObject({ code: 'STORE_BUSY' });
  expect(readFileSync(home.vault).equals(before)).toBe(true);
  await whenReady(() => vault.apply(set('mesa_two'), GO_ON));
  expect(await openVault(home)).toContain('mesa_two');
});

it('keeps a higher work factor that the vault has', async () => {
  const home = await vaultHome();
  const { vault } = await startResidentAgent(home);
  await vault.open();
  await whenReady(() => vault.apply(set('mesa_one'), GO_ON));
  // Somebody else made it 12, after the key for 10 was derived.
  const other = new AgentSideStore({
    paths: pathsOf(home),
    passphrase: PASSPHRASE,
    now: () => new Date(),
    workFactor: 12,
    onWrongPassphrase: IGNORE,
  });
  await other.open();
  await whenReady(() => other.apply(set('mesa_other'), GO_ON));
  await whenReady(() => vault.apply(set('mesa_two'), GO_ON));
  expect(parseVaultHeader(readFileSync(home.vault), home.vault).workFactor).toBe(12);
  expect(await openVault(home)).toContain('mesa_two');
});

it('reports a passphrase that was changed', async () => {
  const home = await vaultHome();
  const agent = await startResidentAgent(home);
  await agent.vault.open();
  home.write('.local/share/mesa/secrets.vault.age', await sealDocument('version = 1\n', 'another one'));
  await expect(agent.vault.read(IGNORE)).rejects.toMatchObject({ code: 'STORE_BUSY' });
  await waitUntil('the agent sees it', () => agent.sawWrongPassphrase);
  await expect(agent.vault.read(IGNORE)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
});

it('answers its store without the passphrase, whatever else writes the vault', async () => {
  const home = await vaultHome();
  await startResidentAgent(home);
  const warnings: string[] = [];
  const store = await openLocked(home, warnings);
  expect((await store.read([ACME])).get('orgs/acme')?.token.reveal()).toBe('mesa_first');
  await writeVault(home, documentOf({ 'orgs/acme': 'mesa_elsewhere' }));
  expect((await store.read()).get('orgs/acme')?.token.reveal()).toBe('mesa_elsewhere');
  expect(await store.apply(set('mesa_ours'))).toEqual(['replaced']);
  expect(await openVault(home)).toContain('mesa_ours');
  expect(warnings).toEqual([]);
});

function entry(org: string, value: string): KeyEntry {
  return {
    scope: { kind: 'org', org },
    token: Token.parse(value),
    added: undefined,
    expires: undefined,
    keyId: undefined,
    api: undefined,
  };
}

function page(entries: readonly KeyEntry[], revision: string, more: boolean): Reply {
  return { type: 'entries', entries, revision, more, warnings: [] };
}

it('fetches a list anew when the vault changes between two pages', async () => {
  const home = await vaultHome();
  const script = [
    page([entry('a', 'mesa_old')], '1', true),
    page([entry('b', 'mesa_new')], '2', false),
    page([entry('a', 'mesa_new')], '2', true),
    page([entry('b', 'mesa_new')], '2', false),
  ];
  const asked: unknown[] = [];
  const server = createServer((connection) => {
    connection.on('data', (line: Buffer) => {
      const request = parseRequest(line.toString('utf8'));
      asked.push(typeof request === 'object' && request.type === 'list' ? request.after : request);
      connection.end(formatReply(script.shift() ?? { type: 'busy' }));
    });
  });
  onTestFinished(() => {
    server.close();
  });
  await new Promise<void>((resolve) => {
    server.listen(agentPlace(pathsOf(home)).socket, resolve);
  });
  const entries = await (await openLocked(home)).read();
  expect(Array.from(entries, ([name, { token }]) => `${name} ${token.reveal()}`)).toEqual([
    'orgs/a mesa_new',
    'orgs/b mesa_new',
  ]);
  expect(asked).toEqual([undefined, 'orgs/a', undefined, 'orgs/a']);
});

function saltOf(home: TempHome): string {
  return Buffer.from(parseVaultHeader(readFileSync(home.vault), home.vault).salt).toString('hex');
}
