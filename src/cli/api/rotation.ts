import { isForApi } from '../../core/api-url.ts';
import { environmentKeyApplies, lookupOrder } from '../../core/candidates.ts';
import { formatStoreKey, scopeFlags, type KeyScope, type StoreKey } from '../../core/key-scope.ts';
import { nameOfKey, needsApiKey } from '../../core/key-source.ts';
import type { KeyEntries, KeyEntry, SecretStore } from '../../core/secret-store.ts';
import { MesaAuthError } from '../../errors.ts';
import type { ApiKeyInUse } from '../../rest/api-key-in-use.ts';
import { listApiKeys, type ApiKey } from '../../rest/api-keys.ts';
import type { ApiAccess } from '../../rest/request.ts';
import { whoami, type Identity } from '../../rest/whoami.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { assertForApi } from '../../session/other-api.ts';
import { recordUse } from '../../session/use-key.ts';
import { withProgress } from '../terminal/progress.ts';
import { identify } from './org-access.ts';

/** The tag of a key that says which one it came to replace. An interrupted rotation is known by it. */
export const ROTATED_FROM = 'rotated-from';

/** A stored key that is to be replaced, and all there is to know before. */
export interface Rotation {
  readonly store: SecretStore;
  readonly scope: KeyScope;
  readonly old: KeyEntry;
  /** Of all places of the store that hold the old key: none may be left with a revoked one. */
  readonly scopes: readonly KeyScope[];
  readonly org: string;
  readonly keyId: string;
  /** What the server knows of the old key. */
  readonly details: ApiKey;
  /** With the key that creates and revokes. */
  readonly access: ApiAccess;
  /** Whether that is the old key itself. */
  readonly managesItself: boolean;
  /** An active key that the old one came to replace: it is the only step that was left. */
  readonly unfinished: string | undefined;
  /** Active keys of rotations that were interrupted before they were stored. */
  readonly orphans: readonly string[];
}

/**
 * Looks at everything that a rotation needs, and changes nothing.
 * @param scope exactly the one whose key is replaced
 * @throws KEY_NOT_FOUND, KEY_REFUSED, and as the store and the requests do
 */
export async function planRotation(context: Context, scope: KeyScope): Promise<Rotation> {
  const { apiUrl } = await context.loadConfig();
  const { store } = await beginCommand(context);
  const entries = await store.read();
  const source = formatStoreKey(scope);
  const old = entries.get(source);
  if (old === undefined) {
    await recordUse(context, scope, null, 'KEY_NOT_FOUND');
    throw new MesaAuthError('KEY_NOT_FOUND', `there is no key for ${source} to rotate`, {
      hint: 'see the keys that there are: mesa auth list',
    });
  }
  try {
    await assertForApi(context, { source, api: old.api }, apiUrl);
  } catch (error) {
    if (error instanceof MesaAuthError) {
      await recordUse(context, scope, source, error.code);
    }
    throw error;
  }
  await recordUse(context, scope, source, 'used');
  const key: ApiKeyInUse = { token: old.token, source };
  const own: ApiAccess = { apiUrl, env: context.host.env, key };
  const identity = await identify(context, own);
  const { keyId, org } = identity;
  if (keyId === undefined) {
    throw needsApiKey(source, 'be rotated');
  }
  const access = await findManager(context, own, identity, entries, scope);
  const active = await activeKeys(
    context,
    access,
    org.slug,
    (found) => found.id === keyId || isFrom(found, keyId),
  );
  const details = active.find(({ id }) => id === keyId);
  if (details === undefined) {
    throw new MesaAuthError(
      'KEY_REFUSED',
      `${nameOfKey(access.key.source)} cannot see the API key ${keyId}`,
      {
        hint: 'put a key with more permissions into MESA_API_KEY',
      },
    );
  }
  const before = details.tags.get(ROTATED_FROM);
  const earlier =
    before === undefined
      ? []
      : await activeKeys(context, access, org.slug, (found) => found.id === before || isFrom(found, before));
  return {
    store,
    scope,
    old,
    scopes: Array.from(entries.values())
      .filter(({ token }) => token.equals(old.token))
      .map((entry) => entry.scope),
    org: org.slug,
    keyId,
    details,
    access,
    managesItself: access.key.token.equals(old.token),
    unfinished: earlier.find(({ id }) => id === before)?.id,
    orphans: [...active, ...earlier].map(({ id }) => id).filter((id) => id !== keyId && id !== before),
  };
}

function isFrom({ tags }: ApiKey, keyId: string): boolean {
  return tags.get(ROTATED_FROM) === keyId;
}

/**
 * The key that may manage others: the old one itself, else the one in MESA_API_KEY, else that of a wider scope.
 * @throws KEY_REFUSED when none of them may
 */
async function findManager(
  context: Context,
  own: ApiAccess,
  { org, permissions }: Identity,
  entries: KeyEntries,
  scope: KeyScope,
): Promise<ApiAccess> {
  if (permissions.includes('admin')) {
    return own;
  }
  const environmentKey = await context.environmentKey();
  const others: ApiKeyInUse[] = lookupOrder(scope).flatMap((place) => {
    const source: StoreKey = formatStoreKey(place);
    const entry = entries.get(source);
    return entry === undefined || source === own.key.source || !isForApi(entry, own.apiUrl)
      ? []
      : [{ token: entry.token, source }];
  });
  if (environmentKey !== undefined && environmentKeyApplies(environmentKey, scope)) {
    others.unshift({ token: environmentKey.token, source: 'MESA_API_KEY' });
  }
  for (const key of others) {
    const access = { ...own, key };
    const identity = await withProgress(context, 'looking for a key that may manage keys', () =>
      askRefusable(access),
    );
    if (
      identity?.org.id === org.id &&
      identity.keyId !== undefined &&
      identity.permissions.includes('admin')
    ) {
      await recordUse(context, scope, key.source, 'used');
      return access;
    }
  }
  throw new MesaAuthError(
    'KEY_REFUSED',
    `${nameOfKey(own.key.source)} may not manage API keys, and no wider one that may was found`,
    { hint: `run it with one: MESA_API_KEY="$ADMIN_KEY" mesa auth api-keys rotate${scopeFlags(scope)}` },
  );
}

async function askRefusable(access: ApiAccess): Promise<Identity | undefined> {
  try {
    return await whoami(access);
  } catch (error) {
    if (error instanceof MesaAuthError && error.code === 'KEY_REFUSED') {
      return undefined;
    }
    throw error;
  }
}

async function activeKeys(
  context: Pick<Context, 'host'>,
  access: ApiAccess,
  org: string,
  isWanted: (key: ApiKey) => boolean,
): Promise<readonly ApiKey[]> {
  return withProgress(context, 'looking through the API keys', async () => {
    const found: ApiKey[] = [];
    for await (const page of listApiKeys(access, org, { status: 'active' })) {
      found.push(...page.filter(isWanted));
    }
    return found;
  });
}
