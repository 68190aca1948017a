import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { deriveSigningSecret, signAccessToken } from 'mesa-auth/access-token';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';

import { generateApiKey } from '../src/rules/api-key.ts';
import { type Authority, runProgram, startAuthority } from './support/authority.ts';
import { postgresPrograms } from './support/postgres-server.ts';
import { rest } from './support/rest.ts';

const OTHER_MASTER_KEY = Buffer.alloc(32, 5).toString('base64');

interface KeyRow {
  readonly id: string;
  readonly digest: Uint8Array;
  readonly sealed_secret: Uint8Array;
}

describe.each(['sqlite', 'postgres'] as const)('secrets on %s', (kind) => {
  it('are found in no database, dump, backup, log, reply to a refused request or process title', async () => {
    const authority = await startAuthority(kind);
    const { adminKey, url, servers } = authority;
    const created = await rest(authority, 'POST', '/acme/api-keys', adminKey, { name: 'ci' });
    const key: string = created.body.key;
    const token = tokenOf(created.body.id, key);
    const wrongKey = generateApiKey();
    const wrongToken = tokenOf(created.body.id, wrongKey);
    const secrets = [adminKey, key, token, wrongKey, wrongToken].flatMap(spellings);
    const bodies: string[] = [];
    const ask = async (path: string, init: RequestInit = {}): Promise<void> => {
      const reply = await fetch(`${url}${path}`, init);
      const text = await reply.text();
      const headers = [...reply.headers].flat().join('\n');
      bodies.push(`${headers}\n${text}`);
    };
    for (const secret of [key, token, wrongKey, wrongToken]) {
      const bearer = { authorization: `Bearer ${secret}` };
      const basic = { authorization: `Basic ${Buffer.from(`t:${secret}`).toString('base64')}` };
      await ask('/v1/whoami', { headers: bearer });
      await ask('/v1/whoami', { headers: { authorization: secret } });
      await ask('/v1/whoami', { headers: { ...bearer, 'x-api-key': secret, accept: secret } });
      await ask('/v1/whoami', { method: secret.slice(0, 4), headers: bearer }).catch(() => {});
      await ask(`/v1/${secret}/repos`, { headers: bearer });
      await ask(`/v1/acme/${secret}`, { headers: bearer });
      await ask(`/v1/acme/repos?cursor=${secret}&tags=${secret}&limit=${secret}`, { headers: bearer });
      await ask(`/v1/acme/api-keys?status=${secret}`, { headers: { authorization: `Bearer ${adminKey}` } });
      await ask(`/${secret}?key=${secret}`, { headers: basic });
      await ask(`/acme/web.git/info/refs?service=git-upload-pack`, { headers: basic });
      await ask(`/acme/${secret}.git/info/refs?service=${secret}`, { headers: basic });
      for (const [type, body] of [
        ['application/json', JSON.stringify({ [secret]: secret })],
        ['application/json', `{"name": "${secret}`],
        ['application/json', JSON.stringify({ scopes: [secret], repo_ids: [secret] })],
        ['application/json', JSON.stringify({ repo_ids: [secret] })],
        [secret.slice(0, 100), secret],
      ] as const) {
        const headers = { 'content-type': type, authorization: `Bearer ${adminKey}` };
        await ask('/v1/acme/api-keys', { method: 'POST', headers, body });
      }
    }
    const { body } = await rest(authority, 'DELETE', `/acme/api-keys/${created.body.id}`, adminKey);
    expect(body).toEqual({ success: true });
    // While they run: the log of the database, too.
    const dumps = [dumpOf(authority), ...(await backupOf(authority)), ...filesIn(authority.directory)];
    const titles = servers.map((server) => readFileSync(`/proc/${server.process.pid}/cmdline`, 'latin1'));
    await Promise.all(servers.map((server) => server.stop()));
    const logs = servers.map((server) => server.output());
    // One that shows nothing because it is empty would prove nothing.
    expect(logs.join('')).toContain(`"key_id":"${created.body.id}"`);
    expect(dumps.every((dump) => dump.includes(created.body.id))).toBe(true);
    // A name that was asked for comes back in a list of what is not there: who sent it knows it.
    const replies = bodies.filter((text) => !text.includes('"repo_ids":["'));
    const places = { dumps, logs, titles, replies };
    for (const [place, texts] of Object.entries(places)) {
      const found = secrets.filter((secret) => texts.some((text) => text.includes(secret)));
      expect([place, found.length]).toEqual([place, 0]);
    }
  });

  it('are not what Node tells of itself where that is asked for', async () => {
    // Not those of loading modules, which print megabytes and know no request.
    const sections = 'child_process,http,net,stream,stream_socket,timer,tls,worker';
    const masterKey = Buffer.alloc(32, 6).toString('base64');
    const env = { NODE_DEBUG: sections, MESA_AUTHORITY_KEY: masterKey };
    const authority = await startAuthority(kind, { env });
    const { adminKey, servers, storage, url } = authority;
    const another = await runProgram(['new-admin-key', '--org', 'acme', ...storage], env);
    const created = await rest(authority, 'POST', '/acme/api-keys', adminKey, { name: 'ci' });
    const token = tokenOf(created.body.id, created.body.key);
    await rest(authority, 'POST', '/acme/repos', adminKey, { name: 'web' });
    for (const secret of [adminKey, token]) {
      const authorization = `Basic ${Buffer.from(`t:${secret}`).toString('base64')}`;
      const path = '/acme/web.git/info/refs?service=git-upload-pack';
      expect((await fetch(`${url}${path}`, { headers: { authorization } })).status).toBe(200);
    }
    await Promise.all(servers.map((server) => server.stop()));
    const text = [another.stderr, ...servers.map((server) => server.output())].join('');
    expect(text).toMatch(/^HTTP \d+: /m);
    expect(text).toMatch(/^CHILD_PROCESS \d+: /m);
    const secrets = [adminKey, another.stdout.trim(), created.body.key as string, token, masterKey];
    // Node shows bytes as <Buffer 6d 65>, cut after 50 of them.
    const dumped = secrets.map((secret) =>
      Buffer.from(secret.slice(5, 17))
        .toString('hex')
        .replace(/..(?=.)/g, '$& '),
    );
    for (const form of [...secrets.flatMap(spellings), ...dumped]) {
      expect(text.includes(form)).toBe(false);
    }
  });

  it('cannot be forged from a dump of the database: no column signs a token that is accepted', async () => {
    const authority = await startAuthority(kind);
    const [row] = await keyRows(authority);
    if (row === undefined) {
      throw new Error('there is no key');
    }
    const sealed = Buffer.from(row.sealed_secret);
    const digest = Buffer.from(row.digest);
    const materials = [digest, sealed, sealed.subarray(1), sealed.subarray(13, -16), sealed.subarray(13)];
    const keys = materials.flatMap((bytes) => [
      bytes,
      ...(['hex', 'base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding)),
      deriveSigningSecret(bytes.toString('base64url')),
      deriveSigningSecret(bytes.toString('latin1')),
    ]);
    for (const hmacKey of [...keys, '', row.id]) {
      expect((await rest(authority, 'GET', '/whoami', forge(row.id, hmacKey))).status).toBe(401);
    }
    // The same token, signed with the key itself, is accepted: it was the signature.
    const genuine = forge(row.id, deriveSigningSecret(authority.adminKey));
    expect((await rest(authority, 'GET', '/whoami', genuine)).status).toBe(200);
  });

  it('do not verify when they were moved to the row of another key', async () => {
    const authority = await startAuthority(kind);
    const { body: other } = await rest(authority, 'POST', '/acme/api-keys', authority.adminKey, {});
    const { body: admin } = await rest(authority, 'GET', '/whoami', authority.adminKey);
    const own = tokenOf(other.id, other.key);
    expect((await rest(authority, 'GET', '/whoami', own)).status).toBe(200);
    await swapSealedSecrets(authority, admin.key_id, other.id);
    // A token of the weaker key in the name of the stronger one, whose row has its secret now.
    expect((await rest(authority, 'GET', '/whoami', tokenOf(admin.key_id, other.key))).status).not.toBe(200);
    expect((await rest(authority, 'GET', '/whoami', own)).status).not.toBe(200);
  });

  it('of another master key are not touched: the server says so and does not start', async () => {
    const authority = await startAuthority(kind);
    const before = await keyRows(authority);
    for (const args of [
      ['serve', '--listen', '127.0.0.1:0'],
      ['new-admin-key', '--org', 'acme'],
    ]) {
      const { status, stdout, stderr } = await runProgram([...args, ...authority.storage], {
        MESA_AUTHORITY_KEY: OTHER_MASTER_KEY,
      });
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toBe(
        'mesa-authority: the database was made with another master key\n' +
          'hint: use the MESA_AUTHORITY_KEY or --master-key it was made with; without it its API keys are lost\n',
      );
    }
    expect(await keyRows(authority)).toEqual(before);
  });
});

/** As it is, and as it may be written by somebody who did not think of it. */
function spellings(secret: string): readonly string[] {
  const signingSecret = deriveSigningSecret(secret);
  return [
    secret,
    signingSecret,
    Buffer.from(signingSecret, 'base64url').toString('hex'),
    Buffer.from(secret).toString('base64').replaceAll('=', '').slice(0, -1),
    Buffer.from(`t:${secret}`).toString('base64').replaceAll('=', '').slice(0, -1),
    Buffer.from(secret).toString('hex'),
    // The signature of a token is as good as the whole.
    ...(secret.includes('.') ? [secret.slice(secret.lastIndexOf('.') + 1)] : []),
  ];
}

function tokenOf(apiKeyId: string, apiKey: string): string {
  return signAccessToken({ apiKeyId, apiKey, permissions: ['read'], repos: null }).token;
}

function forge(keyId: string, hmacKey: string | Uint8Array): string {
  const iat = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: keyId,
    aud: 'mesa-api',
    scopes: ['read'],
    repos: null,
    iat,
    exp: iat + 600,
    jti: '1',
  };
  const header = { alg: 'HS256', typ: 'mesa-at+jwt', kid: `${keyId}.v1` };
  const signed = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', hmacKey).update(signed).digest('base64url')}`;
}

async function keyRows(authority: Authority): Promise<readonly KeyRow[]> {
  return query<KeyRow>(authority, 'select id, digest, sealed_secret from api_keys order by id');
}

async function swapSealedSecrets(authority: Authority, one: string, two: string): Promise<void> {
  const rows = new Map((await keyRows(authority)).map((row) => [row.id, row.sealed_secret]));
  for (const [to, from] of [
    [one, two],
    [two, one],
  ] as const) {
    const hex = Buffer.from(rows.get(from) ?? '').toString('hex');
    const value = authority.databaseUrl === undefined ? `x'${hex}'` : `'\\x${hex}'`;
    await query(authority, `update api_keys set sealed_secret = ${value} where id = '${to}' returning id`);
  }
}

async function query<T>({ databaseUrl, directory }: Authority, text: string): Promise<readonly T[]> {
  if (databaseUrl === undefined) {
    const database = new DatabaseSync(join(directory, 'authority.db'));
    const rows = database.prepare(text).all();
    database.close();
    return rows as T[];
  }
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows as T[];
}

/** What `pg_dump` writes; for SQLite every row of every table. */
function dumpOf({ databaseUrl, directory }: Authority): string {
  if (databaseUrl !== undefined) {
    return execFileSync(join(postgresPrograms(), 'pg_dump'), [databaseUrl], { encoding: 'latin1' });
  }
  const database = new DatabaseSync(join(directory, 'authority.db'));
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  const rows = tables.flatMap(({ name }) => database.prepare(`select * from "${String(name)}"`).all());
  database.close();
  return rows
    .flatMap((row) => Object.values(row))
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join('\n');
}

async function backupOf({ databaseUrl, directory, storage }: Authority): Promise<readonly string[]> {
  if (databaseUrl !== undefined) {
    return [];
  }
  const path = join(directory, 'backup.db');
  const { status } = await runProgram(['backup', path, ...storage]);
  expect(status).toBe(0);
  const bytes = readFileSync(path, 'latin1');
  rmSync(path);
  return [bytes];
}

/** The database and its write-ahead log together; nothing for PostgreSQL, whose files are elsewhere. */
function filesIn(directory: string): readonly string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith('authority.db'));
  return names.length === 0
    ? []
    : [names.map((name) => readFileSync(join(directory, name), 'latin1')).join('')];
}
