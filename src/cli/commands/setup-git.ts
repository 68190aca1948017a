import { shellWord } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { editGlobalSettings } from '../../git/global-settings.ts';
import { removeFromGit, setUpGit } from '../../git/setup.ts';
import type { Context } from '../../session/context.ts';
import { ownCommand } from '../../session/own-command.ts';

export interface SetupGitOptions {
  readonly remove: boolean;
  /** Whether git gets short-lived tokens instead of keys. */
  readonly mint: boolean;
}

/** `mesa auth setup-git`: makes git ask mesa for the passwords of the API's host, or no longer. */
export async function runSetupGit(context: Context, { remove, mint }: SetupGitOptions): Promise<void> {
  if (remove && mint) {
    throw new MesaAuthError('USAGE', '--remove and --mint exclude each other', {
      hint: 'mesa auth setup-git --remove',
    });
  }
  const { output, host } = context;
  const { apiUrl } = await context.loadConfig();
  if (remove) {
    const done = await editGlobalSettings(host.env, (settings) => removeFromGit(settings, apiUrl));
    output.note(
      done === 'changed'
        ? `git no longer asks mesa about ${apiUrl}`
        : `git does not ask mesa about ${apiUrl}`,
    );
    return;
  }
  const config = context.explicitConfig;
  const words = [
    ...(await ownCommand(host)).map(shellWord),
    'auth git-credential',
    ...(mint ? ['--mint'] : []),
    ...(config === undefined ? [] : ['--config-path', shellWord(config)]),
  ];
  const done = await editGlobalSettings(host.env, (settings) =>
    setUpGit(settings, apiUrl, `!${words.join(' ')}`),
  );
  const what = mint ? 'a short-lived token for the repository' : 'its key';
  output.note(
    done === 'changed'
      ? `git asks mesa about ${apiUrl} from now on, and gets ${what}`
      : `git asks mesa about ${apiUrl} already, and gets ${what}`,
  );
}
