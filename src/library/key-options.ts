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
