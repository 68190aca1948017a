import { formatStoreKey, type KeyScope, type RepoScope } from '../../core/key-scope.ts';
import type { Change, SecretStore } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { parseRepos, parsePermissions } from '../../minting/token-order.ts';
import { createApiKey, type CreatedApiKey, type KeyOrder } from '../../rest/api-keys.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { parseExpires, parseTags } from '../api/api-key-flags.ts';
import { apiKeyJson, describeApiKey } from '../api/api-key-report.ts';
import { assertStorable, failedCreation, keepNewKey, revokedAgain } from '../api/keep-new-key.ts';
import { accessOrg, type OrgAccess } from '../api/org-access.ts';
import { idOfNamed } from '../api/repository-names.ts';
import { API_ORG_FLAG, expiresFlag, permissionsFlag } from '../command-line/shared-flags.ts';
import { valueOf, valuesOf, type CommandSpec } from '../command-line/spec.ts';
import { announceToActions } from '../show/github-actions.ts';
import { withProgress } from '../terminal/progress.ts';
import { uninterrupted } from '../terminal/uninterrupted.ts';
import { hasConsent } from '../whole-store/consent.ts';

export const command: CommandSpec = {
  path: ['auth', 'api-keys', 'create'],
  description: 'create an API key; print it this once, or put it into the store',
  examples: [
    'mesa auth api-keys create --name ci --scope read --repo web --expires 90d',
    'mesa auth api-keys create --org acme --repo web --store   # shown nowhere',
    'mesa auth api-keys create --tag env=prod --tag team=web --json',
  ],
  flags: [
    API_ORG_FLAG,
    { long: '--name', value: 'name', description: 'what it is listed as' },
    permissionsFlag('read,write'),
    {
      long: '--repo',
      value: 'repository',
      values: 'repositories',
      repeatable: true,
      description: 'a repository that it is limited to, or several; all when absent',
    },
    expiresFlag('when it ends: from 100s to 365d from now, as 90d'),
    { long: '--tag', value: 'name=value', repeatable: true, description: 'a tag, or several' },
    {
      long: '--store',
      description: 'store it, for each --repo or else for the organization, and show it nowhere',
    },
    {
      long: '--yes',
      description:
        'with --store: replace a key that is there without being asked (-y is another flag: it takes the answer no)',
    },
    {
      long: '--json',
      description: 'print one JSON document; the key is in it unless it is stored',
    },
  ],
  run: (context, flags) =>
    runCreateApiKey(context, {
      org: valueOf(flags, 'org'),
      name: valueOf(flags, 'name'),
      scope: valueOf(flags, 'scope'),
      repos: valuesOf(flags, 'repo'),
      expires: valueOf(flags, 'expires'),
      tags: valuesOf(flags, 'tag'),
      store: flags.has('store'),
      yes: flags.has('yes'),
      json: flags.has('json'),
    }),
};

interface CreateApiKeyOptions {
  readonly org: string | undefined;
  readonly name: string | undefined;
  /** `--scope`: permissions, separated by commas. */
  readonly scope: string | undefined;
  /** Names, or `org/repo`. */
  readonly repos: readonly string[];
  readonly expires: string | undefined;
  readonly tags: readonly string[];
  /** Whether the key goes into the store, and nowhere else. */
  readonly store: boolean;
  /** Whether a key that is there may be replaced without being asked. */
  readonly yes: boolean;
  readonly json: boolean;
}

/** Where a new key goes. */
interface Target {
  readonly store: SecretStore;
  /** One for each repository that the key is limited to, else the organization's. */
  readonly scopes: readonly KeyScope[];
  /** See Config.keepReplaced. */
  readonly keep: number | undefined;
}

