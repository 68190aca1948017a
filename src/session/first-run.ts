import { readsNoFile, type Config } from '../config/config.ts';
import { isEncrypted, type Backend } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import { saveBackend, type DataPlace } from './config-target.ts';

/** A Context is one. */
export interface FirstRun extends DataPlace {
  readonly host: Pick<Host, 'env'>;
  readonly globals: { readonly nonInteractive: boolean };
  readonly output: { warn(message: string): void; note(message: string): void };
  /** See Context. */
  readonly canOnboard: boolean;
  readonly storeThere: Backend | undefined;
  reloadConfig(): Promise<Config>;
}

/**
 * What a first run writes without the wizard: a store that is there is a decision, which is named and kept; with `-y` the
 * defaults are. Without a terminal nothing is.
 * @param config as it is without a file
 * @returns the configuration in force
 */
export async function settleWithoutWizard(context: FirstRun, config: Config): Promise<Config> {
  const { canOnboard, globals, host, output, paths, storeThere } = context;
  const isTold = canOnboard && storeThere !== undefined;
  if (readsNoFile(host.env) || !(isTold || globals.nonInteractive)) {
    return config;
  }
  const [file] = paths.configFiles;
  try {
    await saveBackend(context, file, config.backend);
  } catch (error) {
    // The command itself may need nothing to be written, as on a read-only home.
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    output.warn(`the default configuration was not saved: ${error.message}`);
    return config;
  }
  if (!isTold) {
    return config;
  }
  const store = isEncrypted(storeThere) ? paths.encryptedStore : paths.plaintextStore;
  output.note(
    `mesa: using the store that is there, ${store}; saved in ${file}: keys are kept in ${storeThere}`,
  );
  return context.reloadConfig();
}
