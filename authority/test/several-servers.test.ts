import { randomBytes } from 'node:crypto';

import { signAccessToken } from 'mesa-auth/access-token';
import { describe, expect, it, onTestFinished } from 'vitest';

import { createDatabase, runProgram, startAuthority, startServer } from './support/authority.ts';
import { startPostgres } from './support/postgres-server.ts';
import { rest } from './support/rest.ts';
import { waitUntil } from './support/wait-until.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

const SERVERS = 4;
const ROUNDS = Number(process.env['MESA_ROUNDS'] ?? 1_000);
const LANES = 8;
/** Half a minute where nothing else runs. */
const TIMEOUT_MS = 600_000;

describe.each(['sqlite', 'postgres'] as const)('several servers on one %s', (kind) => {
  it(
    'start at once on an empty database, and each serves what another one makes',
    async () => {
      const directory = temporaryDirectory();
      const database = kind === 'sqlite' ? [] : ['--database', await createDatabase()];
      const storage = ['--data', directory, ...database];
      const env = { MESA_AUTHORITY_KEY: randomBytes(32).toString('base64') };
      const servers = await Promise.all(Array.from({ length: SERVERS }, () => startServer(storage, env)));
      const inits = await Promise.all(
        Array.from({ length: SERVERS }, () => runProgram(['init', '--org', 'acme', ...storage], env)),
      );
      const made = inits.filter(({ status }) => status === 0);
      expect(made).toHaveLength(1);
      for (const { stdout, stderr } of inits.filter(({ status }) => status !== 0)) {
        expect(stdout).toBe('');
        expect(stderr).toContain('the organization acme is there already');
      }
      const adminKey = made[0]?.stdout.trim();
      const repositories = await Promise.all(
        servers.map((server) => rest(server, 'POST', '/acme/repos', adminKey, {})),
      );
      expect(repositories.map(({ status }) => status)).toEqual(servers.map(() => 201));
      const names = repositories.map(({ body }) => String(body.name)).toSorted();
      for (const server of servers) {
        const { body } = await rest(server, 'GET', '/acme/repos', adminKey);
        expect(body.repos.map(({ name }: { readonly name: string }) => name)).toEqual(names);
      }
    },
    TIMEOUT_MS,
  );

  it(
    `refuse, with the next request, what one of them revoked, in ${ROUNDS} rounds`,
    async () => {
      const authority = await startAuthority(kind);
      const [first] = authority.servers;
      const second = await startServer([...authority.storage, '--failed-attempts', '1000000']);
      if (first === undefined) {
        throw new Error('no server');
      }
      let rounds = 0;
      const lane = async (): Promise<void> => {
        while (rounds < ROUNDS) {
          rounds += 1;
          const [one, other] = rounds % 2 === 0 ? [first, second] : [second, first];
          const { body } = await rest(one, 'POST', '/acme/api-keys', authority.adminKey, {
            name: 'short-lived',
          });
          const key: string = body.key;
          const token = signAccessToken({
            apiKeyId: body.id,
            apiKey: key,
            permissions: ['read'],
            repos: null,
          });
          const credential = rounds % 4 < 2 ? key : token.token;
          expect((await rest(other, 'GET', '/whoami', credential)).status).toBe(200);
          await rest(one, 'DELETE', `/acme/api-keys/${body.id}`, authority.adminKey);
          expect((await rest(other, 'GET', '/whoami', credential)).status).toBe(401);
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      expect(rounds).toBe(ROUNDS);
    },
    TIMEOUT_MS,
  );
});

describe('a server whose PostgreSQL is restarted', () => {
  it(
    'answers 503 meanwhile, goes on afterwards without a restart, and has lost nothing',
    async () => {
      const postgres = await startPostgres();
      onTestFinished(postgres.remove);
      const storage = ['--data', temporaryDirectory(), '--database', postgres.url];
      const init = await runProgram(['init', '--org', 'acme', ...storage]);
      const adminKey = init.stdout.trim();
      const server = await startServer(storage);
      const whoami = async (): Promise<number> => (await rest(server, 'GET', '/whoami', adminKey)).status;
      const health = async (): Promise<number> => (await fetch(`${server.url}/health`)).status;
      expect([await whoami(), await health()]).toEqual([200, 200]);

      await postgres.stop();
      expect([await whoami(), await health()]).toEqual([503, 503]);
      const { headers, body } = await rest(server, 'GET', '/whoami', adminKey);
      expect(body.error).toEqual({
        code: 'UNAVAILABLE',
        message: expect.any(String),
        trace_id: headers.get('x-request-id'),
      });

      await postgres.start();
      await waitUntil('the server answers again', async () => (await health()) === 200);
      expect(await whoami()).toBe(200);
      expect(server.process.exitCode).toBeNull();
    },
    TIMEOUT_MS,
  );
});
