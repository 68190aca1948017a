import { SCOPE_FLAGS, valueOf, valuesOf, type CommandSpec, type FlagSpec } from './command-spec.ts';

/** Of what mints a token. */
const MINT_FLAGS: readonly FlagSpec[] = [
  ...SCOPE_FLAGS.filter(({ long }) => long === '--org'),
  {
    long: '--repo',
    value: 'org/repo',
    values: 'org/repo',
    repeatable: true,
    description: "a repository that the token is for, or several; without it the checkout's",
  },
  { long: '--all-repos', description: 'for every repository that the key may use' },
  {
    long: '--scope',
    value: 'permissions',
    values: ['read', 'read,write', 'read,write,admin'],
    description: 'what it may do, of read, write and admin; read when absent',
  },
  { long: '--ttl', value: 'time', description: 'how long it works, from 1s to 24h, as 15m; 1h when absent' },
];

/** The commands that put keys to work; part of the command table. */
export const WORKING_COMMANDS: readonly CommandSpec[] = [
  {
    path: ['auth', 'mint-token'],
    description:
      'print a short-lived token that can do less than the key: by default read one repository for an hour',
    examples: [
      'mesa auth mint-token                      # in a checkout',
      'mesa auth mint-token --repo acme/web --scope read,write --ttl 15m',
      'mesa auth mint-token --org acme --all-repos --json',
    ],
    flags: [...MINT_FLAGS, { long: '--json', description: 'print one JSON document, with the token in it' }],
    run: async (context, flags) => {
      const { runMintToken } = await import('./commands/mint-token.ts');
      await runMintToken(context, {
        org: valueOf(flags, 'org'),
        repos: valuesOf(flags, 'repo'),
        allRepos: flags.has('all-repos'),
        scope: valueOf(flags, 'scope'),
        ttl: valueOf(flags, 'ttl'),
        json: flags.has('json'),
      });
    },
  },
];
