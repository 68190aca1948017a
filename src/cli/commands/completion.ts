import { MesaAuthError } from '../../errors.ts';
import type { Context } from '../../session/context.ts';
import { COMPLETION_SCRIPTS } from '../command-line/completion-scripts.ts';
import type { CommandSpec } from '../command-line/spec.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const command: CommandSpec = {
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
    runCompletion(context, { shell });
  },
};

interface CompletionOptions {
  /** As given; undefined when it was left out. */
  readonly shell: string | undefined;
}

/** `mesa completion`: the script for a shell. @throws USAGE for any other word than a shell that there is one for */
function runCompletion(context: Pick<Context, 'output'>, options: CompletionOptions): void {
  const shell = SHELLS.find((name) => name === options.shell);
  if (shell === undefined) {
    const known = 'bash, zsh or fish';
    throw new MesaAuthError(
      'USAGE',
      options.shell === undefined
        ? `name the shell: ${known}`
        : `there is no completion for that shell; expected ${known}`,
      { hint: 'mesa completion bash' },
    );
  }
  context.output.data(COMPLETION_SCRIPTS[shell]);
}
