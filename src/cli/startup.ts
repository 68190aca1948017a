import type { Config } from '../config/config.ts';
import type { SecretStore } from '../core/secret-store.ts';
import { readsNoFile } from '../config/environment.ts';
import { MesaAuthError } from '../errors.ts';
import type { Context } from './context.ts';

export interface Session {
  readonly config: Config;
  readonly store: SecretStore;
}

/**
 * What comes before every command that uses the store: the configuration, or on a first run the wizard; then the
 * keys of MESA_ORGS. A malformed MESA_ORGS stops the command before any of it.
 * @param loaded the configuration, from a command that never starts the wizard
 */
export async function startSession(context: Context, loaded?: Config): Promise<Session> {
  const mesaOrgs = context.host.env['MESA_ORGS'] ?? '';
  const register = mesaOrgs === '' ? undefined : (await import('./register-orgs.ts')).registerOrgs(mesaOrgs);
  const config = loaded ?? (await configure(context));
  for (const org of config.legacyKeyOrgs) {
    context.output.warn(`${config.file} holds a key for organization '${org}' in plain text; it is not used`);
  }
  if (config.legacyKeyOrgs.length > 0) {
    context.output.hint('what to do: mesa auth doctor');
  }
  const store = await context.openStore(config.backend);
  await register?.(store, config.apiUrl, context.output);
  return { config, store };
}

async function configure(context: Context): Promise<Config> {
  const config = await context.loadConfig();
  if (config.file !== undefined) {
    return config;
  }
  if (context.canOnboard) {
    const { onboard } = await import('./onboard.ts');
    await onboard(context, { configFile: context.paths.configFiles[0], apiUrl: config.apiUrl });
    return context.reloadConfig();
  }
  if (context.globals.nonInteractive && !readsNoFile(context.host.env)) {
    const { saveBackend } = await import('./onboard.ts');
    try {
      await saveBackend(context, context.paths.configFiles[0], config.backend);
    } catch (error) {
      // The command itself may need nothing to be written, as on a read-only home.
      if (!(error instanceof MesaAuthError)) {
        throw error;
      }
      context.output.warn(`the default configuration was not saved: ${error.message}`);
    }
  }
  return config;
}
