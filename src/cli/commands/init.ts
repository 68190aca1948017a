import { DEFAULT_BACKEND, isBackend, type Config } from '../../config/config.ts';
import { quoteText } from '../../core/escape-text.ts';
import { BACKENDS, type Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { onboard, saveBackend } from '../onboard.ts';

export interface InitOptions {
  /** `--backend`, as given. */
  readonly backend: string | undefined;
}

/** `mesa init`: the wizard, or with `-y` the config file alone. */
export async function runInit(context: Context, options: InitOptions): Promise<void> {
  const backend = parseBackend(options.backend);
  const present = await loadPresentConfig(context);
  const configFile = context.explicitConfig ?? present?.file ?? context.paths.configFiles[0];
  if (context.globals.nonInteractive) {
    const chosen = backend ?? present?.backend ?? DEFAULT_BACKEND;
    await saveBackend(context, configFile, chosen);
    context.output.note(`saved in ${configFile}: keys are kept in ${chosen}`);
    return;
  }
  if (!context.canOnboard) {
    throw new MesaAuthError('USAGE', 'init asks questions, and there is no terminal to ask on', {
      hint: `mesa init -y${backend === undefined ? '' : ` --backend ${backend}`}`,
    });
  }
  await onboard(context, { configFile, backend, current: present?.backend });
}

/** The configuration in force, or undefined where there is none yet; `-c` may name a file that is to be made. */
async function loadPresentConfig(context: Context): Promise<Config | undefined> {
  const { existsSync } = await import('node:fs');
  if (context.explicitConfig !== undefined && !existsSync(context.explicitConfig)) {
    return undefined;
  }
  const config = await context.loadConfig();
  return config.file === undefined ? undefined : config;
}

function parseBackend(text: string | undefined): Backend | undefined {
  if (text === undefined || isBackend(text)) {
    return text;
  }
  throw new MesaAuthError(
    'USAGE',
    `unknown secrets backend ${quoteText(text)}; expected ${BACKENDS.join(' or ')}`,
  );
}
