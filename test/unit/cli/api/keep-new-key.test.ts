import { describe, expect, it } from 'vitest';

import { keepNewKey, type NewKey } from '../../../../src/cli/api/keep-new-key.ts';
import type { SecretStore } from '../../../../src/core/secret-store.ts';
import { Token } from '../../../../src/core/token.ts';
import { MesaAuthError } from '../../../../src/errors.ts';
import { answerJson, startApiServer, type Answer } from '../../../support/api-server.ts';
import { MemoryStore } from '../../../support/memory-store.ts';

const NOW = new Date('2026-11-21T10:00:00.000Z');
const NEW_KEY = Token.parse('mesa_new_key_00000000001');
const OLD_KEY = Token.parse('mesa_old_key_00000000002');
const ACME = { kind: 'org', org: 'acme' } as const;
const SET = [{ kind: 'set', scope: ACME, token: NEW_KEY }] as const;
const FULL_DISK = new MesaAuthError('IO', 'cannot write the store: no space left on device');
const MAY_BE_STORED =
  'cannot write the store: no space left on device; the new key key_1 may be in the store all the same, and was not revoked';

const REVOKES: Answer = (_, response) => answerJson(response, 200, { success: true });

async function newKey(answer: Answer = REVOKES): Promise<{ key: NewKey; requests: readonly string[] }> {
  const { url: apiUrl, requests } = await startApiServer(answer);
  const created = {
    id: 'key_1',
    name: undefined,
    permissions: ['read'],
    repoIds: undefined,
    tags: new Map<string, string>(),
    created: NOW,
    expires: undefined,
    lastUsed: undefined,
    revoked: undefined,
    token: NEW_KEY,
  };
  const key = { token: OLD_KEY, source: 'orgs/acme' } as const;
  return { key: { created, org: 'acme', access: { apiUrl, key, env: {} } }, requests };
}

/** A store in which something goes wrong. */
function storeThat(parts: Partial<Pick<SecretStore, 'apply' | 'read'>>): SecretStore {
  const real = new MemoryStore(() => NOW);
  return {
    backend: real.backend,
    location: real.location,
    read: parts.read ?? (() => real.read()),
    apply: parts.apply ?? ((changes) => real.apply(changes)),
  };
}

const failing = (): Promise<never> => Promise.reject(FULL_DISK);

describe('a key that was just created', () => {
  it('is kept, and nobody is asked to revoke it', async () => {
    const { key, requests } = await newKey();
    const store = new MemoryStore(() => NOW);
    await keepNewKey(store, SET, key);
    expect((await store.read()).get('orgs/acme')?.token.equals(NEW_KEY)).toBe(true);
    expect(requests).toEqual([]);
  });

  it('is revoked again when it could not be stored', async () => {
    const { key, requests } = await newKey();
    await expect(keepNewKey(storeThat({ apply: failing }), SET, key)).rejects.toMatchObject({
      code: 'IO',
      message: `${FULL_DISK.message}; the new key key_1 was revoked again`,
    });
    expect(requests).toEqual(['DELETE /v1/acme/api-keys/key_1']);
  });

  it('is not revoked when the store cannot be read: it may be there', async () => {
    const { key, requests } = await newKey();
    await expect(keepNewKey(storeThat({ apply: failing, read: failing }), SET, key)).rejects.toMatchObject({
      code: 'IO',
      message: MAY_BE_STORED,
      hint: 'to be rid of it, unless status shows it: mesa auth api-keys revoke key_1 --org acme',
    });
    expect(requests).toEqual([]);
  });

  it('is not revoked when the write failed after it was there', async () => {
    const { key, requests } = await newKey();
    const real = new MemoryStore(() => NOW);
    const store = storeThat({
      read: () => real.read(),
      apply: async (changes) => {
        await real.apply(changes);
        throw FULL_DISK;
      },
    });
    await expect(keepNewKey(store, SET, key)).rejects.toMatchObject({ code: 'IO', message: MAY_BE_STORED });
    expect(requests).toEqual([]);
  });

  it('is revoked again when another key is at its scope by now', async () => {
    const { key, requests } = await newKey();
    const store = new MemoryStore(() => NOW);
    const replace = [{ kind: 'replace', scope: ACME, old: OLD_KEY, token: NEW_KEY, facts: {} }] as const;
    await store.apply([{ kind: 'set', scope: ACME, token: Token.parse('mesa_of_somebody_else') }]);
    await expect(keepNewKey(store, replace, key)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      message:
        'the key in the store was changed by another process meanwhile; the new key key_1 was revoked again',
    });
    expect(requests).toEqual(['DELETE /v1/acme/api-keys/key_1']);
  });

  it('is called lost when it could be neither stored nor revoked', async () => {
    const { key } = await newKey((request) => void request.socket.destroy());
    await expect(keepNewKey(storeThat({ apply: failing }), SET, key)).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(/; the new key key_1 is lost, and could not be revoked: cannot reach /),
      hint: 'mesa auth api-keys revoke key_1 --org acme',
    });
  });
});
