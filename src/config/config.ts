import { apiUrlOfDomain, parseApiUrl } from '../core/api-url.ts';
import { quoteText } from '../core/escape-text.ts';
import { isOrgSlug } from '../core/key-scope.ts';
import { BACKENDS, type Backend } from '../core/secret-store.ts';
import { MesaAuthError } from '../errors.ts';
import { isTable, type TomlTable, type TomlValue } from '../toml/table.ts';
import { SETTINGS, type UnknownSetting } from './settings.ts';

/** What `mesa` takes from config.toml. Other tables belong to other programs. */
export interface Config {
  /** The file that it was read from; undefined when the defaults apply. */
  readonly file: string | undefined;
  readonly backend: Backend;
  /** Milliseconds that a vault stays unlocked without use after its passphrase was typed; undefined for not at all. */
  readonly unlockTimeout: number | undefined;
  /** The organization that is meant where a command that uses a key names none. */
  readonly org: string | undefined;
  /** Milliseconds that a replaced key is kept; 0 for not at all, undefined for as long as it is by default. */
  readonly keepReplaced: number | undefined;
  /** Whether uses of keys are recorded; see cli/record-use.ts. */
  readonly audit: boolean;
  /** Where the API is, as `https://api.mesa.dev`: REST below `/v1`, git repositories below `/<org>/<repo>.git`. */
  readonly apiUrl: string;
  /** The domain whose API that is, as `mesa.dev`; undefined where the API was named otherwise. */
  readonly serviceDomain: string | undefined;
  /** What stands in `[secrets]` and has no effect. */
  readonly unknownSettings: readonly UnknownSetting[];
  /** Organizations whose section still holds a key in plain text, from before there was a secret store. */
  readonly legacyKeyOrgs: readonly string[];
}

export const DEFAULT_BACKEND: Backend = 'encrypted-file';
const DEFAULT_API_URL = 'https://api.mesa.dev';

export const DEFAULT_CONFIG: Config = {
  file: undefined,
  backend: DEFAULT_BACKEND,
  unlockTimeout: undefined,
  org: undefined,
  keepReplaced: undefined,
  audit: true,
  apiUrl: DEFAULT_API_URL,
  serviceDomain: undefined,
  unknownSettings: [],
  legacyKeyOrgs: [],
};

/** Finds the line of a value for a message; asynchronous because only errors need it. */
export type LineOf = (path: readonly string[]) => Promise<number | undefined>;

/**
 * @param suggestBackend the backend that has keys, for the hint about one that there is not
 * @throws CONFIG_INVALID, naming file and line
 */
export async function configFromTable(
  table: TomlTable,
  file: string,
  lineOf: LineOf,
  suggestBackend: () => Backend,
): Promise<Config> {
  const fail = async (path: readonly string[], message: (where: string) => string): Promise<never> => {
    const line = await lineOf(path);
    const where = line === undefined ? file : `${file}:${line}`;
    throw new MesaAuthError('CONFIG_INVALID', message(where), {
      hint:
        path[1] === 'backend'
          ? `mend that line, or: mesa init --backend ${suggestBackend()}`
          : path[1] === 'org'
            ? 'mend that line, or: mesa auth use acme'
            : 'mend that line',
    });
  };
  const string = async (path: readonly string[], value: TomlValue | undefined): Promise<string | undefined> =>
    value === undefined || typeof value === 'string'
      ? value
      : fail(path, (where) => `${path.join('.')} in ${where} is not a string`);

  const secrets = table.get('secrets');
  if (secrets !== undefined && !(secrets instanceof Map)) {
    return fail(['secrets'], (where) => `secrets in ${where} is not a table`);
  }
  const backend = (await string(['secrets', 'backend'], secrets?.get('backend'))) ?? DEFAULT_BACKEND;
  if (!isBackend(backend)) {
    return fail(
      ['secrets', 'backend'],
      (where) =>
        `unknown secrets backend ${quoteText(backend)} in ${where}; expected ${BACKENDS.join(' or ')}`,
    );
  }
  const unlockPath = ['secrets', 'unlock-timeout'];
  const unlockText = await string(unlockPath, secrets?.get('unlock-timeout'));
  // Loaded here because most configurations have none.
  const unlockTimeout =
    unlockText === undefined
      ? undefined
      : (await import('../core/unlock-time.ts')).parseUnlockTime(unlockText);
  if (unlockText !== undefined && unlockTimeout === undefined) {
    return fail(
      unlockPath,
      (where) => `secrets.unlock-timeout in ${where} is not a time up to 12h, as in 15m`,
    );
  }
  const orgPath = ['secrets', 'org'];
  const org = await string(orgPath, secrets?.get('org'));
  if (org !== undefined && !isOrgSlug(org)) {
    // Not its text: it may be a key in the wrong place.
    return fail(orgPath, (where) => `secrets.org in ${where} is not an organization name`);
  }
  const keepPath = ['secrets', 'keep-replaced'];
  const keepText = await string(keepPath, secrets?.get('keep-replaced'));
  const keepReplaced =
    keepText === undefined
      ? undefined
      : (await import('../core/keep-replaced.ts')).parseKeepReplaced(keepText);
  if (keepText !== undefined && keepReplaced === undefined) {
    return fail(
      keepPath,
      (where) => `secrets.keep-replaced in ${where} is not a time up to 365d, as in 7d, or 0`,
    );
  }
  const audit = secrets?.get('audit') ?? true;
  if (typeof audit !== 'boolean') {
    return fail(['secrets', 'audit'], (where) => `secrets.audit in ${where} is not true or false`);
  }
  let apiUrl: string | undefined = DEFAULT_API_URL;
  const domain = await string(['service-domain'], table.get('service-domain'));
  const url = await string(['api-url'], table.get('api-url'));
  if (domain !== undefined || url !== undefined) {
    apiUrl = domain === undefined ? apiUrl : apiUrlOfDomain(domain);
    if (apiUrl === undefined) {
      return fail(['service-domain'], (where) => `service-domain in ${where} is not a host name`);
    }
    // The narrower word, for a server that does not follow the naming of domains.
    apiUrl = url === undefined ? apiUrl : parseApiUrl(url);
    if (apiUrl === undefined) {
      return fail(
        ['api-url'],
        (where) =>
          `api-url in ${where} is not an https URL of a host (http only for 127.0.0.1 and localhost)`,
      );
    }
  }
  return {
    file,
    backend,
    unlockTimeout,
    org,
    keepReplaced,
    audit,
    apiUrl,
    serviceDomain: url === undefined ? domain : undefined,
    unknownSettings: await unknownIn(secrets, lineOf),
    legacyKeyOrgs: [...legacyKeys(table).keys()],
  };
}

