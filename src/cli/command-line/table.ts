import { API_COMMANDS } from './api-commands.ts';
import { BACKENDS } from '../../core/secret-store.ts';
import {
  JSON_FLAG,
  SCOPE_FLAGS,
  scopeOf,
  valueOf,
  type CommandSpec,
  type FlagSpec,
  type GroupSpec,
} from './spec.ts';
import { FREQUENT_COMMANDS } from './frequent-commands.ts';
import { COMPLETE_COMMAND, SHELLS } from './shells.ts';
import { WORKING_COMMANDS } from './working-commands.ts';

export const GROUPS: ReadonlyMap<string, GroupSpec> = new Map([
  [
    'auth',
    {
      description: 'store, list and look up keys; lock, back up, move and check their store',
      examples: [
        'printf %s "$TOKEN" | mesa auth set-key --org acme',
        'mesa auth list',
        'mesa auth get-key --org acme',
      ],
    },
  ],
  [
    'auth api-keys',
    {
      description: 'list, create, revoke, tag and rotate the API keys of an organization',
      examples: [
        'mesa auth api-keys list --org acme',
        'mesa auth api-keys create --org acme --repo web --store',
        'mesa auth api-keys rotate --org acme',
      ],
    },
  ],
]);

/** Of the bare program. */
export const PROGRAM_EXAMPLES: readonly string[] = [
  'mesa init',
  'printf %s "$TOKEN" | mesa auth set-key --org acme',
  'mesa auth get-key --org acme',
];

/** The command-line library acts on these itself. */
export const LIBRARY_FLAGS = {
  help: { long: '--help', short: '-h', description: 'show help' },
  version: { long: '--version', short: '-V', description: 'print the version' },
} as const satisfies Readonly<Record<string, FlagSpec>>;

/** Of what writes: nothing but the command line says to which scope. */
const STORED_SCOPE_FLAGS: readonly FlagSpec[] = SCOPE_FLAGS.map((flag) =>
  flag.long === '--org' ? { ...flag, description: 'the organization; without it the global scope' } : flag,
);
const DRY_RUN_FLAG: FlagSpec = {
  long: '--dry-run',
  description: 'show what would change, and change nothing',
};
const PLAN_JSON_FLAG: FlagSpec = { long: '--json', description: 'with --dry-run: print one JSON document' };

/**
 * Every command, once: what help shows, what the parsers accept, and what runs. A command is loaded when it runs.
 */
