import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as restPackage from '@mesadev/rest';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Client } from 'pg';
import type { Static } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type * as schemas from '../src/http/schemas.ts';
import { endSuite } from './support/authority.ts';
import { type InProcess, startInProcess } from './support/in-process.ts';
import { newKey, newRepo } from './support/keys.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly content: { 'application/json': { readonly schema: object; example?: object } };
  };
  readonly responses: Record<
    string,
    { readonly $ref?: string; readonly content?: object; readonly description?: string }
  >;
}

const DIRECTORY = join(import.meta.dirname, '..');
const document = JSON.parse(readFileSync(join(DIRECTORY, 'openapi.json'), 'utf8')) as {
  readonly openapi: string;
  readonly security: unknown;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { responses: object; securitySchemes: { bearer: object } };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: method.toUpperCase(),
    ...operation,
  })),
);

// What `@mesadev/rest` sends is what the server takes, upstreams apart, and what the server sends is what it expects.
type Extends<A, B> = [A] extends [B] ? true : never;
type Body<T extends { body: object }> = Omit<T['body'], 'upstream'>;
const _compatible: [
  Extends<Static<typeof schemas.CallerIdentity>, restPackage.WhoamiResponse>,
  Extends<Static<typeof schemas.ApiKeyPage>, restPackage.ListApiKeysResponse>,
  Extends<Static<typeof schemas.CreatedApiKey>, restPackage.CreateApiKeyResponse>,
  Extends<Static<typeof schemas.UpdatedTags>, restPackage.UpdateApiKeyResponse>,
  Extends<Static<typeof schemas.Success>, restPackage.RevokeApiKeyResponse>,
  Extends<Static<typeof schemas.RepoPage>, restPackage.ListReposResponse>,
  Extends<Static<typeof schemas.Repo>, restPackage.CreateRepoResponse>,
  Extends<Static<typeof schemas.Repo>, restPackage.GetRepoResponse>,
  Extends<Static<typeof schemas.Repo>, restPackage.UpdateRepoResponse>,
  Extends<Static<typeof schemas.Success>, restPackage.DeleteRepoResponse>,
  Extends<Static<typeof schemas.OrganizationSummary>, restPackage.GetOrgResponse>,
  Extends<Body<restPackage.CreateApiKeyData>, Static<typeof schemas.CreateApiKeyBody>>,
  Extends<Body<restPackage.UpdateApiKeyData>, Static<typeof schemas.UpdateTagsBody>>,
  Extends<Body<restPackage.CreateRepoData>, Static<typeof schemas.CreateRepoBody>>,
  Extends<Body<restPackage.UpdateRepoData>, Static<typeof schemas.UpdateRepoBody>>,
  Extends<restPackage.ListApiKeysData['query'], Static<typeof schemas.ListApiKeysQuery> | undefined>,
  Extends<restPackage.ListReposData['query'], Static<typeof schemas.ListReposQuery> | undefined>,
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true, true];

describe('openapi.json', () => {
  it('is what `npm run openapi` writes', () => {
    execFileSync(process.execPath, ['scripts/openapi.mjs', '--check'], { cwd: DIRECTORY });
  });

  it('knows the bearer credential, which everything but health needs', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
    const open = operations.filter((operation) => 'security' in operation);
    expect(open).toMatchObject([{ operationId: 'health', security: [] }]);
  });

  it('has operations that `@mesadev/rest` calls by the same name, method and path', async () => {
    expect(_compatible.every(Boolean)).toBe(true);
    const compared = operations.filter(({ operationId }) => operationId !== 'health');
    expect(compared).toHaveLength(11);
    for (const { operationId, method, path, requestBody } of compared) {
      const call = (restPackage as unknown as Record<string, (options: object) => Promise<unknown>>)[
        operationId
      ];
      let sent: Request | undefined;
      await call?.({
        baseUrl: 'http://authority/v1',
        path: { org: '{org}', id: '{id}', repo: '{repo}' },
        ...(requestBody && { body: {} }),
        fetch: async (...request: ConstructorParameters<typeof Request>) => {
          sent = new Request(...request);
          return new Response('{}', { headers: { 'content-type': 'application/json' } });
        },
      });
      expect([sent?.method, decodeURIComponent(new URL(sent?.url ?? '').pathname)]).toEqual([method, path]);
    }
  });
});

