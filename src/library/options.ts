import { PERMISSIONS, parsePermission } from '../access-token/permissions.ts';
import { MAX_TTL_SECONDS } from '../access-token/protocol.ts';
import { MesaAuthError } from '../errors.ts';

/** What every function that uses a key takes. */
export interface KeyOptions {
  /** The organization; when absent, `MESA_ORG`, else that of the checkout in `cwd`, else `[secrets] org` of the configuration, else the global key is meant. */
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

interface Rule {
  /** As in `ttlSeconds is not <expected>`. */
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const TEXT: Rule = { expected: 'a text', holds: (value) => typeof value === 'string' };

const RULES: Readonly<Record<string, Rule>> = {
  org: TEXT,
  repo: TEXT,
  passphrase: TEXT,
  cwd: TEXT,
  configPath: TEXT,
  env: {
    expected: 'an object of texts',
    holds: (value) =>
      isObject(value) && Object.values(value).every((text) => text === undefined || typeof text === 'string'),
  },
  onMessage: { expected: 'a function', holds: (value) => typeof value === 'function' },
  repos: {
    expected: "'all', or a list of at least one name",
    holds: (value) => value === 'all' || isListOf(value, (name) => typeof name === 'string'),
  },
  permissions: {
    expected: `a list of at least one of ${PERMISSIONS.join(', ')}`,
    holds: (value) =>
      isListOf(value, (word) => typeof word === 'string' && parsePermission(word) !== undefined),
  },
  ttlSeconds: {
    expected: `a whole number from 1 to ${MAX_TTL_SECONDS}`,
    holds: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TTL_SECONDS,
  },
};

/**
 * Checks what a program without types may get wrong. Whether a name can be one is for those who use it.
 * @param options what was given; absent options, and those that are nobody's, are left alone
 * @throws USAGE, naming the option and never its value
 */
export function checkOptions(options: unknown): void {
  if (!isObject(options)) {
    throw new MesaAuthError('USAGE', 'the options are not an object', { hint: HINT });
  }
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const [name, { expected, holds }] of Object.entries(RULES)) {
    if (given[name] !== undefined && !holds(given[name])) {
      throw new MesaAuthError('USAGE', `${name} is not ${expected}`, { hint: HINT });
    }
  }
  const { org, repo, repos } = given;
  if (org === undefined && repo !== undefined) {
    throw new MesaAuthError('USAGE', 'repo needs org', {
      hint: "give org as well, as in { org: 'acme', repo: 'web' }",
    });
  }
  if (Array.isArray(repos) && org === undefined && repos.some((name) => !String(name).includes('/'))) {
    throw new MesaAuthError('USAGE', 'repos has a name without its organization', {
      hint: "give it as 'organization/repository', or give org",
    });
  }
}

const HINT = 'the types of mesa-auth tell what each option takes';

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isListOf(value: unknown, holds: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(holds);
}
