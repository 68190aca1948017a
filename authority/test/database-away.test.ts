import { Client } from 'pg';
import { afterAll, describe, expect, it } from 'vitest';

import { endSuite } from './support/authority.ts';
import { startInProcess } from './support/in-process.ts';
import { rest } from './support/rest.ts';

const ROUNDS = 60;
const AT_ONCE = 8;

describe('requests while the database is away', () => {
  afterAll(endSuite);

  it('are UNAVAILABLE, with the id of the log and no detail, and answered again when it is back', async () => {
    const server = await startInProcess('postgres');
    const name = new URL(server.databaseUrl ?? '').pathname.slice(1);
    const admin = new Client({ connectionString: new URL('postgres', server.databaseUrl).href });
    await admin.connect();
    try {
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      await admin.query(`alter database ${name} with allow_connections false`);
      await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      for (const path of ['/health', '/v1/whoami']) {
        const response = await fetch(`${server.url}${path}`, {
          headers: { authorization: `Bearer ${server.adminKey}` },
        });
        expect([path, response.status]).toEqual([path, 503]);
        const body = (await response.json()) as { error: { trace_id: string } };
        expect(body).toEqual({
          error: {
            code: 'UNAVAILABLE',
            message: 'The database does not answer',
            trace_id: response.headers.get('x-request-id'),
          },
        });
        expect(server.log()).toContain(body.error.trace_id);
      }
      expect(server.log()).not.toContain(server.adminKey);
      await admin.query(`alter database ${name} with allow_connections true`);
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      expect((await rest(server, 'GET', '/whoami', server.adminKey)).status).toBe(200);
    } finally {
      await admin.end();
    }
  });

  it('are answered or UNAVAILABLE when their connection is lost, and what was answered is there', async () => {
    const server = await startInProcess('postgres');
    const name = new URL(server.databaseUrl ?? '').pathname.slice(1);
    const admin = new Client({ connectionString: new URL('postgres', server.databaseUrl).href });
    await admin.connect();
    const statuses = new Set<number>();
    const made: string[] = [];
    const create = async (): Promise<void> => {
      const { status, body } = await rest(server, 'POST', '/acme/api-keys', server.adminKey, {});
      statuses.add(status);
      if (status === 201) {
        made.push(body.key);
      }
    };
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const creating = Promise.all(Array.from({ length: AT_ONCE }, create));
        await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
          name,
        ]);
        await creating;
      }
    } finally {
      await admin.end();
    }
    expect(statuses).toEqual(new Set([201, 503]));
    for (const key of made) {
      expect((await rest(server, 'GET', '/whoami', key)).status).toBe(200);
    }
    expect(server.log()).not.toContain(server.adminKey);
  });

  it('are INTERNAL_ERROR when it is damaged, and tell nothing of it', async () => {
    const server = await startInProcess('sqlite');
    await server.db.schema.dropTable('repositories').execute();
    const { status, headers, body } = await rest(server, 'GET', '/acme/repos', server.adminKey);
    expect(status).toBe(500);
    expect(body).toEqual({
      error: {
        code: 'INTERNAL_ERROR',
        message: 'The server could not do this',
        trace_id: headers.get('x-request-id'),
      },
    });
    expect(server.log()).toContain('no such table');
    expect(server.log()).not.toContain(server.adminKey);
  });
});
