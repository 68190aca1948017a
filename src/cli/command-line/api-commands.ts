import { PERMISSIONS } from '../../access-token/permissions.ts';
import {
  JSON_FLAG,
  SCOPE_FLAGS,
  scopeOf,
  valueOf,
  valuesOf,
  type CommandSpec,
  type FlagSpec,
} from './spec.ts';

const ORG_FLAG: FlagSpec = {
  long: '--org',
  value: 'organization',
  values: 'organizations',
  description: "the organization; without it MESA_ORG, the checkout's, or the one that the key is of",
};
const SCOPE_FLAG: FlagSpec = {
  long: '--scope',
  value: 'permissions',
  values: ['read', 'read,write', 'read,write,admin'],
  description: 'what it may do, of read, write and admin; read,write when absent',
};
const EXPIRES_FLAG: FlagSpec = {
  long: '--expires',
  value: 'time',
  values: ['7d', '30d', '90d', '365d'],
  description: 'when it ends: from 100s to 365d from now, as 90d',
};
const KEY_ID = {
  name: 'key-id',
  description: 'the id of the key, as list shows it',
  required: true,
} as const;

/** The commands that ask the server; part of the command table. */
export const API_COMMANDS: readonly CommandSpec[] = [
  {
    path: ['auth', 'whoami'],
    description: 'ask the server whose the key is that is used here, and what it may do',
    examples: ['mesa auth whoami', 'mesa auth whoami --org acme --json'],
    flags: [...SCOPE_FLAGS, JSON_FLAG],
    run: async (context, flags) => {
      const { runWhoami } = await import('../commands/whoami.ts');
      await runWhoami(context, { ...scopeOf(flags), json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'status'],
    description:
      'show the store, its keys with their expiry and whether the server accepts them, and the key that is used here',
    examples: [
      'mesa auth status',
      'mesa auth status --offline                     # asks no server',
      'mesa auth status --org acme --fail-within 7d   # exits with 9 in its last week',
    ],
    flags: [
      ...SCOPE_FLAGS,
      {
        long: '--fail-within',
        value: 'time',
        description:
          'exit with 9 when the key used here ends within this time, or has ended: 0s, 12h, 7d, 2w',
      },
      { long: '--offline', description: 'do not ask the server about keys' },
      JSON_FLAG,
    ],
    run: async (context, flags) => {
      const { runStatus } = await import('../commands/status.ts');
      const failWithin = valueOf(flags, 'fail-within');
      const [offline, json] = [flags.has('offline'), flags.has('json')];
      await runStatus(context, { ...scopeOf(flags), failWithin, offline, json });
    },
  },
  {
    path: ['auth', 'api-keys', 'list'],
    description: 'show the API keys of the organization, never their secrets',
    examples: [
      'mesa auth api-keys list --org acme',
      'mesa auth api-keys list --status active --scope admin',
      'mesa auth api-keys list --query deploy --json',
    ],
    flags: [
      ORG_FLAG,
      {
        long: '--status',
        value: 'status',
        values: ['active', 'revoked', 'expired', 'all'],
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
    run: async (context, flags) => {
      const { runListApiKeys } = await import('../commands/api-keys-list.ts');
      await runListApiKeys(context, {
        ...scopeOf(flags),
        status: valueOf(flags, 'status'),
        scope: valueOf(flags, 'scope'),
        query: valueOf(flags, 'query'),
        json: flags.has('json'),
      });
    },
  },
  {
    path: ['auth', 'api-keys', 'create'],
    description: 'create an API key; print it this once, or put it into the store',
    examples: [
      'mesa auth api-keys create --name ci --scope read --repo web --expires 90d',
      'mesa auth api-keys create --org acme --repo web --store   # shown nowhere',
      'mesa auth api-keys create --tag env=prod --tag team=web --json',
    ],
    flags: [
      ORG_FLAG,
      { long: '--name', value: 'name', description: 'what it is listed as' },
      SCOPE_FLAG,
      {
        long: '--repo',
        value: 'repository',
        values: 'repositories',
        repeatable: true,
        description: 'a repository that it is limited to, or several; all when absent',
      },
      EXPIRES_FLAG,
      { long: '--tag', value: 'name=value', repeatable: true, description: 'a tag, or several' },
      {
        long: '--store',
        description: 'store it, for each --repo or else for the organization, and show it nowhere',
      },
      { long: '--yes', description: 'with --store: replace a key that is there without being asked' },
      {
        long: '--json',
        description: 'print one JSON document; the key is in it unless it is stored',
      },
    ],
    run: async (context, flags) => {
      const { runCreateApiKey } = await import('../commands/api-keys-create.ts');
      await runCreateApiKey(context, {
        org: valueOf(flags, 'org'),
        name: valueOf(flags, 'name'),
        scope: valueOf(flags, 'scope'),
        repos: valuesOf(flags, 'repo'),
        expires: valueOf(flags, 'expires'),
        tags: valuesOf(flags, 'tag'),
        store: flags.has('store'),
        yes: flags.has('yes'),
        json: flags.has('json'),
      });
    },
  },
  {
    path: ['auth', 'api-keys', 'revoke'],
    description: 'make an API key useless, at once and for good',
    examples: ['mesa auth api-keys revoke key_01KE4Q --org acme'],
    flags: [
      ORG_FLAG,
      { long: '--yes', description: 'also the key that this command uses, without being asked' },
      JSON_FLAG,
    ],
    argument: KEY_ID,
    run: async (context, flags, id) => {
      const { runRevokeApiKey } = await import('../commands/api-keys-revoke.ts');
      await runRevokeApiKey(context, {
        org: valueOf(flags, 'org'),
        id,
        yes: flags.has('yes'),
        json: flags.has('json'),
      });
    },
  },
  {
    path: ['auth', 'api-keys', 'tag'],
    description: 'set and remove tags of an API key',
    examples: ['mesa auth api-keys tag key_01KE4Q env=prod team-   # sets env, removes team'],
    flags: [ORG_FLAG, JSON_FLAG],
    argument: KEY_ID,
    more: { name: 'tags', description: 'name=value sets a tag, name- removes one' },
    run: async (context, flags, id, changes) => {
      const { runTagApiKey } = await import('../commands/api-keys-tag.ts');
      await runTagApiKey(context, { org: valueOf(flags, 'org'), id, changes, json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'api-keys', 'rotate'],
    description: 'put a new API key that can do the same in the place of a stored one, and revoke that',
    examples: [
      'mesa auth api-keys rotate --org acme',
      'mesa auth api-keys rotate --org acme --repo web --expires 30d',
    ],
    flags: [
      ...SCOPE_FLAGS.map((flag) =>
        flag.long === '--org'
          ? { ...flag, description: 'the organization; without it the global scope' }
          : flag,
      ),
      { ...EXPIRES_FLAG, description: 'when the new one ends, as 90d; as long as the old one when absent' },
      JSON_FLAG,
    ],
    run: async (context, flags) => {
      const { runRotateApiKey } = await import('../commands/api-keys-rotate.ts');
      await runRotateApiKey(context, {
        ...scopeOf(flags),
        expires: valueOf(flags, 'expires'),
        json: flags.has('json'),
      });
    },
  },
];
