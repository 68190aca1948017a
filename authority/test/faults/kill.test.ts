import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';

import { type Authority, type RunningServer, startAuthority, startServer } from '../support/authority.ts';
import { rest, type RestReply } from '../support/rest.ts';

/** On each database: a hundred in all. */
const KILLS = Number(process.env['MESA_KILLS'] ?? 50);
/** On one database, killed each for itself: what one was doing, another one finds. */
const SERVERS = 3;
const CLIENTS = 4;
/** A server is killed after so many answers at most, while it works on others. */
const MOST_ANSWERS = 12;
/** It takes half a minute where nothing else runs. */
const TIMEOUT_MS = 1_200_000;

/** What the server said that it has done; what it did not answer may have been done or not. */
interface Acknowledged {
  readonly keys: Map<string, string>;
  readonly revoked: Map<string, string>;
  readonly repositories: Map<string, string>;
}

describe.each(['sqlite', 'postgres'] as const)('servers that are killed under load, on %s', (kind) => {
  it(
    `lose nothing that they acknowledged, in ${KILLS} kills`,
    async () => {
      const authority = await startAuthority(kind);
      const acknowledged: Acknowledged = { keys: new Map(), revoked: new Map(), repositories: new Map() };
      let kills = 0;
      const lives = async (): Promise<void> => {
        while (kills < KILLS) {
          kills += 1;
          const server = await startServer(authority.storage);
          let answersLeft = randomInt(MOST_ANSWERS);
          const onAnswer = (): void => {
            answersLeft -= 1;
            if (answersLeft < 0) {
              void server.kill();
            }
          };
          await new Promise<void>((resolve, reject) => {
            const clients = Array.from({ length: CLIENTS }, () =>
              work(server, authority, acknowledged, onAnswer),
            );
            Promise.all(clients).then(() => resolve(), reject);
          });
        }
      };
      await Promise.all(Array.from({ length: SERVERS }, lives));
      const { keys, revoked, repositories } = acknowledged;
      // There was load: else this would prove nothing.
      expect(Math.min(keys.size, revoked.size, repositories.size)).toBeGreaterThan(KILLS / 2);

      const survivor = await startServer([...authority.storage, '--failed-attempts', '1000000']);
      const whoami = async (key: string): Promise<number> =>
        (await rest(survivor, 'GET', '/whoami', key)).status;
      for (const key of keys.values()) {
        expect(await whoami(key)).toBe(200);
      }
      for (const key of revoked.values()) {
        expect(await whoami(key)).toBe(401);
      }
      const git = join(authority.directory, 'git');
      for (const [name, id] of repositories) {
        const { status, body } = await rest(survivor, 'GET', `/acme/${name}`, authority.adminKey);
        expect([status, body.id]).toEqual([200, id]);
        expect(isRepository(join(git, `${id}.git`))).toBe(true);
      }
      const rows = await repositoryIds(authority);
      expect(rows.length).toBeGreaterThanOrEqual(repositories.size);
      expect(rows.filter((id) => !existsSync(join(git, `${String(id)}.git`, 'HEAD')))).toEqual([]);
      if (kind === 'sqlite') {
        expect(integrityOf(authority)).toBe('ok');
      }
    },
    TIMEOUT_MS,
  );
});

/** Creates keys, revokes some of its own and creates repositories, until the server does not answer. */
async function work(
  { url }: RunningServer,
  { adminKey }: Authority,
  { keys, revoked, repositories }: Acknowledged,
  onAnswer: () => void,
): Promise<void> {
  const jobs = [
    async () => {
      const { body } = await expectStatus(201, rest({ url }, 'POST', '/acme/api-keys', adminKey, {}));
      keys.set(body.id, body.key);
    },
    async () => {
      const { body } = await expectStatus(201, rest({ url }, 'POST', '/acme/api-keys', adminKey, {}));
      await expectStatus(200, rest({ url }, 'DELETE', `/acme/api-keys/${body.id}`, adminKey));
      revoked.set(body.id, body.key);
    },
    async () => {
      const { body } = await expectStatus(201, rest({ url }, 'POST', '/acme/repos', adminKey, {}));
      repositories.set(body.name, body.id);
    },
  ];
  try {
    for (let turn = randomInt(jobs.length); ; turn += 1) {
      await jobs[turn % jobs.length]?.();
      onAnswer();
    }
  } catch (error) {
    // Anything else is the connection of a server that is gone.
    if (error instanceof Refusal) {
      throw error;
    }
  }
}

async function expectStatus(status: number, asked: Promise<RestReply>): Promise<RestReply> {
  const reply = await asked;
  if (reply.status !== status) {
    throw new Refusal(`answered with ${reply.status}: ${JSON.stringify(reply.body)}`);
  }
  return reply;
}

class Refusal extends Error {}

function isRepository(path: string): boolean {
  const isBare = execFileSync('git', [`--git-dir=${path}`, 'rev-parse', '--is-bare-repository']);
  return isBare.toString().trim() === 'true';
}

function open({ directory }: Authority): InstanceType<typeof DatabaseSync> {
  return new DatabaseSync(join(directory, 'authority.db'));
}

function integrityOf(authority: Authority): unknown {
  const database = open(authority);
  try {
    return database.prepare('pragma integrity_check').get()?.['integrity_check'];
  } finally {
    database.close();
  }
}

async function repositoryIds(authority: Authority): Promise<readonly unknown[]> {
  const query = 'select id from repositories';
  if (authority.databaseUrl === undefined) {
    const database = open(authority);
    try {
      return database
        .prepare(query)
        .all()
        .map((row) => row['id']);
    } finally {
      database.close();
    }
  }
  const client = new Client({ connectionString: authority.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(query);
  await client.end();
  return rows.map(({ id }) => id);
}
