import { readLegacyKeys, removeLegacyKeys, type LegacyKey } from '../config/legacy-keys.ts';
import { quoteText } from '../core/escape-text.ts';
import { formatStoreKey, type KeyScope } from '../core/key-scope.ts';
import type { KeyEntries, SecretStore } from '../core/secret-store.ts';
import type { Token } from '../core/token.ts';
import { MesaAuthError } from '../errors.ts';
import { assertReplaceable } from '../platform/replaceable.ts';
import type { Examined } from './examined.ts';
import { errorOf, type Finding } from './finding.ts';

const MAKE_VAULT =
  'set MESA_VAULT_PASSPHRASE to make a vault, or be on a terminal, and: mesa auth doctor --fix';

type Keys = ReadonlyMap<string, Token>;

/** Keys that still stand in config.toml, from before there was a secret store. */
export async function checkLegacyKeys({
  config,
  stores,
  withLock,
}: Pick<Examined, 'config' | 'stores' | 'withLock'>): Promise<readonly Finding[]> {
  if (config instanceof MesaAuthError || config.file === undefined || config.legacyKeyOrgs.length === 0) {
    return [];
  }
  const { file } = config;
  const { store, exists, entries, canWrite } = stores[config.backend];
  const findings: Finding[] = [];
  const movable = new Map<string, Token>();
  for (const key of readLegacyKeys(file)) {
    if (key.token === undefined) {
      findings.push(unusable(file, key));
    } else if (!(entries instanceof MesaAuthError) && conflicts(entries, key.org, key.token)) {
      findings.push(conflicting(file, key, store));
    } else {
      movable.set(key.org, key.token);
    }
  }
  if (movable.size > 0) {
    const isLocked = entries instanceof MesaAuthError && entries.code === 'LOCKED';
    const finding = describe(`${file} holds a key in plain text for ${[...movable.keys()].join(', ')}`);
    if (!exists && !(await canWrite())) {
      return [...findings, { ...finding, mend: MAKE_VAULT }];
    }
    findings.push({
      ...finding,
      mend: isLocked ? 'mesa auth unlock && mesa auth doctor --fix' : 'mesa auth doctor --fix',
      fix: () => moveKeys({ file, apiUrl: config.apiUrl }, movable, store, withLock),
    });
  }
  return findings;
}

function describe(what: string): Omit<Finding, 'mend'> {
  return {
    check: 'legacy_keys',
    severity: 'error',
    what,
    why: 'it is not used, and lies in a file that is made to be shared',
  };
}

function unusable(file: string, { org, line }: LegacyKey): Finding {
  return {
    ...describe(
      `the api-key for ${quoteText(org)} in ${placeOf(file, line)} cannot be a key of an organization`,
    ),
    mend: 'delete that line',
  };
}

function conflicting(file: string, { org, line }: LegacyKey, store: SecretStore): Finding {
  return {
    ...describe(`${placeOf(file, line)} holds another key for ${org} than ${store.backend}`),
    mend: `delete that line, or store that key: mesa auth set-key --org ${org}`,
  };
}

function placeOf(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}:${line}`;
}

/**
 * Moves keys into the store, in one write, and takes those out of the config file that are then seen to be there. Cut
 * at any point, each key is in one of the two. A key that the store has another one for stays where it is.
 */
async function moveKeys(
  { file, apiUrl }: { readonly file: string; readonly apiUrl: string },
  keys: Keys,
  store: SecretStore,
  withLock: Examined['withLock'],
): Promise<readonly string[]> {
  // Nothing of it is done unless all of it can be.
  assertReplaceable(file);
  assertReplaceable(store.location);
  const before = await store.read();
  const wanted = [...keys].filter(([org]) => !before.has(formatStoreKey(scopeOf(org))));
  if (wanted.length > 0) {
    await store.apply(
      wanted.map(([org, token]) => ({ kind: 'set', scope: scopeOf(org), token, api: apiUrl })),
    );
  }
  const after = await store.read();
  const moved = new Map(
    [...keys].filter(([org, token]) => after.get(formatStoreKey(scopeOf(org)))?.token.equals(token) === true),
  );
  const error = await errorOf(() => withLock(async () => removeLegacyKeys(file, moved)));
  if (error !== undefined) {
    // Of the config file that is true, but the store has changed.
    const reason = error.message.replace('; nothing was changed', '');
    throw new MesaAuthError(error.code, `it is in ${store.backend} now; ${reason}`, { cause: error.cause });
  }
  return Array.from(moved.keys(), (org) => `moved the key for ${org} from ${file} into ${store.backend}`);
}

function conflicts(entries: KeyEntries, org: string, token: Token): boolean {
  return entries.get(formatStoreKey(scopeOf(org)))?.token.equals(token) === false;
}

function scopeOf(org: string): KeyScope {
  return { kind: 'org', org };
}
