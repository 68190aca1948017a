import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

import { loadConfig } from '../config/config-file.ts';
import {
  DEFAULT_BACKEND,
  isSecretSet,
  organizationOf,
  readsNoFile,
  withEnvironment,
  type Config,
} from '../config/config.ts';
import type { EnvironmentKey } from '../core/candidates.ts';
import type { Backend, SecretStore } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import type { Wanted } from '../onboarding/wizard.ts';
import type { Host } from '../platform/host.ts';
import type { Paths } from '../platform/paths.ts';
import type { Looseness } from '../platform/private-file.ts';
import { resolvePaths } from '../platform/process-host.ts';
import type { Prompter } from '../platform/prompter.ts';
import type { WholeStore } from '../stores/document-store.ts';
import type { StoreOptions } from '../stores/store-options.ts';
import { storeOf, wholeStoreOf } from '../stores/stores.ts';
import type { Passphrases } from '../vault/passphrase.ts';
import { Output } from './output.ts';

export interface GlobalOptions {
  /** `--config-path`, as given. */
  readonly configPath: string | undefined;
  /** `--non-interactive`. */
  readonly nonInteractive: boolean;
}

export interface OnboardOptions {
  /** The config file to write. */
  readonly configFile: string;
  /** What the keys are for; undefined where the configuration does not tell. */
  readonly apiUrl: string | undefined;
  /** Chosen already, by `--backend`. */
  readonly backend?: Backend | undefined;
  /** What the configuration says until now; undefined on a first run. */
  readonly current?: Backend | undefined;
  /** What the command that was asked for stores: instead of asking for organizations and their tokens. */
  readonly wanted?: Wanted | undefined;
}

/** What talks with a person, and is loaded when it does. */
export interface Interaction {
  /** Undefined where there is no terminal to ask on. */
  openPrompter(context: Context): Promise<Prompter | undefined>;
  /** Asks for a new passphrase, twice, or makes one. @param purpose as in `Passphrase for the new vault` */
  askNewPassphrase(prompter: Prompter, purpose: string): Promise<string>;
  /** The wizard of a first run. @returns the token that was asked for and stored for `wanted`; undefined for none */
  onboard(context: Context, options: OnboardOptions): Promise<Token | undefined>;
}

export interface ContextOptions {
  readonly host: Host;
  readonly globals: GlobalOptions;
  /** Called once, when a passphrase is needed. */
  readonly openPassphrases: (context: Context) => Promise<Passphrases>;
  /** Absent where nobody is to be asked anything, as inside of a program. */
  readonly interaction?: Interaction | undefined;
  /** With `leave`, reading a store changes no mode and warns of nothing; `tighten` by default. */
  readonly looseness?: Looseness | undefined;
  /** That of another context of the same command, so that nothing is said twice. */
  readonly output?: Output | undefined;
  /** Under what name uses of keys are recorded, as `get-key`; absent for what uses none. */
  readonly command?: string | undefined;
  /** The process that the keys are for; by default whoever started this one. */
  readonly user?: number | undefined;
}

/** The environment's key, and the variable that holds it or names its file. */
export interface NamedEnvironmentKey extends EnvironmentKey {
  readonly variable: string;
}

/** What a command or a program works with: the parts of mesa, each made when it is first asked for. */
export class Context {
  readonly host: Host;
  readonly globals: GlobalOptions;
  readonly output: Output;
  /** See ContextOptions. */
  readonly command: string | undefined;
  readonly user: number;
  readonly #options: ContextOptions;
  readonly #looseness: Looseness;
  readonly #stores = new Map<Backend, Promise<SecretStore>>();
  readonly #wholeStores = new Map<Backend, Promise<WholeStore>>();
  #config: Promise<Config> | undefined;
  #paths: Paths | undefined;
  #prompter: Promise<Prompter | undefined> | undefined;
  #passphrases: Promise<Passphrases> | undefined;
  #holds = 0;

  constructor(options: ContextOptions) {
    const { host, globals, looseness = 'tighten', command, user = process.ppid, output } = options;
    this.host = host;
    this.globals = globals;
    this.command = command;
    this.user = user;
    this.output = output ?? new Output(host);
    this.#options = options;
    this.#looseness = looseness;
  }

  /** What talks with a person; undefined where nobody is to be asked. */
  get interaction(): Interaction | undefined {
    return this.globals.nonInteractive ? undefined : this.#options.interaction;
  }

