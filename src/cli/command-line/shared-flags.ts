import { isBackend } from '../../config/config.ts';
import { quoteText } from '../../core/escape-text.ts';
import { BACKENDS, type Backend } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import type { MintOptions } from '../../session/mint.ts';
import { orgFlag, valueOf, valuesOf, type ArgumentSpec, type Flags, type FlagSpec } from './spec.ts';

/** `--org`, for what manages API keys. */
export const API_ORG_FLAG: FlagSpec = orgFlag("MESA_ORG, the checkout's, or the one that the key is of");

/** The API key that a command is about. */
export const KEY_ID: ArgumentSpec = {
  name: 'key-id',
  description: 'the id of the key, as list shows it',
  required: true,
};

/** `--expires`, for what creates an API key. */
export function expiresFlag(description: string): FlagSpec {
  return { long: '--expires', value: 'time', values: ['7d', '30d', '90d', '365d'], description };
}

/** `--scope`, for a new key or token. @param absent the permissions that it has without the flag */
export function permissionsFlag(absent: string): FlagSpec {
  return {
    long: '--scope',
    value: 'permissions',
    values: ['read', 'read,write', 'read,write,admin'],
    description: `what it may do, of read, write and admin; ${absent} when absent`,
  };
}

/**
 * What says which token is minted.
 * @param repo what `--repo` means
 * @param onlyWith precedes the description of a flag that counts under a condition, as `with --mint: `
 */
export function mintFlags(repo: string, onlyWith = ''): readonly FlagSpec[] {
  const limits: readonly FlagSpec[] = [
    { long: '--all-repos', description: 'for every repository that the key may use' },
    permissionsFlag('read'),
    {
      long: '--ttl',
      value: 'time',
      description: 'how long it works, from 1s to 24h, as 15m; 1h when absent',
    },
  ];
  return [
    orgFlag(),
    { long: '--repo', value: 'org/repo', values: 'org/repo', repeatable: true, description: repo },
    ...limits.map((flag) => ({ ...flag, description: `${onlyWith}${flag.description}` })),
  ];
}

/** What `mintFlags` say. */
export function mintOptionsOf(flags: Flags): MintOptions {
  return {
    org: valueOf(flags, 'org'),
    repos: valuesOf(flags, 'repo'),
    allRepos: flags.has('all-repos'),
    scope: valueOf(flags, 'scope'),
    ttl: valueOf(flags, 'ttl'),
  };
}

/** For what changes the whole store. */
export const DRY_RUN_FLAG: FlagSpec = {
  long: '--dry-run',
  description: 'show what would change, and change nothing',
};
export const PLAN_JSON_FLAG: FlagSpec = {
  long: '--json',
  description: 'with --dry-run: print one JSON document',
};

/** A backend as a flag names it. @throws USAGE */
export function parseBackend(text: string): Backend {
  if (isBackend(text)) {
    return text;
  }
  // It may be a key in the wrong place.
  const shown = /^[a-z-]{1,24}$/.test(text) ? quoteText(text) : '(not shown)';
  throw new MesaAuthError('USAGE', `unknown secrets backend ${shown}; expected ${BACKENDS.join(' or ')}`);
}