/** Most configurations have none, and load nothing for it. */
async function unknownIn(secrets: TomlTable | undefined, lineOf: LineOf): Promise<readonly UnknownSetting[]> {
  for (const name of secrets?.keys() ?? []) {
    if (!SETTINGS.includes(name)) {
      return (await import('./unknown-settings.ts')).unknownSettings(secrets ?? new Map(), lineOf);
    }
  }
  return [];
}

export function isBackend(text: string): text is Backend {
  return (BACKENDS as readonly string[]).includes(text);
}

/** What stands where keys were kept before there was a secret store, by organization. None of it was checked. */
export function legacyKeys(table: TomlTable): ReadonlyMap<string, TomlValue> {
  const found = new Map<string, TomlValue>();
  const organizations = table.get('organizations');
  if (organizations === undefined) {
    return found;
  }
  for (const [org, section] of isTable(organizations) ? organizations : []) {
    const value = isTable(section) ? section.get('api-key') : undefined;
    if (value !== undefined) {
      found.set(org, value);
    }
  }
  return found;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether the environment wants no configuration file to be read (`MESA_NO_CONFIG_FILE`; 0 and empty count as unset). */
export function readsNoFile(env: Environment): boolean {
  return !['', '0'].includes(env['MESA_NO_CONFIG_FILE'] ?? '');
}

/**
 * The configuration with what the environment says of the API, which comes before what the file says: `MESA_API_URL`, else
 * `MESA_SERVICE_DOMAIN`. Empty ones count as unset.
 * @throws CONFIG_INVALID
 */
export function withEnvironment(config: Config, env: Environment): Config {
  const url = env['MESA_API_URL'] ?? '';
  const domain = env['MESA_SERVICE_DOMAIN'] ?? '';
  if (url === '' && domain === '') {
    return config;
  }
  const fromDomain = domain === '' ? undefined : apiUrlOfDomain(domain);
  if (domain !== '' && fromDomain === undefined) {
    throw new MesaAuthError('CONFIG_INVALID', 'MESA_SERVICE_DOMAIN is not a host name', {
      hint: 'set it as in corp.example, or unset it',
    });
  }
  const apiUrl = url === '' ? fromDomain : parseApiUrl(url);
  if (apiUrl === undefined) {
    throw new MesaAuthError(
      'CONFIG_INVALID',
      'MESA_API_URL is not an https URL of a host (http only for 127.0.0.1 and localhost)',
      { hint: 'set it as in https://api.example.com, or unset it' },
    );
  }
  const serviceDomain = domain === '' ? config.serviceDomain : domain;
  const isSame = serviceDomain !== undefined && apiUrlOfDomain(serviceDomain) === apiUrl;
  return { ...config, apiUrl, serviceDomain: isSame ? serviceDomain : undefined };
}

/** A variable that holds a secret; another one, with `_FILE` behind its name, may name a file that does. */
export type SecretVariable =
  | 'MESA_API_KEY'
  | 'MESA_ORGS'
  | 'MESA_VAULT_PASSPHRASE'
  | 'MESA_NEW_VAULT_PASSPHRASE';

/** Whether there is such a secret, in the variable or in a file; an empty variable counts as unset. */
export function isSecretSet(env: Environment, variable: SecretVariable): boolean {
  return (env[variable] ?? '') !== '' || (env[`${variable}_FILE`] ?? '') !== '';
}

/** `MESA_ORG`; an empty one counts as unset. @throws INVALID_SCOPE */
export function organizationOf(env: Environment): string | undefined {
  const org = env['MESA_ORG'] ?? '';
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
