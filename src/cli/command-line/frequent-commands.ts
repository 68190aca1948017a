import { JSON_FLAG, SCOPE_FLAGS, scopeOf, type CommandSpec } from './spec.ts';
import { runGetKey } from '../commands/get-key.ts';
import { runGitCredential } from '../commands/git-credential.ts';

/** The commands that are started most. They are part of the entry file, where every line costs start-up time. */
export const FREQUENT_COMMANDS: readonly CommandSpec[] = [
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
  {
    path: ['auth', 'git-credential'],
    description: "answer git's question for a password; see setup-git",
    examples: ['printf "protocol=https\\nhost=api.mesa.dev\\n\\n" | mesa auth git-credential get'],
    flags: [{ long: '--mint', description: 'give a short-lived token for the one repository, not the key' }],
    argument: {
      name: 'operation',
      description: 'get; store, erase and all others do nothing',
      values: ['get', 'store', 'erase'],
      required: true,
    },
    run: (context, flags, operation) => runGitCredential(context, { operation, mint: flags.has('mint') }),
  },
];
