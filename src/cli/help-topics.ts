import { ENVIRONMENT_VARIABLES } from './environment-variables.ts';
import { EXIT_CODES } from './exit-codes.ts';

/** `mesa help ...`, at every level. Not in the command table: it prints what the command-line library knows. */
export const HELP_COMMAND = {
  name: 'help',
  argument: '[words...]',
  description: 'show help for a command or a topic',
  examples: ['mesa help auth get-key', 'mesa help exit-codes'],
} as const;

/** A page of help that is about no command. */
export interface Topic {
  readonly name: string;
  readonly description: string;
  /** A term and what there is to say about it. */
  readonly rows: readonly (readonly [string, string])[];
}

export const TOPICS: readonly Topic[] = [
  {
    name: 'environment',
    description: 'environment variables',
    rows: ENVIRONMENT_VARIABLES.map(({ name, description }) => [name, description]),
  },
  {
    name: 'exit-codes',
    description: 'exit codes',
    rows: EXIT_CODES.map(({ code, meaning }) => [code, meaning]),
  },
];
