import { MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import { wallClock } from '../platform/process-host.ts';
import { Context } from '../session/context.ts';
import type { KeyOptions } from './options.ts';

/**
 * What the program's parts get inside of somebody else's process: no terminal, no output, and nobody to ask.
 * @param action the name under which uses of keys are recorded
 */
export function libraryContext(options: KeyOptions, action: string): Context {
  const { env = process.env, cwd, configPath, passphrase, onMessage } = options;
  const silent = { isTerminal: false, write: () => undefined };
  const host: Host = {
    env:
      passphrase === undefined
        ? env
        : { ...env, MESA_VAULT_PASSPHRASE: passphrase, MESA_VAULT_PASSPHRASE_FILE: undefined },
    platform: process.platform,
    stdout: silent,
    stderr: { isTerminal: false, write: (text) => onMessage?.(text.trimEnd()) },
    stdin: { isTerminal: false, chunks: () => [] },
    cwd: () => cwd ?? process.cwd(),
    now: wallClock,
    script: '',
  };
  return new Context({
    host,
    openPassphrases: async (context) => (await import('../session/passphrases.ts')).openPassphrases(context),
    globals: { configPath, nonInteractive: false },
    command: action,
    user: process.pid,
  });
}

/** The same, with the advice for programs where the one for people would not do. */
export async function withAdvice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MesaAuthError && error.code === 'LOCKED') {
      throw new MesaAuthError('LOCKED', error.message, {
        hint: 'give a passphrase, set MESA_VAULT_PASSPHRASE, or: mesa auth unlock',
      });
    }
    if (error instanceof MesaAuthError && error.code === 'USAGE') {
      // Its hint is of flags. What else can be wrong with options was refused before.
      throw new MesaAuthError('USAGE', error.message, {
        hint: "give repos of one organization, as in ['acme/web'], or 'all'",
      });
    }
    throw error;
  }
}
