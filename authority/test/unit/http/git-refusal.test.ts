import { join } from 'node:path';
import { PassThrough } from 'node:stream';

import { fastify, type FastifyInstance } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openDatabase } from '../../../src/database/open-database.ts';
import { insertOrganization } from '../../../src/database/organizations.ts';
import { insertRepository } from '../../../src/database/repositories.ts';
import { openGitRoot } from '../../../src/git/git-root.ts';
import { GitFailure, type PackServices } from '../../../src/git/pack-service.ts';
import { addRequestLog } from '../../../src/http/request-log.ts';
import { gitRoutes } from '../../../src/http/routes/git.ts';
import { createSealer } from '../../../src/secrets/sealer.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const now = new Date();
const ADVERTISEMENT = '/acme/web.git/info/refs?service=git-upload-pack';
const authorization = 'Bearer any';

/** The routes alone, in front of another git. */
async function appWith(run: PackServices['run']): Promise<FastifyInstance> {
  const directory = temporaryDirectory();
  const db = await openDatabase({ kind: 'sqlite', path: join(directory, 'authority.db') });
  onTestFinished(() => db.destroy());
  const organization = await insertOrganization(db, 'acme', now);
  await insertRepository(db, organization.id, {
    id: 'repo_1',
    name: 'web',
    defaultBookmark: 'main',
    tags: {},
    createdAt: now,
  });
  const app = fastify();
  addRequestLog(app);
  gitRoutes(app, {
    db,
    sealer: createSealer(Buffer.alloc(32)),
    gitRoot: await openGitRoot(join(directory, 'git')),
    packServices: { run },
    authenticate: async () => ({
      caller: {
        organization,
        keyId: 'key_1',
        keyName: null,
        permissions: ['read'],
        repoIds: null,
        token: undefined,
      },
    }),
    failedAttempts: { waitFor: async () => 0, count: async () => 0 },
    lastUses: { note: () => {}, flush: async () => {}, stop: async () => {} },
    now: () => now,
  });
  onTestFinished(() => app.close());
  return app;
}

describe('what git users hear', () => {
  it('is that the server is busy, and for how long, when too many others are served', async () => {
    const app = await appWith(async () => undefined);
    const reply = await app.inject({ url: ADVERTISEMENT, headers: { authorization } });
    expect(reply.statusCode).toBe(503);
    expect(reply.headers['retry-after']).toBe('10');
    expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(reply.body).toMatch(/^The server is busy with other clones and pushes \(request [\w-]+\)\n$/);
  });

  it('is a number to ask the operator about, and nothing of what git said, when git fails', async () => {
    const app = await appWith(() =>
      Promise.reject(new GitFailure('git-upload-pack', 'status 128', 'fatal: /srv/git is damaged')),
    );
    const reply = await app.inject({ url: ADVERTISEMENT, headers: { authorization } });
    expect(reply.statusCode).toBe(500);
    expect(reply.body).toMatch(/^The server could not do this \(request [\w-]+\)\n$/);
  });

  it('is an answer that breaks off, when git is killed in the middle of it', async () => {
    const output = new PassThrough();
    output.write('0008half');
    const app = await appWith(async () => output);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${url}${ADVERTISEMENT}`, { headers: { authorization } });
    expect(response.status).toBe(200);
    output.destroy(new GitFailure('git-upload-pack', 'SIGKILL', ''));
    await expect(response.text()).rejects.toThrow('terminated');
  });

  it('is nothing of a push, when the credential may only read', async () => {
    let isAsked = false;
    const app = await appWith(async () => {
      isAsked = true;
      return undefined;
    });
    for (const [method, url] of [
      ['GET', '/acme/web.git/info/refs?service=git-receive-pack'],
      ['POST', '/acme/web.git/git-receive-pack'],
    ] as const) {
      const reply = await app.inject({ method, url, headers: { authorization } });
      expect(reply.statusCode).toBe(403);
      expect(reply.headers['www-authenticate']).toBeUndefined();
      expect(reply.body).toBe("This operation needs the scope 'write'\n");
    }
    expect(isAsked).toBe(false);
  });
});
