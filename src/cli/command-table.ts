import { BACKENDS } from '../core/secret-store.ts';
import { runGetKey } from './commands/get-key.ts';
import type { Context, GlobalOptions } from './context.ts';
import type { ScopeOptions } from './scope-options.ts';

/** A flag by its long name: `--config-path`. */
export interface FlagSpec {
  readonly long: `--${string}`;
  readonly short?: `-${string}`;
  /** The name of its value in help, as in `path`; absent for a switch. */
  readonly value?: string;
  readonly description: string;
}

/** Given flags by their long names without dashes: a value, or true for a switch. */
export type Flags = ReadonlyMap<string, string | true>;

export interface CommandSpec {
  /** The words that name it: `['auth', 'get-key']`. */
  readonly path: readonly [string] | readonly [string, string];
  readonly description: string;
  readonly examples: readonly string[];
  readonly flags: readonly FlagSpec[];
  /** Its one optional argument. */
  readonly argument?: { readonly name: string; readonly description: string };
  readonly run: (context: Context, flags: Flags, argument: string | undefined) => Promise<void>;
}

export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  {
    long: '--config-path',
    short: '-c',
    value: 'path',
    description: 'use this config.toml instead of searching for one',
  },
  { long: '--non-interactive', short: '-y', description: 'never ask; take the defaults' },
];

export const GROUPS: ReadonlyMap<string, string> = new Map([
  ['auth', 'store, list, remove and look up keys'],
]);

const SCOPE_FLAGS: readonly FlagSpec[] = [
  { long: '--org', value: 'organization', description: 'the organization; without it the global scope' },
  { long: '--repo', value: 'repository', description: 'a repository of that organization' },
];
const JSON_FLAG: FlagSpec = { long: '--json', description: 'print one JSON document, without secrets' };

/**
 * Every command, once: what help shows, what the parsers accept, and what runs. A command is loaded when it runs,
 * except the one that is started most.
 */
export const COMMANDS: readonly CommandSpec[] = [
  {
    path: ['init'],
    description: 'choose where keys are kept, and store the first ones',
    examples: ['mesa init', 'mesa init -y --backend plaintext-file'],
    flags: [
      { long: '--backend', value: 'backend', description: `${BACKENDS.join(' or ')}; asked for when absent` },
    ],
    run: async (context, flags) => {
      const { runInit } = await import('./commands/init.ts');
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
    flags: SCOPE_FLAGS,
    argument: { name: 'key', description: 'the key; better: give it on standard input' },
    run: async (context, flags, key) => {
      const { runSetKey } = await import('./commands/set-key.ts');
      await runSetKey(context, { key, ...scopeOf(flags) });
    },
  },
  {
    path: ['auth', 'list'],
    description: 'show every scope with its masked key',
    examples: ['mesa auth list', 'mesa auth list --json'],
    flags: [JSON_FLAG],
    run: async (context, flags) => {
      const { runList } = await import('./commands/list.ts');
      await runList(context, { json: flags.has('json') });
    },
  },
  {
    path: ['auth', 'rm-key'],
    description: 'remove the key of a scope',
    examples: ['mesa auth rm-key --org acme', 'mesa auth rm-key --org acme --repo web'],
    flags: SCOPE_FLAGS,
    run: async (context, flags) => {
      const { runRmKey } = await import('./commands/rm-key.ts');
      await runRmKey(context, scopeOf(flags));
    },
  },
  {
    path: ['auth', 'get-key'],
    description: 'print the key that the lookup finds: repository, then organization, then global',
    examples: ['mesa auth get-key --org acme', 'mesa auth get-key --org acme --repo web --explain'],
    flags: [
      ...SCOPE_FLAGS,
      { long: '--explain', description: 'print instead every candidate and why it won or lost, masked' },
      JSON_FLAG,
    ],
    run: (context, flags) =>
      runGetKey(context, { ...scopeOf(flags), explain: flags.has('explain'), json: flags.has('json') }),
  },
];

function scopeOf(flags: Flags): ScopeOptions {
  return { org: valueOf(flags, 'org'), repo: valueOf(flags, 'repo') };
}

export function globalOptions(flags: Flags): GlobalOptions {
  return { configPath: valueOf(flags, 'config-path'), nonInteractive: flags.has('non-interactive') };
}

/** The value of a flag, undefined when it was not given. */
function valueOf(flags: Flags, name: string): string | undefined {
  const value = flags.get(name);
  return value === true ? undefined : value;
}
