import { BACKENDS } from '../core/secret-store.ts';
import { JSON_FLAG, SCOPE_FLAGS, scopeOf, valueOf, type CommandSpec } from './command-spec.ts';
import { FREQUENT_COMMANDS } from './frequent-commands.ts';

export const GROUPS: ReadonlyMap<string, string> = new Map([
  ['auth', 'store, list, remove and look up keys'],
]);

/**
 * Every command, once: what help shows, what the parsers accept, and what runs. A command is loaded when it runs.
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
  ...FREQUENT_COMMANDS,
];
