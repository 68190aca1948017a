// Writes openapi.json from the schemas of the routes. `--check` compares, and changes nothing.
import { readFileSync, writeFileSync } from 'node:fs';

import swagger from '@fastify/swagger';

import { builtProgramOrExit } from '../../scripts/built-from.mjs';

builtProgramOrExit('authority');
const { createApp } = await import('../dist/http/app.js');
const { ApiKeyPage, CallerIdentity, CreatedApiKey, ListedApiKey, Repo, RepoPage, Scope } =
  await import('../dist/http/schemas.js');
const { VERSION } = await import('../dist/version.js');

const FILE = new URL('../openapi.json', import.meta.url);
/** Shapes that occur more than once, or that clients want a name for. */
const NAMED = { ListedApiKey, CreatedApiKey, ApiKeyPage, Repo, RepoPage, CallerIdentity, Scope };

const document = JSON.stringify(await describe(), null, 2) + '\n';
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, document);
} else if (readFileSync(FILE, 'utf8') !== document) {
  console.error('openapi.json is not what the routes are: npm run openapi');
  process.exitCode = 1;
}

async function describe() {
  // Routes only keep what they work with; none is called here.
  const app = await createApp(
    /** @type {any} */ ({}),
    {
      logger: false,
      proxies: [],
      tls: undefined,
      beforeRoutes: (instance) => instance.register(swagger, { openapi: header(), transform: withoutGit }),
    },
  );
  await app.ready();
  const { info, servers, security, tags, paths, components } = app.swagger();
  await app.close();
  const found = nameSchemas(nameReplies(paths, components), components);
  return { openapi: '3.1.0', info, servers, security, tags, paths: found, components };
}

/** Git's protocol is its own (gitprotocol-http(5)). */
function withoutGit({ schema, url }) {
  return { schema: url.startsWith('/:org/:directory/') ? { ...schema, hide: true } : schema, url };
}

function header() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'mesa-authority',
      version: VERSION,
      description:
        "Mesa's API keys, access tokens and repositories, self-hosted. Operations, names and shapes are those of " +
        '`@mesadev/rest` 0.38.0; what is not here, this server has not. Unknown members and parameters are refused.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: 'http://{address}', variables: { address: { default: '127.0.0.1:4477' } } },
      { url: 'https://{host}', variables: { host: { default: 'authority.example.com' } } },
    ],
    security: [{ bearer: [] }],
    tags: [
      { name: 'Credentials', description: 'API keys need the scope `admin`; no access token manages them' },
      { name: 'Repositories', description: '`read` to list and get, `write` to create, update and delete' },
      { name: 'Organization' },
      { name: 'Operation', description: 'For load balancers and supervisors' },
    ],
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key (`mesa_...`), or an access token that was signed with one',
        },
      },
    },
  };
}

/** A refusal is the same in all operations: described once, as `NotFound` and so on. */
function nameReplies(paths, components) {
  components.responses = {};
  for (const { responses } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, reply] of Object.entries(responses)) {
      const [code] = reply.content['application/json'].schema.properties?.error?.properties.code.enum ?? [];
      if (code !== undefined) {
        const name = code.toLowerCase().replaceAll(/(?:^|_)(.)/g, (_match, letter) => letter.toUpperCase());
        components.responses[name] = reply;
        reply.content['application/json'].example = exampleOf(code, Number(status));
        responses[status] = { $ref: `#/components/responses/${name}` };
      }
    }
  }
  return paths;
}

function exampleOf(code, status) {
  const trace = status >= 500 ? { trace_id: 'dlfeiAl5zU95' } : {};
  return { error: { code, message: 'What went wrong', ...trace } };
}

/** Replaces each shape of `NAMED` by a reference. */
function nameSchemas(paths, components) {
  const named = Object.entries(NAMED).map(([name, schema]) => [name, JSON.stringify(schema)]);
  const replace = (value, self) => {
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const text = JSON.stringify(value);
    const [name] = named.find(([other, shape]) => other !== self && shape === text) ?? [];
    if (name !== undefined) {
      return { $ref: `#/components/schemas/${name}` };
    }
    return Array.isArray(value)
      ? value.map((item) => replace(item))
      : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item)]));
  };
  components.schemas = Object.fromEntries(
    named.map(([name, schema]) => [name, replace(JSON.parse(schema), name)]),
  );
  return replace(paths);
}
