import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startGate, type Gatekeeper } from '../../support/api-gate.ts';
import { unlock } from '../../support/agent.ts';
import { startAuthority, type Authority } from '../../support/authority.ts';
import { finishMesa, runMesa, startMesa, type RunResult } from '../../support/run-mesa.ts';
import { storedKeys } from '../../support/stored-keys.ts';
import { documentOf, fingerprint, openVault, writePlaintext, writeVault } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ROTATE = ['auth', 'api-keys', 'rotate'];
let authority: Authority;
let webId: string;

beforeAll(async () => {
  authority = await startAuthority();
  webId = await authority.createRepo('web');
});
afterAll(() => authority.stop());

async function adminHome(): Promise<{ home: TempHome; id: string; key: string }> {
  const { id, key } = await authority.createKey({ name: 'laptop', scopes: ['admin'], tags: { env: 'dev' } });
  const home = createTempHome();
  writePlaintext(home, documentOf({ 'orgs/acme': key }));
  return { home, id, key };
}

function rotate(home: TempHome, args: readonly string[] = ['--org', 'acme'], env = {}): Promise<RunResult> {
  return runMesa([...ROTATE, ...args], { home, env: { MESA_API_URL: authority.url, ...env } });
}

/** Through a gate; `again` runs it once more, with the gate open. A key that was stored is for that gate. */
async function rotateThrough(
  home: TempHome,
  mayPass: Gatekeeper,
): Promise<RunResult & { requests: readonly string[]; again: () => Promise<RunResult> }> {
  const gate = await startGate(authority.url, mayPass);
  const run = (): Promise<RunResult> => rotate(home, undefined, { MESA_API_URL: gate.url });
  const again = (): Promise<RunResult> => {
    gate.open();
    return run();
  };
  return { ...(await run()), requests: gate.requests, again };
}

async function keysFrom(id: string): Promise<readonly string[]> {
  const keys = await authority.activeKeys();
  return keys.filter(({ tags }) => tags['rotated-from'] === id).map((key) => key.id);
}

