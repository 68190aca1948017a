import { isAbsolute, resolve } from 'node:path';

import { loadConfig } from '../config/config-file.ts';
import { readsNoFile, withEnvironment } from '../config/environment.ts';
import type { Config } from '../config/config.ts';
import { isOrgSlug } from '../core/key-scope.ts';
import type { EnvironmentKey } from '../core/resolve-key.ts';
import type { Backend, SecretStore } from '../core/secret-store.ts';
import { describeTokenProblem, Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import type { Host } from '../platform/host.ts';
import { resolvePaths, type Paths } from '../platform/paths.ts';
import type { Looseness } from '../platform/private-file.ts';
import type { Prompter } from '../platform/prompter.ts';
import { openStore, type OpenStoreOptions } from '../stores/open-store.ts';
import type { WholeStore } from '../stores/opened-store.ts';
import type { CliPassphrases } from './passphrases.ts';
import { Output } from './output.ts';
import { wantsColor } from './style.ts';

export interface GlobalOptions {
  /** `--config-path`, as given. */
  readonly configPath: string | undefined;
  /** `--non-interactive`. */
  readonly nonInteractive: boolean;
}

/** What a command gets: the parts of the program, each made when it is first asked for. */
export class Context {
  readonly host: Host;
  readonly globals: GlobalOptions;
  readonly output: Output;
  /** Under what name uses of keys are recorded, as `get-key`; undefined for no command. */
  readonly command: string | undefined;
  /** `unlock-timeout` of the configuration, once that is known; see Config. */
  unlockTimeout: number | undefined;
  readonly #looseness: Looseness;
  readonly #stores = new Map<Backend, Promise<SecretStore>>();
  readonly #wholeStores = new Map<Backend, Promise<WholeStore>>();
  #audit: boolean | undefined;
  #config: Promise<Config> | undefined;
  #paths: Paths | undefined;
  #prompter: Promise<Prompter | undefined> | undefined;
  #passphrases: Promise<CliPassphrases> | undefined;

  /** @param looseness with `leave`, reading a store changes no mode and warns of nothing */
  constructor(host: Host, globals: GlobalOptions, looseness: Looseness = 'tighten', command?: string) {
    this.host = host;
    this.command = command;
    this.globals = globals;
    this.#looseness = looseness;
    this.output = new Output(host);
  }

  /** The same for a command that asks nothing and never starts the wizard. */
  withoutQuestions(looseness?: Looseness): Context {
    return new Context(this.host, { ...this.globals, nonInteractive: true }, looseness, this.command);
  }

  /** @throws HOME_UNUSABLE */
  get paths(): Paths {
    this.#paths ??= resolvePaths(this.host);
    return this.#paths;
  }

  /** The absolute form of `--config-path`, if given. @throws CONFIG_UNREADABLE */
  get explicitConfig(): string | undefined {
    const { configPath } = this.globals;
    if (configPath === undefined) {
      return undefined;
    }
    const cwd = isAbsolute(configPath) ? '/' : this.host.cwd();
    if (cwd === undefined) {
      throw new MesaAuthError(
        'CONFIG_UNREADABLE',
        `there is no config file ${configPath}: the working directory was removed`,
        { hint: 'cd to a directory that exists' },
      );
    }
    return resolve(cwd, configPath);
  }

  /** The configuration in force, read once. @throws CONFIG_UNREADABLE, CONFIG_SYNTAX, CONFIG_INVALID */
  loadConfig(): Promise<Config> {
    this.#config ??= this.reloadConfig();
    return this.#config;
  }

  /** As loadConfig, read anew: for after it was written. */
  reloadConfig(): Promise<Config> {
    this.#config = this.#readConfig();
    return this.#config;
  }

  async #readConfig(): Promise<Config> {
    const { paths, explicitConfig, host } = this;
    try {
      const loaded = await loadConfig(explicitConfig, readsNoFile(host.env) ? [] : paths.configFiles);
      const config = withEnvironment(loaded, host.env);
      this.unlockTimeout = config.unlockTimeout;
      this.#audit = config.audit;
      return config;
    } catch (error) {
      throw (await import('./mend-config.ts')).withFilledBackend(this, error);
    }
  }

  /** The process that the keys are for: who started us. */
  get user(): number {
    return process.ppid;
  }

  /** Whether uses of keys are recorded. A configuration that cannot be read does not say so. */
  async records(): Promise<boolean> {
    try {
      return this.#audit ?? (await this.loadConfig()).audit;
    } catch (error) {
      if (!(error instanceof MesaAuthError)) {
        throw error;
      }
      return false;
    }
  }

  /** One store per backend, so that the command after the wizard opens no vault that the wizard just made. */
  openStore(backend: Backend): Promise<SecretStore> {
    const opened = this.#stores.get(backend) ?? this.#openStore(backend);
    this.#stores.set(backend, opened);
    return opened;
  }

  /** The same store, never through the unlock agent: for what moves whole documents. */
  openWholeStore(backend: Backend): Promise<WholeStore> {
    const opened =
      this.#wholeStores.get(backend) ??
      import('../stores/open-whole-store.ts').then(({ openWholeStore }) =>
        openWholeStore(backend, this.#storeOptions()),
      );
    this.#wholeStores.set(backend, opened);
    return opened;
  }

  #openStore(backend: Backend): Promise<SecretStore> {
    return openStore(backend, {
      ...this.#storeOptions(),
      useAgent: (this.host.env['MESA_VAULT_PASSPHRASE'] ?? '') === '',
      openWhole: () => this.openWholeStore(backend),
    });
  }

  #storeOptions(): OpenStoreOptions {
    return {
      paths: this.paths,
      passphrases: () => this.passphrases(),
      now: () => this.host.now(),
      warn: (message) => this.#looseness === 'tighten' && this.output.warn(message),
      looseness: this.#looseness,
      onLockWait: (holder) => this.reportLockWait(holder),
      ...(this.host.workFactor === undefined ? {} : { workFactor: this.host.workFactor }),
    };
  }

  /** One per process, so that a passphrase is asked for once. */
  passphrases(): Promise<CliPassphrases> {
    this.#passphrases ??= import('./passphrases.ts').then(({ cliPassphrases }) => cliPassphrases(this));
    return this.#passphrases;
  }

  reportLockWait(holder: number | undefined): void {
    this.output.note(
      `mesa: waiting for another mesa${holder === undefined ? '' : ` (pid ${holder})`} to finish writing`,
    );
  }

  /** Whether a wizard may be shown: somebody types and reads, `-y` was not given, and what it writes is read. */
  get canOnboard(): boolean {
    return (
      !readsNoFile(this.host.env) &&
      !this.globals.nonInteractive &&
      this.host.stdin.isTerminal &&
      this.host.stderr.isTerminal
    );
  }

  /** Somebody to ask, or undefined without a terminal or with `-y`. */
  prompter(): Promise<Prompter | undefined> {
    this.#prompter ??= this.globals.nonInteractive
      ? Promise.resolve(undefined)
      : import('./prompts.ts').then(({ terminalPrompter }) =>
          terminalPrompter(wantsColor(this.host.env, true)),
        );
    return this.#prompter;
  }

  /**
   * `MESA_API_KEY` with `MESA_ORG`; empty ones count as unset.
   * @throws INVALID_KEY, INVALID_SCOPE
   */
  environmentKey(): EnvironmentKey | undefined {
    const value = (this.host.env['MESA_API_KEY'] ?? '').trim();
    if (value === '') {
      return undefined;
    }
    const problem = describeTokenProblem(value);
    if (problem !== undefined) {
      throw new MesaAuthError('INVALID_KEY', `the key in MESA_API_KEY ${problem}`, {
        hint: 'set it to a key, or unset it',
      });
    }
    return { token: Token.parse(value), org: this.environmentOrg() };
  }

  /** `MESA_ORG`. @throws INVALID_SCOPE */
  environmentOrg(): string | undefined {
    const org = this.host.env['MESA_ORG'] ?? '';
    if (org === '') {
      return undefined;
    }
    if (!isOrgSlug(org)) {
      throw new MesaAuthError('INVALID_SCOPE', 'MESA_ORG is not an organization name', {
        hint: 'set it to an organization, or unset it',
      });
    }
    return org;
  }
}
