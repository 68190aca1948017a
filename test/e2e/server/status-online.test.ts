import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startGate } from '../../support/api-gate.ts';
import { answerJson, startApiServer } from '../../support/api-server.ts';
import { startAuthority, type Authority } from '../../support/authority.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const STATUS = ['auth', 'status'];
let authority: Authority;

beforeAll(async () => {
  authority = await startAuthority();
});
afterAll(() => authority.stop());

function homeWith(keys: Readonly<Record<string, string>>): TempHome {
  const home = createTempHome();
  writePlaintext(home, documentOf(keys));
  return home;
}

interface StatusDocument {
  readonly api_url: string | null;
  readonly used: { readonly check: string } | null;
  readonly keys: readonly { readonly scope: string; readonly check: string }[];
}

/** The checks by scope, and that of the key that is used. */
function checksIn(stdout: string): Record<string, string | undefined> {
  const { keys, used } = JSON.parse(stdout) as StatusDocument;
  return { ...Object.fromEntries(keys.map(({ scope, check }) => [scope, check])), used: used?.check };
}

describe('status', () => {
  it('asks the server about every key once, and ends with 0 when it accepts them; the store stays as it is', async () => {
    const { key } = await authority.createKey();
    const home = homeWith({ global: key, 'orgs/acme': authority.adminKey, 'orgs/beta': key });
    const before = fingerprint(home);
    const { url, requests } = await startGate(authority.url, () => true);
    const env = { MESA_API_URL: url };
    const result = await runMesa([...STATUS, '--org', 'acme'], { home, env });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^used here {2}mesa_\*{4}\S{4} from orgs\/acme, for orgs\/acme; valid$/m);
    expect(result.stdout).toContain(`\nserver     ${url}: 2 keys valid\n`);
    expect(result.stdout.match(/ valid$/gm)).toHaveLength(5);
    expect(requests).toEqual(['GET /v1/whoami', 'GET /v1/whoami']);
    expect(fingerprint(home)).toEqual(before);
  });

  it('ends with 5 when the server rejects a key, revoked or expired, and says which to replace', async () => {
    const good = await authority.createKey();
    const revoked = await authority.createKey();
    await authority.revoke(revoked.id);
    const home = homeWith({ global: good.key, 'orgs/acme': revoked.key });
    const env = { MESA_API_URL: authority.url };
    const json = await runMesa([...STATUS, '--json'], { home, env });
    expect(json.status).toBe(5);
    expect(json.stderr).toMatch(
      /^mesa: \S+ does not accept the key for orgs\/acme: 'UNAUTHORIZED: .*'\nhint: replace it: mesa auth set-key --org acme\n$/,
    );
    expect(checksIn(json.stdout)).toEqual({ global: 'valid', 'orgs/acme': 'rejected', used: 'valid' });
    const both = homeWith({ global: 'mesa_nobodys_key_000', 'orgs/acme': revoked.key });
    expect((await runMesa(STATUS, { home: both, env })).stderr).toBe(
      `mesa: ${authority.url} does not accept the key for global, the key for orgs/acme\nhint: replace them, as with: mesa auth set-key\n`,
    );
  });

  it('checks the key of the environment when that is the one in use, and names it', async () => {
    const home = homeWith({ 'orgs/acme': authority.adminKey });
    const env = { MESA_API_URL: authority.url, MESA_API_KEY: 'mesa_nobodys_key_000' };
    const result = await runMesa([...STATUS, '--json'], { home, env });
    expect(result.status).toBe(5);
    expect(result.stderr).toContain('does not accept the key in MESA_API_KEY');
    expect(checksIn(result.stdout)).toEqual({ 'orgs/acme': 'valid', used: 'rejected' });
  });

  it('ends with 7 when the server is not there, tells all else, and does not go on asking', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `orgs/o${String(n).padStart(2, '0')}`);
    const { url, requests } = await startApiServer((request) => void request.socket.destroy());
    const home = homeWith(Object.fromEntries(names.map((name, n) => [name, `mesa_key_number_${n + 100}`])));
    const result = await runMesa([...STATUS, '--json'], { home, env: { MESA_API_URL: url } });
    expect(result.status).toBe(7);
    expect(result.stderr).toMatch(/^mesa: cannot reach \S+: the connection was closed\nhint: .*\n$/);
    const checks = Object.values(checksIn(result.stdout)).slice(0, names.length);
    expect(checks.filter((check) => check === 'unreachable').length).toBe(requests.length);
    expect(requests.length).toBeLessThanOrEqual(4);
    expect(checks.filter((check) => check === 'unchecked').length).toBe(names.length - requests.length);
  });

  it('waits for a server that never answers no longer than a few seconds', async () => {
    const { url } = await startApiServer(() => undefined);
    const home = homeWith({ global: 'mesa_globalkey000011aa' });
    const result = await runMesa(STATUS, { home, env: { MESA_API_URL: url } });
    expect(result.status).toBe(7);
    expect(result.stderr).toContain('no answer within 5 seconds');
    expect(result.stdout).toContain('1 key unreachable');
  });

  it('with --offline asks nobody, and a key that would be rejected is no failure', async () => {
    const { url, requests } = await startApiServer((_, response) => answerJson(response, 401, {}));
    const home = homeWith({ global: 'mesa_globalkey000011aa' });
    const result = await runMesa([...STATUS, '--offline', '--json'], { home, env: { MESA_API_URL: url } });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({ api_url: null });
    expect(checksIn(result.stdout)).toEqual({ global: 'unchecked', used: 'unchecked' });
    expect(requests).toEqual([]);
  });

  it('--fail-within comes first: 9 for the key that ends, whether or not the server takes it', async () => {
    const home = createTempHome();
    const expires = 'expires = 2026-01-01T00:00:00.000Z\n';
    writePlaintext(home, `${documentOf({ global: 'mesa_nobodys_key_000' })}${expires}`);
    const options = { home, env: { MESA_API_URL: authority.url } };
    expect(await runMesa([...STATUS, '--fail-within', '1d'], options)).toMatchObject({ status: 9 });
    expect(await runMesa(STATUS, options)).toMatchObject({ status: 5 });
  });

  it('asks nobody when there is no key', async () => {
    const { url, requests } = await startApiServer();
    const home = homeWith({});
    const result = await runMesa(STATUS, { home, env: { MESA_API_URL: url } });
    expect(result).toMatchObject({ status: 0 });
    expect(result.stdout).toContain(`server     ${url}: not asked, there is no key`);
    expect(requests).toEqual([]);
  });
});

it.each([[['auth', 'doctor']], [['auth', 'list']], [['auth', 'get-key', '--explain']], [['__complete']]])(
  '%j asks no server',
  async (args) => {
    const { url, requests } = await startApiServer();
    const home = homeWith({ global: 'mesa_globalkey000011aa' });
    await runMesa(args, { home, env: { MESA_API_URL: url }, stdin: 'mesa\nauth\napi-keys\nrevoke\n\n' });
    expect(requests).toEqual([]);
  },
);
