import { parsePermission, PERMISSIONS, type Permission } from '../../access-token/permissions.ts';
import { namedScope } from '../../core/key-scope.ts';
import { givenOrg, shownValue } from '../../core/shown-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { listApiKeys, type ApiKey, type ListFilter } from '../../rest/api-keys.ts';
import type { Context } from '../../session/context.ts';
import { API_KEY_HEADING, apiKeyJson, apiKeyRow } from '../api/api-key-report.ts';
import { accessOrg, type OrgAccess } from '../api/org-access.ts';
import { idOfNamed, knownNames } from '../api/repository-names.ts';
import { API_ORG_FLAG } from '../command-line/shared-flags.ts';
import { JSON_FLAG, scopeOf, valueOf, type CommandSpec } from '../command-line/spec.ts';
import { jsonWriter, tableWriter } from '../terminal/list-writer.ts';
import { withProgress } from '../terminal/progress.ts';

const STATUSES = ['active', 'revoked', 'expired', 'all'] as const;

export const command: CommandSpec = {
  path: ['auth', 'api-keys', 'list'],
  description: 'show the API keys of the organization, never their secrets',
  examples: [
    'mesa auth api-keys list --org acme',
    'mesa auth api-keys list --status active --scope admin',
    'mesa auth api-keys list --query deploy --json',
  ],
  flags: [
    API_ORG_FLAG,
    {
      long: '--status',
      value: 'status',
      values: STATUSES,
      description: 'active, revoked, expired or all, which is the default',
    },
    {
      long: '--scope',
      value: 'permission',
      values: PERMISSIONS,
      description: 'only keys that have it: read, write or admin',
    },
    { long: '--query', value: 'text', description: 'only keys with this in their name' },
    {
      long: '--repo',
      value: 'repository',
      values: 'repositories',
      description: 'only keys that are limited to it, perhaps with others',
    },
    JSON_FLAG,
  ],
  run: (context, flags) =>
    runListApiKeys(context, {
      ...scopeOf(flags),
      status: valueOf(flags, 'status'),
      scope: valueOf(flags, 'scope'),
      query: valueOf(flags, 'query'),
      json: flags.has('json'),
    }),
};

interface ListApiKeysOptions {
  readonly org: string | undefined;
  readonly status: string | undefined;
  readonly scope: string | undefined;
  readonly query: string | undefined;
  readonly repo: string | undefined;
  readonly json: boolean;
}

/** `mesa auth api-keys list`: every key of the organization, page by page, never a secret. */
async function runListApiKeys(context: Context, options: ListApiKeysOptions): Promise<void> {
  const { status, query, repo } = options;
  const filter: ListFilter = {
    status: parseStatus(status, options.org),
    permission: parseOne(options.scope, options.org),
    query,
  };
  if (query === '') {
    throw new MesaAuthError('USAGE', '--query is empty', { hint: 'give a part of a name, or leave it out' });
  }
  const named = namedScope(options.org, repo);
  const session = await accessOrg(
    context,
    named === undefined || named.kind === 'global' ? undefined : named.org,
  );
  const name = named?.kind === 'repo' ? named.repo : repo;
  const repoId = name === undefined ? undefined : await idOfNamed(session.access, session.org, name);
  await writeKeys(context, session, { ...filter, repoId }, options.json);
}

async function writeKeys(
  context: Pick<Context, 'host' | 'output'>,
  { access, org }: OrgAccess,
  filter: ListFilter,
  json: boolean,
): Promise<void> {
  const now = context.host.now();
  const names = knownNames(context, access, org);
  const { output } = context;
  const table = tableWriter(output, API_KEY_HEADING);
  const document = jsonWriter(output, { organization: org }, 'api_keys');
  const pages = listApiKeys(access, org, filter);
  let count = 0;
  for (;;) {
    const page = await withProgress(context, 'asking for API keys', () => pages.next());
    if (page.done === true) {
      break;
    }
    const keys: readonly ApiKey[] = page.value;
    const known = await names(keys);
    count += keys.length;
    if (json) {
      document.write(keys.map((key) => apiKeyJson(key, known, now)));
    } else {
      table.write(keys.map((key) => apiKeyRow(key, known, now)));
    }
  }
  if (json) {
    document.end();
  } else if (count === 0) {
    output.note(`no such API keys in organization '${org}'`);
    output.hint(`mesa auth api-keys create --org ${org}`);
  }
}

function parseStatus(text: string | undefined, org: string | undefined): ListFilter['status'] {
  const status = STATUSES.find((known) => known === text);
  if (text !== undefined && status === undefined) {
    throw new MesaAuthError(
      'USAGE',
      `--status: ${shownValue(text)} is not a status; there are ${STATUSES.join(', ')}`,
      { hint: `mesa auth api-keys list${givenOrg(org)} --status active` },
    );
  }
  return status;
}

function parseOne(text: string | undefined, org: string | undefined): Permission | undefined {
  const permission = text === undefined ? undefined : parsePermission(text);
  if (text !== undefined && permission === undefined) {
    throw new MesaAuthError(
      'USAGE',
      `--scope: ${shownValue(text)} is not one permission; there are ${PERMISSIONS.join(', ')}`,
      { hint: `mesa auth api-keys list${givenOrg(org)} --scope admin` },
    );
  }
  return permission;
}
