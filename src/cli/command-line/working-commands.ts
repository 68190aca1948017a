import {
  JSON_FLAG,
  SCOPE_FLAGS,
  valueOf,
  valuesOf,
  type CommandSpec,
  type Flags,
  type FlagSpec,
} from './spec.ts';
import type { MintOptions } from '../../session/mint.ts';

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

/** The same for a command that mints only when told to. */
const EXEC_FLAGS: readonly FlagSpec[] = [
  { long: '--mint', description: 'give it a short-lived token instead of the key' },
  ...MINT_FLAGS.map((flag) => {
    switch (flag.long) {
      case '--org':
        return flag;
      case '--repo':
        return { ...flag, description: 'the repository to work for; with --mint there may be several' };
      default:
        return { ...flag, description: `with --mint: ${flag.description}` };
    }
  }),
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
      const { runMintToken } = await import('../commands/mint-token.ts');
      await runMintToken(context, { ...mintOptionsOf(flags), json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'exec'],
    description: 'run a command with the key in its environment, as MESA_API_KEY',
    examples: [
      'mesa auth exec --org acme -- npm run sync',
      'mesa auth exec --repo acme/web --mint --ttl 15m -- ./agent.sh',
      'mesa auth exec --mint --clean --mask -- make deploy',
    ],
    flags: [
      ...EXEC_FLAGS,
      { long: '--clean', description: 'take away other variables that look like secrets' },
      { long: '--mask', description: 'hide the key in what the command writes, also in base64' },
    ],
    rest: { usage: '<command> [arguments]', description: 'the command to run' },
    run: async (context, flags, _argument, rest) => {
      const { runExec } = await import('../commands/exec.ts');
      return runExec(context, {
        ...mintOptionsOf(flags),
        commandLine: rest,
        mint: flags.has('mint'),
        clean: flags.has('clean'),
        mask: flags.has('mask'),
      });
    },
  },
  {
    path: ['auth', 'setup-git'],
    description: "make git ask mesa for its passwords on the API's host, with the path of the repository",
    examples: ['mesa auth setup-git', 'mesa auth setup-git --mint', 'mesa auth setup-git --remove'],
    flags: [
      { long: '--mint', description: 'give git short-lived tokens for one repository each, never a key' },
      { long: '--remove', description: 'take away what setup-git has set, and nothing else' },
    ],
    run: async (context, flags) => {
      const { runSetupGit } = await import('../commands/setup-git.ts');
      await runSetupGit(context, { remove: flags.has('remove'), mint: flags.has('mint') });
    },
  },
  {
    path: ['auth', 'log'],
    description: 'show which keys were used, when, what for and by which program',
    examples: ['mesa auth log', 'mesa auth log --since 1d --json'],
    flags: [
      {
        long: '--since',
        value: 'time',
        description: 'of this length of time alone, up to now: 30m, 12h, 1d, 2w',
      },
      JSON_FLAG,
    ],
    run: async (context, flags) => {
      const { runLog } = await import('../commands/log.ts');
      await runLog(context, { since: valueOf(flags, 'since'), json: flags.has('json') });
    },
  },
];

function mintOptionsOf(flags: Flags): MintOptions {
  return {
    org: valueOf(flags, 'org'),
    repos: valuesOf(flags, 'repo'),
    allRepos: flags.has('all-repos'),
    scope: valueOf(flags, 'scope'),
    ttl: valueOf(flags, 'ttl'),
  };
}
