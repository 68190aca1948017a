import { shellWord } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import { editGlobalSettings } from '../../git/global-settings.ts';
import { removeFromGit, setUpGit } from '../../git/setup.ts';
import type { Context } from '../../session/context.ts';
import { ownCommand } from '../../session/own-command.ts';
import type { CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['auth', 'setup-git'],
  description: "make git ask mesa for its passwords on the API's host, with the path of the repository",
  examples: ['mesa auth setup-git', 'mesa auth setup-git --mint', 'mesa auth setup-git --remove'],
  flags: [
    { long: '--mint', description: 'give git short-lived tokens for one repository each, never a key' },
    { long: '--remove', description: 'take away what setup-git has set, and nothing else' },
  ],
  run: (context, flags) => runSetupGit(context, { remove: flags.has('remove'), mint: flags.has('mint') }),
};

interface SetupGitOptions {
  readonly remove: boolean;
  /** Whether git gets short-lived tokens instead of keys. */
  readonly mint: boolean;
}

/** `mesa auth setup-git`: makes git ask mesa for the passwords of the API's host, or no longer. */
async function runSetupGit(
  context: Pick<Context, 'explicitConfig' | 'host' | 'loadConfig' | 'output'>,
  { remove, mint }: SetupGitOptions,
): Promise<void> {
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
