import { command as getKey } from '../commands/get-key.ts';
import { command as gitCredential } from '../commands/git-credential.ts';
import { GLOBAL_FLAGS, type CommandSpec, type CommandTable, type GroupSpec } from './spec.ts';

/** A command, declared in a file of its own. */
export interface ListedCommand {
  /** What names it: `auth get-key`. All but the last word name groups. */
  readonly words: string;
  readonly load: () => Promise<{ readonly command: CommandSpec }>;
}

/** The commands that are started most: they are part of the entry file, and looked for before all others. */
export const FREQUENT: readonly CommandSpec[] = [getKey, gitCredential];

/** Every command, in the order of help. */
export const TABLE: readonly ListedCommand[] = [
  { words: 'init', load: () => import('../commands/init.ts') },
  { words: 'auth set-key', load: () => import('../commands/set-key.ts') },
  { words: 'auth list', load: () => import('../commands/list.ts') },
  { words: 'auth rm-key', load: () => import('../commands/rm-key.ts') },
  { words: 'auth undo', load: () => import('../commands/undo.ts') },
  { words: 'auth use', load: () => import('../commands/use.ts') },
  { words: 'auth unlock', load: () => import('../commands/unlock.ts') },
  { words: 'auth lock', load: () => import('../commands/lock.ts') },
  { words: 'auth get-key', load: () => Promise.resolve({ command: getKey }) },
  { words: 'auth git-credential', load: () => Promise.resolve({ command: gitCredential }) },
  { words: 'auth mint-token', load: () => import('../commands/mint-token.ts') },
  { words: 'auth exec', load: () => import('../commands/exec.ts') },
  { words: 'auth setup-git', load: () => import('../commands/setup-git.ts') },
  { words: 'auth log', load: () => import('../commands/log.ts') },
  { words: 'auth whoami', load: () => import('../commands/whoami.ts') },
  { words: 'auth status', load: () => import('../commands/status.ts') },
  { words: 'auth api-keys list', load: () => import('../commands/api-keys-list.ts') },
  { words: 'auth api-keys create', load: () => import('../commands/api-keys-create.ts') },
  { words: 'auth api-keys revoke', load: () => import('../commands/api-keys-revoke.ts') },
  { words: 'auth api-keys tag', load: () => import('../commands/api-keys-tag.ts') },
  { words: 'auth api-keys rotate', load: () => import('../commands/api-keys-rotate.ts') },
  { words: 'auth doctor', load: () => import('../commands/doctor.ts') },
  { words: 'auth change-passphrase', load: () => import('../commands/change-passphrase.ts') },
  { words: 'auth migrate', load: () => import('../commands/migrate.ts') },
  { words: 'auth backup', load: () => import('../commands/backup.ts') },
  { words: 'auth restore', load: () => import('../commands/restore.ts') },
  { words: 'completion', load: () => import('../commands/completion.ts') },
  { words: '__complete', load: () => import('../commands/complete.ts') },
];

const GROUPS: ReadonlyMap<string, GroupSpec> = new Map([
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

/** Loads every command's file. */
export async function loadTable(): Promise<CommandTable> {
  const files = await Promise.all(TABLE.map(({ load }) => load()));
  return { commands: files.map(({ command }) => command), groups: GROUPS };
}

/**
 * The command that a command line begins with, but for flags that every command takes.
 * @returns undefined where there is none such; whether the rest is right, its declaration says
 */
export function findListed(argv: readonly string[]): ListedCommand | undefined {
  const line = wordsOf(argv).join(' ');
  return TABLE.find(({ words }) => line === words || line.startsWith(`${words} `));
}

/** A command line without its flags and without the values of global ones: others come behind the command. */
export function wordsOf(argv: readonly string[]): readonly string[] {
  return argv.filter((word, index) => !word.startsWith('-') && !takesValue(argv[index - 1]));
}

function takesValue(word: string | undefined): boolean {
  return GLOBAL_FLAGS.some(
    ({ long, short, value }) => value !== undefined && (word === long || word === short),
  );
}
