import type { FlagSpec } from './spec.ts';

/** The command-line library acts on these itself. */
export const LIBRARY_FLAGS = {
  help: { long: '--help', short: '-h', description: 'show help' },
  version: { long: '--version', short: '-V', description: 'print the version' },
} as const satisfies Readonly<Record<string, FlagSpec>>;

/** `mesa help ...`, at every level. Not in the command table: it prints what the command-line library knows. */
export const HELP_COMMAND = {
  name: 'help',
  argument: '[words...]',
  description: 'show help for a command or a topic',
  examples: ['mesa help get-key', 'mesa help exit-codes'],
} as const;

/** A page of help that is about no command. */
export interface Topic {
  readonly name: string;
  readonly description: string;
  /** The page: a term and what there is to say about it. Loaded when it is shown. */
  readonly rows: () => Promise<readonly (readonly [string, string])[]>;
}

export const TOPICS: readonly Topic[] = [
  {
    name: 'environment',
    description: 'environment variables',
    rows: async () => {
      const { ENVIRONMENT_VARIABLES } = await import('./environment-variables.ts');
      return ENVIRONMENT_VARIABLES.map(({ name, description }) => [name, description]);
    },
  },
  {
    name: 'exit-codes',
    description: 'exit codes',
    rows: async () => {
      const { EXIT_CODES } = await import('./exit-codes.ts');
      return EXIT_CODES.map(({ code, meaning }) => [code, meaning]);
    },
  },
];