describe('rotate', () => {
  it('puts a key that can do the same, for as long, in the place of the old one, and revokes that', async () => {
    const order = {
      name: 'ci',
      scopes: ['read'],
      repo_ids: [webId],
      tags: { env: 'prod' },
      expires_in_seconds: 864_000,
    };
    const { id, key } = await authority.createKey(order);
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': authority.adminKey, 'orgs/acme/repos/web': key }));
    const result = await rotate(home, ['--org', 'acme', '--repo', 'web']);
    expect(result).toMatchObject({ status: 0, stdout: '' });
    const stored = storedKeys(home)['orgs/acme/repos/web'] ?? '';
    const newId = await authority.idOf(stored);
    expect(result.stderr).toBe(
      `replaced key for orgs/acme/repos/web (mesa_****${key.slice(-4)}) with API key ${newId} (mesa_****${stored.slice(-4)}) in plaintext-file: read; web alone; expires in 10 days\n` +
        `revoked API key ${id} of organization acme\n`,
    );
    const keys = await authority.activeKeys();
    const listed = keys.find((other) => other.id === newId);
    expect(listed).toMatchObject({
      name: 'ci',
      scopes: ['read'],
      repo_ids: [webId],
      tags: { env: 'prod', 'rotated-from': id },
    });
    expect(Date.parse(listed?.expires_at ?? '') - Date.parse(listed?.created_at ?? '')).toBe(864_000_000);
    expect(await authority.idOf(key)).toBeUndefined();
    expect(storedKeys(home)['orgs/acme']).toBe(authority.adminKey);
    expect(readFileSync(home.plaintext, 'utf8')).toContain(`key-id = "${newId}"\nexpires = `);
  });

  it('changes every place of the store that holds the key, in one write, and takes another end when one is given', async () => {
    const { home, id, key } = await adminHome();
    writePlaintext(
      home,
      documentOf({ global: key, 'orgs/acme': key, 'orgs/acme/repos/web': 'mesa_another_key_00' }),
    );
    const result = await rotate(home, ['--org', 'acme', '--expires', '30d', '--json']);
    expect(result.status).toBe(0);
    const keys = storedKeys(home);
    expect(keys['global']).toBe(keys['orgs/acme']);
    expect(keys['orgs/acme/repos/web']).toBe('mesa_another_key_00');
    const newId = await authority.idOf(keys['global'] ?? '');
    expect(JSON.parse(result.stdout)).toEqual({
      schema_version: 1,
      organization: 'acme',
      stored_for: ['global', 'orgs/acme'],
      id: newId,
      masked_key: `mesa_****${keys['global']?.slice(-4)}`,
      expires: expect.any(String) as string,
      revoked: id,
      orphans: [],
    });
    expect(result.stdout + result.stderr).not.toContain(keys['global']);
  });

  it('works through the unlock agent', async () => {
    const { key } = await adminHome();
    const home = createTempHome();
    home.useBackend('encrypted-file');
    await writeVault(home, documentOf({ 'orgs/acme': key }));
    await unlock(home);
    expect(await rotate(home)).toMatchObject({ status: 0, stdout: '' });
    expect(await authority.idOf(key)).toBeUndefined();
    const stored = /key = "(\S+)"/.exec(await openVault(home))?.[1] ?? '';
    expect(await authority.idOf(stored)).toMatch(/^key_/);
  });

  it('can be done again and again, and leaves one key', async () => {
    const { home, id } = await adminHome();
    for (let turn = 0; turn < 3; turn += 1) {
      expect((await rotate(home)).status).toBe(0);
    }
    const stored = await authority.idOf(storedKeys(home)['orgs/acme'] ?? '');
    const mine = (await authority.activeKeys()).filter(({ name }) => name === 'laptop');
    expect(mine.map((key) => key.id)).toContain(stored);
    expect(await keysFrom(id)).toEqual([]);
  });

  it('uses the key in MESA_API_KEY to manage one that may not, and warns when that held the old key', async () => {
    const { id, key } = await authority.createKey({ name: 'plain' });
    const home = createTempHome();
    writePlaintext(home, documentOf({ 'orgs/acme': key }));
    const before = fingerprint(home);
    const refused = await rotate(home);
    expect(refused).toMatchObject({ status: 5, stdout: '' });
    expect(refused.stderr).toBe(
      'mesa: the key for orgs/acme may not manage API keys, and no wider one that may was found\n' +
        'hint: run it with one: MESA_API_KEY="$ADMIN_KEY" mesa auth api-keys rotate --org acme\n',
    );
    expect(fingerprint(home)).toEqual(before);
    expect(await keysFrom(id)).toEqual([]);
    expect((await rotate(home, undefined, { MESA_API_KEY: authority.adminKey })).status).toBe(0);
    expect(await authority.idOf(key)).toBeUndefined();
    const own = await adminHome();
    const warned = await rotate(own.home, undefined, { MESA_API_KEY: own.key });
    expect(warned.status).toBe(0);
    expect(warned.stderr).toContain('mesa: warning: MESA_API_KEY still holds the key that was revoked\n');
  });

  it.each<[string, (home: TempHome) => Promise<RunResult>, number, string]>([
    [
      'there is none at that scope',
      (home) => rotate(home, ['--org', 'acme', '--repo', 'web']),
      4,
      'mesa: there is no key for orgs/acme/repos/web to rotate\n',
    ],
    [
      'the server is not there',
      (home) => rotate(home, undefined, { MESA_API_URL: 'http://127.0.0.1:1' }),
      7,
      'mesa: cannot reach http://127.0.0.1:1: ',
    ],
    [
      '--expires is nonsense',
      (home) => rotate(home, ['--org', 'acme', '--expires', 'soon']),
      2,
      "mesa: --expires: 'soon' is not a time",
    ],
  ])('changes nothing when %s', async (_, run, status, message) => {
    const { home, id, key } = await adminHome();
    const before = fingerprint(home);
    const result = await run(home);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr.startsWith(message)).toBe(true);
    expect(fingerprint(home)).toEqual(before);
    expect(await authority.idOf(key)).toBe(id);
    expect(await keysFrom(id)).toEqual([]);
  });

  it('of a revoked key names it, and of a short-lived token says that it cannot be', async () => {
    const { home, id } = await adminHome();
    await authority.revoke(id);
    expect((await rotate(home)).stderr).toMatch(
      /^mesa: \S+ does not accept the key for orgs\/acme: .*\nhint: replace it: mesa auth set-key --org acme\n$/,
    );
    const fresh = await adminHome();
    const mint = ['auth', 'mint-token', '--org', 'acme', '--all-repos'];
    const env = { MESA_API_URL: authority.url };
    const { stdout } = await runMesa(mint, { home: fresh.home, env });
    writePlaintext(fresh.home, documentOf({ 'orgs/acme': stdout.trim() }));
    expect(await rotate(fresh.home)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        'the key for orgs/acme is a short-lived token, which cannot be rotated',
      ) as string,
    });
  });
});

