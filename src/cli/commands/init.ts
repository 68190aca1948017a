import { loadConfig, readConfigText } from '../../config/config-file.ts';
import { DEFAULT_BACKEND } from '../../config/config.ts';
import { BACKENDS, type Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import { chooseConfigFile, saveBackend } from '../../session/config-target.ts';
import type { Context } from '../../session/context.ts';
import { describeKeysLeft, onboard } from '../../session/onboard.ts';
import { parseBackend } from '../command-line/shared-flags.ts';
import { valueOf, type CommandSpec } from '../command-line/spec.ts';

export const command: CommandSpec = {
  path: ['init'],
  description: 'choose where keys are kept, and store the first ones',
  examples: ['mesa init', 'mesa init -y --backend plaintext-file'],
  flags: [
    {
      long: '--backend',
      value: 'backend',
      values: BACKENDS,
      description: `${BACKENDS.join(' or ')}; asked for when absent`,
    },
  ],
  run: (context, flags) => runInit(context, { backend: valueOf(flags, 'backend') }),
};

interface InitOptions {
  /** `--backend`, as given. */
  readonly backend: string | undefined;
}

/** `mesa init`: the wizard, or with `-y` the config file alone. */
async function runInit(context: Context, options: InitOptions): Promise<void> {
  const backend = options.backend === undefined ? undefined : parseBackend(options.backend);
  const configFile = chooseConfigFile(context);
  const current = await currentBackend(configFile, backend !== undefined);
  if (context.globals.nonInteractive) {
    const chosen = backend ?? current ?? context.storeThere ?? DEFAULT_BACKEND;
    await saveBackend(context, configFile, chosen);
    context.output.note(`saved in ${configFile}: keys are kept in ${chosen}`);
    for (const line of await describeKeysLeft(context, current, chosen)) {
      context.output.warn(line);
      context.output.hint(`mesa auth migrate --to ${chosen} --merge`);
    }
    return;
  }
  if (!context.canOnboard) {
    throw new MesaAuthError('USAGE', 'init asks questions, and there is no terminal to ask on', {
      hint: `mesa init -y${backend === undefined ? '' : ` --backend ${backend}`}`,
    });
  }
  await onboard(context, { configFile, apiUrl: await apiUrlOf(context), backend, current });
}

/** Where the API is, as far as the configuration tells: init can mend one that does not. */
async function apiUrlOf(context: Pick<Context, 'loadConfig'>): Promise<string | undefined> {
  try {
    return (await context.loadConfig()).apiUrl;
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return undefined;
  }
}

/**
 * The backend that a config file names.
 * @param replaced whether it will be replaced: then it does not matter when it is none, and init can mend it
 * @returns undefined when there is no such file
 */
async function currentBackend(configFile: string, replaced: boolean): Promise<Backend | undefined> {
  if (readConfigText(configFile) === undefined) {
    return undefined;
  }
  try {
    return (await loadConfig(configFile, [])).backend;
  } catch (error) {
    if (replaced && error instanceof MesaAuthError && error.code === 'CONFIG_INVALID') {
      return undefined;
    }
    throw error;
  }
}
