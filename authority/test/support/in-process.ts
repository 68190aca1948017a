import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';

import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';

import { builtProgram } from '../../../scripts/built-from.mjs';
import { createAuthenticate } from '../../src/authentication/authenticate.ts';
import { createFailedAttempts } from '../../src/authentication/failed-attempts.ts';
import { createLastUses, type LastUses } from '../../src/authentication/last-uses.ts';
import { insertApiKey, storeLastUses } from '../../src/database/api-keys.ts';
import { openDatabase } from '../../src/database/open-database.ts';
import { insertOrganization } from '../../src/database/organizations.ts';
import type { Database } from '../../src/database/schema.ts';
import { usableKeys } from '../../src/database/usable-keys.ts';
import { openGitRoot } from '../../src/git/git-root.ts';
import { createPackServices } from '../../src/git/pack-service.ts';
import { type AppOptions, createApp } from '../../src/http/app.ts';
import { createSealer, type Sealer } from '../../src/secrets/sealer.ts';
import { cleanUp, createDatabase } from './authority.ts';

export interface InProcess {
  readonly url: string;
  readonly adminKey: string;
  readonly organizationId: string;
  readonly app: FastifyInstance;
  readonly db: Database;
  readonly sealer: Sealer;
  readonly lastUses: LastUses;
  readonly databaseUrl: string | undefined;
  /** What the server takes for the present. */
  readonly clock: { now: Date };
  /** Everything that was logged. */
  log(): string;
}

export interface InProcessOptions extends Partial<
  Pick<AppOptions, 'proxies' | 'timeLimits' | 'beforeRoutes'>
> {
  readonly failedAttempts?: number;
}

/** The server in this process, with a clock that the test sets; its organization is `acme`. */
export async function startInProcess(
  kind: 'sqlite' | 'postgres',
  { failedAttempts = 1_000_000, proxies = [], timeLimits, beforeRoutes }: InProcessOptions = {},
): Promise<InProcess> {
  // What signs and verifies tokens comes out of that package.
  builtProgram('mesa');
  const directory = mkdtempSync(join(tmpdir(), 'mesa-authority-'));
  cleanUp(() => rmSync(directory, { recursive: true, force: true }));
  const databaseUrl = kind === 'sqlite' ? undefined : await createDatabase();
  const db = await openDatabase(
    databaseUrl === undefined
      ? { kind: 'sqlite', path: join(directory, 'authority.db') }
      : { kind: 'postgres', url: databaseUrl },
    () => {},
  );
  const sealer = createSealer(randomBytes(32));
  const clock = { now: new Date() };
  const lastUses = createLastUses(
    (uses) => storeLastUses(db, uses),
    () => {},
    // Written when a test says so.
    3_600_000,
  );
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const services = {
    db,
    sealer,
    gitRoot: await openGitRoot(join(directory, 'git')),
    packServices: createPackServices({ maxPushBytes: 2 ** 30, processes: 8, onFailure: () => {} }),
    lastUses,
    authenticate: createAuthenticate(usableKeys(db), sealer),
    failedAttempts: createFailedAttempts(failedAttempts),
    now: () => clock.now,
  };
  const app = await createApp(services, {
    logger: pino(stream),
    proxies,
    timeLimits,
    beforeRoutes,
    tls: undefined,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  cleanUp(async () => {
    app.server.closeAllConnections();
    await app.close();
    await lastUses.stop();
    await db.destroy();
  });
  const organization = await insertOrganization(db, 'acme', clock.now);
  const admin = await insertApiKey(
    db,
    sealer,
    {
      organizationId: organization.id,
      name: 'First admin key',
      permissions: ['admin'],
      repoIds: null,
      tags: {},
      expiresAt: null,
    },
    clock.now,
  );
  return {
    url,
    adminKey: admin.secret,
    organizationId: organization.id,
    app,
    db,
    sealer,
    lastUses,
    databaseUrl,
    clock,
    log: () => text,
  };
}
