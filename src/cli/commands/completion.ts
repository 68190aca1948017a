import { MesaAuthError } from '../../errors.ts';
import { COMPLETION_SCRIPTS } from '../command-line/completion-scripts.ts';
import type { Context } from '../../session/context.ts';
import { SHELLS } from '../command-line/shells.ts';

export interface CompletionOptions {
  /** As given; undefined when it was left out. */
  readonly shell: string | undefined;
}

/** `mesa completion`: the script for a shell. @throws USAGE for any other word than a shell that there is one for */
export function runCompletion(context: Context, options: CompletionOptions): void {
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