describe('the running server', () => {
  let server: InProcess;
  let database: Client;
  const routes = new Set<string>();
  beforeAll(async () => {
    server = await startInProcess('postgres', {
      failedAttempts: 20,
      beforeRoutes: async (app) => {
        app.addHook('onRoute', ({ url, method, schema }) => {
          if (!(schema !== undefined && 'hide' in schema) && !url.startsWith('/:org')) {
            [method].flat().forEach((one) => routes.add(`${one} ${url}`));
          }
        });
      },
    });
    database = new Client({ connectionString: new URL('postgres', server.databaseUrl).href });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await endSuite();
  });

  it('has the routes of openapi.json and no others', () => {
    const documented = operations.map(
      ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    );
    const heads = documented
      .filter((route) => route.startsWith('GET'))
      .map((route) => `HEAD${route.slice(3)}`);
    expect([...routes].toSorted()).toEqual([...documented, ...heads].toSorted());
  });

  it('answers each operation as openapi.json says, with success and with every refusal', async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    ajv.addSchema(document, 'openapi.json');
    const seen = new Map<string, Set<number>>();

    /** Calls an operation, and holds the answer against the file. */
    async function call(
      operation: (typeof operations)[number],
      { params = {}, query = '', body, headers = {}, credential = server.adminKey }: Call = {},
    ): Promise<number> {
      const values: Record<string, string> = { org: 'acme', repo: 'web', ...params };
      const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? '');
      const response = await fetch(`${server.url}${path}${query}`, {
        method: operation.method,
        headers: {
          authorization: `Bearer ${credential}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const { operationId, responses } = operation;
      const described = responses[response.status];
      expect([operationId, response.status, Object.keys(responses)]).toEqual([
        operationId,
        response.status,
        expect.arrayContaining([String(response.status)]),
      ]);
      const escaped = operation.path
        .replaceAll('~', '~0')
        .replaceAll('/', '~1')
        .replaceAll('{', '%7B')
        .replaceAll('}', '%7D');
      const base =
        described?.$ref ??
        `#/paths/${escaped}/${operation.method.toLowerCase()}/responses/${response.status}`;
      const isValid = ajv.validate(
        { $ref: `openapi.json${base}/content/application~1json/schema` },
        await response.json(),
      );
      expect([operationId, response.status, isValid, ajv.errors]).toEqual([
        operationId,
        response.status,
        true,
        null,
      ]);
      seen.set(operationId, (seen.get(operationId) ?? new Set()).add(response.status));
      return response.status;
    }

    await newRepo(server, 'web', { tags: { env: 'prod' } });
    await newRepo(server, 'taken');
    await newRepo(server, 'to-delete');
    const key = await newKey(server, { name: 'a', expires_in_seconds: 100, tags: { a: 'b' } });
    const reader = await newKey(server, { scopes: ['read'] });
    const nobody = await newKey(server, { scopes: ['read'] });
    await server.db
      .updateTable('api_keys')
      .set({ scopes: '[]' } as never)
      .where('id', '=', nobody.id)
      .execute();
    const bodyOf = (operation: (typeof operations)[number]) => {
      const example = operation.requestBody?.content['application/json'].example;
      return operation.operationId === 'createApiKey'
        ? example
        : operation.requestBody && { tags: { team: 'x' } };
    };
    const rest = operations.filter(({ operationId }) => operationId !== 'health');
    for (const operation of operations) {
      const params = { id: key.id, ...(operation.operationId === 'deleteRepo' ? { repo: 'to-delete' } : {}) };
      expect(await call(operation, { params, body: bodyOf(operation) })).toBeLessThan(300);
    }
    for (const operation of rest) {
      const { responses, path } = operation;
      const body = bodyOf(operation);
      const refuse = async (status: number, request: Call) => {
        if (String(status) in responses) {
          expect([operation.operationId, await call(operation, { body, ...request })]).toEqual([
            operation.operationId,
            status,
          ]);
        }
      };
      await refuse(
        400,
        body === undefined
          ? path.includes('{id}') || path.includes('{repo}')
            ? { params: { id: '%00', repo: '%00' } }
            : { query: '?nothing=1' }
          : { params: { id: key.id }, body: { nothing: 1 } },
      );
      await refuse(401, { credential: 'mesa_wrong' });
      await refuse(403, { params: { id: key.id }, credential: nobody.key });
      await refuse(403, { params: { id: key.id, org: 'globex' }, credential: reader.key });
      await refuse(404, { params: { id: 'key_none', repo: 'none' } });
      await refuse(406, { headers: { accept: 'text/html' } });
      await refuse(409, { body: { name: 'taken' } });
      await refuse(413, { params: { id: key.id }, body: JSON.stringify({ name: 'x'.repeat(70_000) }) });
      await refuse(415, { params: { id: key.id }, headers: { 'content-type': 'text/plain' } });
    }
    await server.db.schema.alterTable('api_keys').renameTo('gone').execute();
    for (const operation of rest) {
      expect(await call(operation, { body: bodyOf(operation) })).toBe(500);
    }
    await server.db.schema.alterTable('gone').renameTo('api_keys').execute();
    const name = new URL(server.databaseUrl ?? '').pathname.slice(1);
    await database.query(`alter database ${name} with allow_connections false`);
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    for (const operation of operations) {
      expect(await call(operation, { body: bodyOf(operation) })).toBe(503);
    }
    await database.query(`alter database ${name} with allow_connections true`);
    for (let n = rest.length; n < 20; n += 1) {
      await fetch(`${server.url}/v1/whoami`, { headers: { authorization: 'Bearer mesa_wrong' } });
    }
    for (const operation of rest) {
      expect(await call(operation, { body: bodyOf(operation) })).toBe(429);
    }

    const documented = operations.map(({ operationId, responses }) => [
      operationId,
      Object.keys(responses).map(Number),
    ]);
    expect([...seen].map(([id, statuses]) => [id, [...statuses].toSorted((a, b) => a - b)])).toEqual(
      documented,
    );
  });
});

interface Call {
  readonly params?: Record<string, string>;
  readonly query?: string;
  /** As JSON, or a text as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly credential?: string;
}