describe('a rotation that fails', () => {
  it('when the new key does not work, keeps the old one and revokes the new one', async () => {
    const { home, id, key } = await adminHome();
    let whoamis = 0;
    const result = await rotateThrough(home, (request, _, moment) => {
      whoamis += moment === 'before' && request === 'GET /v1/whoami' ? 1 : 0;
      return !(request === 'GET /v1/whoami' && whoamis === 2);
    });
    expect(result.status).toBe(7);
    expect(result.stderr).toMatch(/; the new key key_\w+ was revoked again\n/);
    expect(storedKeys(home)['orgs/acme']).toBe(key);
    expect(await authority.idOf(key)).toBe(id);
    expect(await keysFrom(id)).toEqual([]);
  });

  it('when the store cannot be written, keeps the old one and revokes the new one', async () => {
    const { home, id, key } = await adminHome();
    // The id is known already, so that the first thing to be written is the new key.
    writePlaintext(home, `${documentOf({ 'orgs/acme': key })}key-id = "${id}"\n`);
    const env = { MESA_API_URL: authority.url };
    const under = ['prlimit', '--fsize=64'];
    const result = await runMesa([...ROTATE, '--org', 'acme'], { home, env, under });
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toMatch(/^mesa: cannot write .*; the new key key_\w+ was revoked again$/m);
    expect(storedKeys(home)['orgs/acme']).toBe(key);
    expect(await authority.idOf(key)).toBe(id);
    expect(await keysFrom(id)).toEqual([]);
  });

  it('when somebody stores another key meanwhile, leaves that one alone, and revokes the new one', async () => {
    const { home, id, key } = await adminHome();
    const result = await rotateThrough(home, (request, _, moment) => {
      if (request.startsWith('POST') && moment === 'after') {
        writePlaintext(home, documentOf({ 'orgs/acme': 'mesa_somebody_elses_key' }));
      }
      return true;
    });
    expect(result.status).toBe(8);
    expect(result.stderr).toMatch(
      /^mesa: the key in the store was changed by another process meanwhile; the new key key_\w+ was revoked again\n/,
    );
    expect(storedKeys(home)['orgs/acme']).toBe('mesa_somebody_elses_key');
    expect(await authority.idOf(key)).toBe(id);
    expect(await keysFrom(id)).toEqual([]);
  });

  it('when the old key cannot be revoked, has stored the new one; the next run ends it and makes no other', async () => {
    const { home, id, key } = await adminHome();
    const result = await rotateThrough(home, (request) => !request.startsWith('DELETE'));
    expect(result.status).toBe(7);
    expect(result.stderr).toContain(
      `mesa: the new key is stored and works, but the old one, ${id}, was not revoked: cannot reach `,
    );
    expect(result.stderr).toContain(`\nhint: mesa auth api-keys revoke ${id} --org acme\n`);
    const stored = storedKeys(home)['orgs/acme'] ?? '';
    expect(stored).not.toBe(key);
    const again = await result.again();
    expect(again).toMatchObject({ status: 0, stdout: '' });
    expect(again.stderr).toBe(
      `finished a rotation that was interrupted: revoked API key ${id} of organization acme\n`,
    );
    expect(storedKeys(home)['orgs/acme']).toBe(stored);
    expect(await authority.idOf(key)).toBeUndefined();
  });
});