  /** The same for a command that asks nothing and never starts the wizard. */
  withoutQuestions(looseness?: Looseness): Context {
    const globals = { ...this.globals, nonInteractive: true };
    return new Context({ ...this.#options, looseness, globals, output: this.output });
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
    const candidates = readsNoFile(host.env) ? [] : paths.configFiles;
    // The other one would hide the keys that there are.
    const suggestBackend = (): Backend => this.storeThere ?? DEFAULT_BACKEND;
    const found = await loadConfig(explicitConfig, candidates, suggestBackend);
    const config = found.file === undefined ? { ...found, backend: suggestBackend() } : found;
    if (config.unknownSettings.length > 0 && this.#looseness === 'tighten') {
      const { describeUnknownSetting } = await import('../config/describe-setting.ts');
      const { file = '', unknownSettings } = config;
      unknownSettings.forEach((setting) => this.output.warn(describeUnknownSetting(file, setting)));
    }
    return withEnvironment(config, host.env);
  }

  /** The backend of which there is a store, as of a machine without a configuration; the vault where there are both. */
  get storeThere(): Backend | undefined {
    const { encryptedStore, plaintextStore } = this.paths;
    return existsSync(encryptedStore)
      ? 'encrypted-file'
      : existsSync(plaintextStore)
        ? 'plaintext-file'
        : undefined;
  }

  /** One store per backend, so that the command after the wizard opens no vault that the wizard just made. */
  store(backend: Backend): Promise<SecretStore> {
    const opened = this.#stores.get(backend) ?? this.#openStore(backend);
    this.#stores.set(backend, opened);
    return opened;
  }

  /** The same store, never through the unlock agent: for what moves whole documents. */
  wholeStore(backend: Backend): Promise<WholeStore> {
    const opened = this.#wholeStores.get(backend) ?? wholeStoreOf(backend, this.#storeOptions());
    this.#wholeStores.set(backend, opened);
    return opened;
  }

  #openStore(backend: Backend): Promise<SecretStore> {
    return storeOf(backend, {
      ...this.#storeOptions(),
      useAgent: !isSecretSet(this.host.env, 'MESA_VAULT_PASSPHRASE'),
      openWhole: () => this.wholeStore(backend),
    });
  }

  #storeOptions(): StoreOptions {
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
  passphrases(): Promise<Passphrases> {
    this.#passphrases ??= this.#options.openPassphrases(this);
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
    this.#prompter ??= this.interaction?.openPrompter(this) ?? Promise.resolve(undefined);
    return this.#prompter;
  }

  /** Between the questions of `work`, too, nothing that is typed is shown. */
  async withTerminalHeld<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1;
    try {
      return await work();
    } finally {
      this.#holds -= 1;
      await this.releaseTerminal();
    }
  }

  /** Gives the terminal back, unless more questions are to come: see withTerminalHeld. */
  async releaseTerminal(): Promise<void> {
    if (this.#holds === 0) {
      await (await this.#prompter)?.release();
    }
  }

  /**
   * `MESA_API_KEY`, or what its file holds, with `MESA_ORG`; empty ones count as unset.
   * @throws INVALID_KEY, INVALID_SCOPE, and as readSecret
   */
  async environmentKey(): Promise<NamedEnvironmentKey | undefined> {
    if (!isSecretSet(this.host.env, 'MESA_API_KEY')) {
      return undefined;
    }
    const { readEnvironmentKey } = await import('./environment-secrets.ts');
    return { ...readEnvironmentKey(this.host), org: this.environmentOrg() };
  }

  /** `MESA_ORG`. @throws INVALID_SCOPE */
  environmentOrg(): string | undefined {
    return organizationOf(this.host.env);
  }
}

/** What was there, or made, before a command began. */
export interface Begun {
  readonly config: Config;
  readonly store: SecretStore;
  /** What the wizard asked for and stored for `wanted`, so that nobody is asked again. */
  readonly stored: Token | undefined;
}

/**
 * What comes before every command that uses the store: the configuration, or on a first run the wizard; then the
 * keys of MESA_ORGS. A malformed MESA_ORGS stops the command before any of it.
 * @param loaded the configuration, from a command that never starts the wizard
 * @param wanted what the command stores
 */
export async function beginCommand(context: Context, loaded?: Config, wanted?: Wanted): Promise<Begun> {
  const register = isSecretSet(context.host.env, 'MESA_ORGS')
    ? (await import('./register-orgs.ts')).registerOrgs(context.host)
    : undefined;
  const { config, stored } =
    loaded === undefined ? await configure(context, wanted) : { config: loaded, stored: undefined };
  const { file, legacyKeyOrgs } = config;
  legacyKeyOrgs.forEach((org) =>
    context.output.warn(`${file} holds a key for organization '${org}' in plain text; it is not used`),
  );
  if (legacyKeyOrgs.length > 0) {
    context.output.hint('what to do: mesa auth doctor');
  }
  const store = await context.store(config.backend);
  await register?.(store, config, context.output);
  return { config, store, stored };
}

/** The configuration; on a first run, after the wizard or after what goes without one. */
export async function configure(context: Context, wanted?: Wanted): Promise<Omit<Begun, 'store'>> {
  const config = await context.loadConfig();
  if (config.file !== undefined) {
    return { config, stored: undefined };
  }
  if (context.canOnboard && context.storeThere === undefined) {
    const [configFile] = context.paths.configFiles;
    const stored = await context.interaction?.onboard(context, { configFile, apiUrl: config.apiUrl, wanted });
    return { config: await context.reloadConfig(), stored };
  }
  const settled = await (await import('./first-run.ts')).settleWithoutWizard(context, config);
  return { config: settled, stored: undefined };
}

/** The configuration as it is, for a command that writes nothing: no wizard, and no key of MESA_ORGS is registered. */
export async function peekConfig(context: Pick<Context, 'host' | 'loadConfig'>): Promise<Config> {
  if (isSecretSet(context.host.env, 'MESA_ORGS')) {
    (await import('./environment-secrets.ts')).readOrgs(context.host);
  }
  return context.loadConfig();
}