export const COMMANDS: readonly CommandSpec[] = [
  {
    path: ['init'],
    description: 'choose where keys are kept, and store the first ones',
    examples: ['mesa init', 'mesa init -y --backend plaintext-file'],
    flags: [
      {
        long: '--backend',
        value: 'backend',
        values: BACKENDS,
        description: `${BACKENDS.join(' or ')}; asked for when absent`,
      },
    ],
    run: async (context, flags) => {
      const { runInit } = await import('../commands/init.ts');
      await runInit(context, { backend: valueOf(flags, 'backend') });
    },
  },
  {
    path: ['auth', 'set-key'],
    description: 'store or replace the key of a scope',
    examples: [
      'printf %s "$TOKEN" | mesa auth set-key',
      'printf %s "$TOKEN" | mesa auth set-key --org acme',
      'printf %s "$TOKEN" | mesa auth set-key --org acme --repo web',
    ],
    flags: STORED_SCOPE_FLAGS,
    argument: { name: 'key', description: 'the key; better: give it on standard input' },
    run: async (context, flags, key) => {
      const { runSetKey } = await import('../commands/set-key.ts');
      await runSetKey(context, { key, ...scopeOf(flags) });
    },
  },
  {
    path: ['auth', 'list'],
    description: 'show every scope with its masked key',
    examples: ['mesa auth list', 'mesa auth list --json'],
    flags: [JSON_FLAG],
    run: async (context, flags) => {
      const { runList } = await import('../commands/list.ts');
      await runList(context, { json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'rm-key'],
    description: 'remove the key of a scope',
    examples: ['mesa auth rm-key --org acme', 'mesa auth rm-key --org acme --repo web'],
    flags: STORED_SCOPE_FLAGS,
    run: async (context, flags) => {
      const { runRmKey } = await import('../commands/rm-key.ts');
      await runRmKey(context, scopeOf(flags));
    },
  },
  {
    path: ['auth', 'unlock'],
    description: 'open the vault for a while, so that its passphrase is typed once',
    examples: ['mesa auth unlock', 'mesa auth unlock --timeout 8h', 'mesa auth unlock --check'],
    flags: [
      {
        long: '--timeout',
        value: 'time',
        description: 'lock after this long without use, as 15m or 1h30m; at most 12h',
      },
      { long: '--check', description: 'ask nothing; exit 0 when the vault is unlocked, 6 when it is locked' },
      { long: '--json', description: 'with --check: print one JSON document, without secrets' },
    ],
    run: async (context, flags) => {
      const { runUnlock } = await import('../commands/unlock.ts');
      const [check, json] = [flags.has('check'), flags.has('json')];
      await runUnlock(context, { timeout: valueOf(flags, 'timeout'), check, json });
    },
  },
  {
    path: ['auth', 'lock'],
    description: 'lock the vault that unlock opened',
    examples: ['mesa auth lock'],
    flags: [],
    run: async (context) => {
      const { runLock } = await import('../commands/lock.ts');
      await runLock(context);
    },
  },
  ...FREQUENT_COMMANDS,
  ...WORKING_COMMANDS,
  ...API_COMMANDS,
  {
    path: ['auth', 'doctor'],
    description:
      'look for what is wrong with stores, configuration and environment; exit with 1 for findings',
    examples: ['mesa auth doctor', 'mesa auth doctor --fix', 'mesa auth doctor --json'],
    flags: [
      {
        long: '--fix',
        description: 'mend what can be mended safely: modes, files left behind, keys in config.toml',
      },
      JSON_FLAG,
    ],
    run: async (context, flags) => {
      const { runDoctor } = await import('../commands/doctor.ts');
      await runDoctor(context, { fix: flags.has('fix'), json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'change-passphrase'],
    description: 'give the vault another passphrase; without a terminal, MESA_NEW_VAULT_PASSPHRASE',
    examples: ['mesa auth change-passphrase'],
    flags: [],
    run: async (context) => {
      const { runChangePassphrase } = await import('../commands/change-passphrase.ts');
      await runChangePassphrase(context);
    },
  },
  {
    path: ['auth', 'migrate'],
    description: 'move every key to the other backend, and use that from now on',
    examples: [
      'mesa auth migrate --to encrypted-file --dry-run',
      'mesa auth migrate --to encrypted-file',
      'mesa auth migrate --to plaintext-file --yes',
      'mesa auth migrate --to encrypted-file --merge --prefer source',
    ],
    flags: [
      { long: '--to', value: 'backend', values: BACKENDS, description: BACKENDS.join(' or ') },
      { long: '--merge', description: 'go on when the target holds keys already, and keep them' },
      {
        long: '--prefer',
        value: 'store',
        values: ['source', 'target'],
        description: 'with --merge: source or target, whose key counts where they differ',
      },
      { long: '--keep-source', description: 'do not remove the store that the keys come from' },
      DRY_RUN_FLAG,
      { long: '--yes', description: 'keep keys unencrypted without being asked' },
      PLAN_JSON_FLAG,
    ],
    run: async (context, flags) => {
      const { runMigrate } = await import('../commands/migrate.ts');
      await runMigrate(context, {
        to: valueOf(flags, 'to'),
        merge: flags.has('merge'),
        prefer: valueOf(flags, 'prefer'),
        keepSource: flags.has('keep-source'),
        dryRun: flags.has('dry-run'),
        yes: flags.has('yes'),
        json: flags.has('json'),
      });
    },
  },
  {
    path: ['auth', 'backup'],
    description: 'copy the store to a file, encrypted',
    examples: ['mesa auth backup keys.age', 'mesa auth backup keys.toml --plaintext'],
    flags: [
      { long: '--plaintext', description: 'copy a plaintext store as it is, unencrypted' },
      { long: '--yes', description: 'with --plaintext: without being asked' },
    ],
    argument: {
      name: 'file',
      description: 'a file that does not exist yet',
      values: 'files',
      required: true,
    },
    run: async (context, flags, file) => {
      const { runBackup } = await import('../commands/backup.ts');
      await runBackup(context, { file, plaintext: flags.has('plaintext'), yes: flags.has('yes') });
    },
  },
  {
    path: ['auth', 'restore'],
    description: 'bring the keys of a backup into the store',
    examples: [
      'mesa auth restore keys.age --dry-run',
      'mesa auth restore keys.age',
      'mesa auth restore keys.age --exact --yes',
    ],
    flags: [
      { long: '--exact', description: 'also remove the keys that the backup does not have' },
      DRY_RUN_FLAG,
      { long: '--yes', description: 'do it without being asked' },
      PLAN_JSON_FLAG,
    ],
    argument: {
      name: 'file',
      description: 'a backup: an age file, or a plaintext document',
      values: 'files',
      required: true,
    },
    run: async (context, flags, file) => {
      const { runRestore } = await import('../commands/restore.ts');
      await runRestore(context, {
        file,
        exact: flags.has('exact'),
        dryRun: flags.has('dry-run'),
        yes: flags.has('yes'),
        json: flags.has('json'),
      });
    },
  },
  {
    path: ['completion'],
    description: 'print a script that completes command lines of mesa in a shell',
    examples: [
      'eval "$(mesa completion bash)"    # a line for ~/.bashrc',
      'eval "$(mesa completion zsh)"     # a line for ~/.zshrc, below compinit',
      'mesa completion fish | source     # a line for ~/.config/fish/config.fish',
    ],
    flags: [],
    argument: { name: 'shell', description: 'bash, zsh or fish', values: SHELLS, required: true },
    run: async (context, _flags, shell) => {
      const { runCompletion } = await import('../commands/completion.ts');
      runCompletion(context, { shell });
    },
  },
  {
    path: [COMPLETE_COMMAND],
    hidden: true,
    description: 'what the completion scripts ask: the words so far, one a line, on standard input',
    examples: [],
    flags: [],
    run: async (context) => {
      const { runComplete } = await import('../commands/complete.ts');
      // Handed over: this file loads what completes, which therefore cannot import it.
      await runComplete(context, { commands: COMMANDS, groups: GROUPS, libraryFlags: LIBRARY_FLAGS });
    },
  },
];
