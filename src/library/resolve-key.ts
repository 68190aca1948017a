/** Of everything that uses a key. */
export interface KeyOptions {
  /** The organization; when absent, `MESA_ORG`, else that of the checkout in `cwd`, else the global key is meant. */
  readonly org?: string | undefined;
  /** Opens the vault; when absent, `MESA_VAULT_PASSPHRASE` of `env` does, else the unlock agent. */
  readonly passphrase?: string | undefined;
  /** Instead of the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The directory whose git checkout is looked at; the working directory when absent. */
  readonly cwd?: string | undefined;
  /** The config.toml to use instead of searching for one. */
  readonly configPath?: string | undefined;
  /** Gets what `mesa` would say on standard error, warnings above all, a line each. Nothing is printed. */
  readonly onMessage?: ((line: string) => void) | undefined;
}

export interface ResolveKeyOptions extends KeyOptions {
  /** A repository of `org`. */
  readonly repo?: string | undefined;
}

/**
 * The key that `mesa auth get-key` would print: `MESA_API_KEY`, else the store's key of the repository, of the
 * organization, or the global one. Never asks, prints or exits.
 * @returns the key: a secret
 * @throws {MesaAuthError} with `code` `KEY_NOT_FOUND` when there is none, `LOCKED` when the vault's passphrase is not to
 *   be had, `WRONG_PASSPHRASE`; `USAGE` for an option that is none; the other codes tell of names, configuration and store
 */
export async function resolveKey(options: ResolveKeyOptions = {}): Promise<string> {
  const [{ checkOptions }, { libraryContext, withAdvice }, { resolveKey: findKey }] = await Promise.all([
    import('./check-options.ts'),
    import('./library-context.ts'),
    import('../session/use-key.ts'),
  ]);
  checkOptions(options);
  const { org, repo } = options;
  const context = libraryContext(options, 'resolveKey');
  const { token } = await withAdvice(() => findKey(context, { org, repo }, 'output'));
  return token.reveal();
}