describe('a rotation that is killed', () => {
  it('at any request, before or after the server has done it, leaves a stored key that works, and the next run ends it', async () => {
    const whole = await rotateThrough((await adminHome()).home, () => true);
    expect(whole.status).toBe(0);
    const steps = whole.requests.flatMap((_, at) => [
      { count: at + 1, moment: 'before' as const },
      { count: at + 1, moment: 'after' as const },
    ]);
    expect(whole.requests).toContain('POST /v1/acme/api-keys');
    expect(whole.requests.at(-1)).toMatch(/^DELETE /);
    for (const step of steps) {
      const { home, id, key } = await adminHome();
      let child: ChildProcess | undefined;
      const gate = await startGate(authority.url, (_, count, moment) => {
        const isNow = count === step.count && moment === step.moment;
        if (isNow) {
          child?.kill('SIGKILL');
        }
        return !isNow;
      });
      const options = { home, env: { MESA_API_URL: gate.url } };
      child = startMesa([...ROTATE, '--org', 'acme'], options);
      expect({ step, signal: (await finishMesa(child, '')).signal }).toEqual({ step, signal: 'SIGKILL' });
      const stored = storedKeys(home)['orgs/acme'] ?? '';
      const storedId = await authority.idOf(stored);
      expect({ step, works: storedId !== undefined }).toEqual({ step, works: true });
      const lost = (await keysFrom(id)).filter((other) => other !== storedId);

      gate.open();
      const again = await rotate(home, undefined, { MESA_API_URL: gate.url });
      expect({ step, status: again.status }).toEqual({ step, status: 0 });
      expect(await authority.idOf(storedKeys(home)['orgs/acme'] ?? '')).toMatch(/^key_/);
      expect(await authority.idOf(key)).toBeUndefined();
      for (const orphan of lost) {
        expect(again.stderr).toContain(
          `mesa: warning: API key ${orphan} was made by a rotation that was interrupted, and nobody has it\n` +
            `hint: mesa auth api-keys revoke ${orphan} --org acme\n`,
        );
      }
    }
  });

  it('twice, at different moments, is ended by the third run, which names the key that nobody has', async () => {
    const { home, id, key } = await adminHome();
    await rotateThrough(home, (request, _, moment) => !(request.startsWith('POST') && moment === 'after'));
    const [orphan = 'none'] = await keysFrom(id);
    expect(storedKeys(home)['orgs/acme']).toBe(key);
    const second = await rotateThrough(home, (request) => !request.startsWith('DELETE'));
    expect(second.status).toBe(7);
    const third = await second.again();
    expect(third.status).toBe(0);
    expect(third.stderr).toContain('finished a rotation that was interrupted');
    expect(third.stderr).toContain(`hint: mesa auth api-keys revoke ${orphan} --org acme\n`);
    expect(await authority.idOf(key)).toBeUndefined();
    expect(await authority.idOf(storedKeys(home)['orgs/acme'] ?? '')).toMatch(/^key_/);
  });

  it('by Ctrl-C in the middle of it ends it first', async () => {
    const { home, key } = await adminHome();
    let child: ChildProcess | undefined;
    const gate = await startGate(authority.url, (request, _, moment) => {
      if (request.startsWith('POST') && moment === 'before') {
        child?.kill('SIGINT');
      }
      return true;
    });
    child = startMesa([...ROTATE, '--org', 'acme'], { home, env: { MESA_API_URL: gate.url } });
    const result = await finishMesa(child, '');
    expect([result.status, result.signal]).toEqual([null, 'SIGINT']);
    expect(result.stderr).toMatch(
      /^replaced key for orgs\/acme .*\nrevoked API key key_\w+ of organization acme\n$/,
    );
    expect(await authority.idOf(storedKeys(home)['orgs/acme'] ?? '')).toMatch(/^key_/);
    expect(await authority.idOf(key)).toBeUndefined();
  });
});