/** `mesa auth api-keys create`: prints the new key, or with `--store` shows it nowhere. */
async function runCreateApiKey(context: Context, options: CreateApiKeyOptions): Promise<void> {
  const { name, scope, expires, tags, store } = options;
  if (name === '') {
    throw new MesaAuthError('USAGE', '--name is empty', { hint: 'give a name, or leave it out' });
  }
  if (options.yes && !store) {
    throw new MesaAuthError('USAGE', '--yes needs --store', { hint: 'add --store, or leave out --yes' });
  }
  const wanted = {
    name,
    permissions: scope === undefined ? undefined : parsePermissions(scope),
    expiresInSeconds: parseExpires(expires),
    tags: parseTags(tags),
  };
  // `org/repo` names the organization as --org does.
  const named = options.org ?? options.repos.find((repo) => repo.includes('/'))?.replace(/\/.*/s, '');
  if (named !== undefined) {
    parseRepos(options.repos, named);
  }
  const session = await accessOrg(context, named);
  const repos = parseRepos(options.repos, session.org);
  const target = store ? await findTarget(context, session, repos, options.yes) : undefined;
  const repoIds: string[] = [];
  for (const { repo } of repos) {
    repoIds.push(await idOfNamed(session.access, session.org, repo));
  }
  const order = { ...wanted, repoIds: repoIds.length === 0 ? undefined : repoIds };
  const names = new Map(repos.map(({ repo }, index) => [repoIds[index] ?? '', repo]));
  await uninterrupted(async () => {
    const created = await create(context, session, order);
    await handOver(context, session, { created, names, target, json: options.json });
  });
}

/** Everything that may be asked, and everything that may be wrong with the store, comes before there is a key. */
async function findTarget(
  context: Context,
  { key, org }: OrgAccess,
  repos: readonly RepoScope[],
  yes: boolean,
): Promise<Target> {
  const scopes: readonly KeyScope[] = repos.length === 0 ? [{ kind: 'org', org }] : repos;
  const { store, config } = await beginCommand(context);
  const keep = config.keepReplaced;
  const entries = await store.read();
  const taken = scopes.map(formatStoreKey).filter((name) => entries.has(name));
  if (taken.length > 0) {
    const isReplaced = await hasConsent(
      context,
      {
        yes,
        refused: `replacing the key for ${taken.join(' and ')}`,
        hint: 'add --yes, or leave out --store, which prints the new key',
      },
      `Replace the key for ${taken.join(' and ')}?${keep === 0 ? ' The one that is there now is not kept.' : ''}`,
    );
    if (!isReplaced) {
      throw new MesaAuthError('FAILURE', 'nothing was created, and nothing replaced', {
        hint: 'without --store the new key is printed, to be stored elsewhere',
      });
    }
  }
  await assertStorable(store, scopes[0] ?? { kind: 'org', org }, key.token);
  return { store, scopes, keep };
}

async function create(
  context: Pick<Context, 'host'>,
  { access, org }: OrgAccess,
  order: KeyOrder,
): Promise<CreatedApiKey> {
  try {
    return await withProgress(context, 'creating the API key', () => createApiKey(access, org, order));
  } catch (error) {
    throw await failedCreation(error, { access, org });
  }
}

interface Delivery {
  readonly created: CreatedApiKey;
  /** Of the repositories that it is limited to, by their ids. */
  readonly names: ReadonlyMap<string, string>;
  readonly target: Target | undefined;
  readonly json: boolean;
}

async function handOver(
  context: Context,
  { access, org }: OrgAccess,
  { created, names, target, json }: Delivery,
): Promise<void> {
  const { output, host } = context;
  const { id, token, expires } = created;
  const newKey = { created, org, access };
  const storeKeys = target?.scopes.map(formatStoreKey);
  if (target === undefined) {
    announceToActions(context, token);
  } else {
    const changes = target.scopes.flatMap((scope): readonly Change[] => [
      { kind: 'set', scope, token, api: access.apiUrl, keep: target.keep },
      { kind: 'learn', scope, token, facts: { keyId: id, expires } },
    ]);
    await keepNewKey(target.store, changes, newKey);
  }
  output.note(`created API key ${id} of organization ${org}: ${describeApiKey(created, names)}`);
  if (target !== undefined && storeKeys !== undefined) {
    output.note(`stored it for ${storeKeys.join(' and ')} (${token.masked()}) in ${target.store.backend}`);
  }
  try {
    if (json) {
      output.json({
        organization: org,
        ...apiKeyJson(created, names, host.now()),
        key: target === undefined ? token.reveal() : null,
        masked_key: token.masked(),
        stored_for: storeKeys ?? null,
      });
    } else if (target === undefined) {
      output.data(`${token.reveal()}\n`);
    }
  } catch (error) {
    if (target !== undefined || !(error instanceof MesaAuthError)) {
      throw error;
    }
    throw await revokedAgain(error, newKey);
  }
}
