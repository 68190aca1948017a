import { parsePermission } from '../../access-token/permissions.ts';
import { formatStoreKey, scopeFromNames } from '../../core/key-scope.ts';
import type { Token } from '../../core/token.ts';
import { MesaAuthError } from '../../errors.ts';
import {
  createApiKey,
  revokeApiKey,
  type ApiKey,
  type CreatedApiKey,
  type KeyOrder,
} from '../../rest/api-keys.ts';
import type { ApiAccess } from '../../rest/request.ts';
import { whoami } from '../../rest/whoami.ts';
import type { Context } from '../../session/context.ts';
import type { ScopeOptions } from '../../session/used-scope.ts';
import { parseExpires } from '../api/api-key-flags.ts';
import { describeApiKey } from '../api/api-key-report.ts';
import { assertStorable, failedCreation, keepNewKey, revokedAgain } from '../api/keep-new-key.ts';
import { knownNames } from '../api/repository-names.ts';
import { planRotation, ROTATED_FROM, type Rotation } from '../api/rotation.ts';
import { expiresFlag } from '../command-line/shared-flags.ts';
import { JSON_FLAG, orgAndRepoFlags, scopeOf, valueOf, type CommandSpec } from '../command-line/spec.ts';
import { withProgress } from '../terminal/progress.ts';
import { uninterrupted } from '../terminal/uninterrupted.ts';

export const command: CommandSpec = {
  path: ['auth', 'api-keys', 'rotate'],
  description: 'put a new API key that can do the same in the place of a stored one, and revoke that',
  examples: [
    'mesa auth api-keys rotate --org acme',
    'mesa auth api-keys rotate --org acme --repo web --expires 30d',
  ],
  flags: [
    ...orgAndRepoFlags('the global scope'),
    expiresFlag('when the new one ends, as 90d; as long as the old one when absent'),
    JSON_FLAG,
  ],
  run: (context, flags) =>
    runRotateApiKey(context, {
      ...scopeOf(flags),
      expires: valueOf(flags, 'expires'),
      json: flags.has('json'),
    }),
};

interface RotateApiKeyOptions extends ScopeOptions {
  /** Instead of the old key's time. */
  readonly expires: string | undefined;
  readonly json: boolean;
}

/** As servers have them: contract section 7. */
const MIN_SECONDS = 100;
const MAX_SECONDS = 31_536_000;
const MAX_TAGS = 64;

/**
 * `mesa auth api-keys rotate`: a new key that can do the same takes the place of a stored one. The order is what makes it
 * safe: create, verify, store, and only then revoke. Killed before the store was written, the old key is there and works;
 * after that, the new one does, and the next run revokes the old one.
 */
async function runRotateApiKey(context: Context, options: RotateApiKeyOptions): Promise<void> {
  const scope = scopeFromNames(options.org, options.repo);
  const expires = parseExpires(options.expires);
  const rotation = await planRotation(context, scope);
  const { old, keyId, unfinished, access, org } = rotation;
  if (unfinished === undefined) {
    await rotate(context, rotation, options, expires);
    return;
  }
  await revoke(context, { ...rotation, id: unfinished, access });
  context.output.note(
    `finished a rotation that was interrupted: revoked API key ${unfinished} of organization ${org}`,
  );
  await report(
    context,
    options,
    rotation,
    { id: keyId, token: old.token, expires: rotation.details.expires },
    unfinished,
  );
}

async function rotate(
  context: Pick<Context, 'environmentKey' | 'host' | 'output'>,
  rotation: Rotation,
  options: RotateApiKeyOptions,
  expires: number | undefined,
): Promise<void> {
  const { store, scope, scopes, old, keyId, details, access, org, managesItself } = rotation;
  const { output } = context;
  await assertStorable(store, scope, old.token);
  await store.apply([{ kind: 'learn', scope, token: old.token, facts: { keyId, expires: details.expires } }]);
  const names = await knownNames(context, access, org)([details]);
  await uninterrupted(async () => {
    const created = await createVerified(context, rotation, orderLike(details, expires));
    await keepNewKey(
      store,
      scopes.map((place) => ({
        kind: 'replace',
        scope: place,
        old: old.token,
        token: created.token,
        facts: { keyId: created.id, expires: created.expires },
        api: access.apiUrl,
      })),
      { created, org, access },
    );
    const places = scopes.map(formatStoreKey);
    output.note(
      `replaced key for ${places.join(' and ')} (${old.token.masked()}) with API key ${created.id} (${created.token.masked()}) in ${store.backend}: ${describeApiKey(created, names)}`,
    );
    await revoke(context, {
      ...rotation,
      id: keyId,
      access: managesItself ? withKey(access, created.token) : access,
    });
    output.note(`revoked API key ${keyId} of organization ${org}`);
    await report(context, options, rotation, created, keyId);
  });
}

/** A key that the server accepts and that is the one that was made; else it is revoked again. */
async function createVerified(
  context: Pick<Context, 'host'>,
  { access, org, keyId, ...rotation }: Rotation,
  order: KeyOrder,
): Promise<CreatedApiKey> {
  const tags = new Map(order.tags);
  if (tags.size < MAX_TAGS || tags.has(ROTATED_FROM)) {
    tags.set(ROTATED_FROM, keyId);
  }
  let created: CreatedApiKey;
  try {
    created = await withProgress(context, 'creating the new API key', () =>
      createApiKey(access, org, { ...order, tags }),
    );
  } catch (error) {
    throw await failedCreation(error, { access, org });
  }
  const newKey = { created, org, access };
  try {
    const identity = await withProgress(context, 'verifying the new API key', () =>
      whoami(withKey(access, created.token, formatStoreKey(rotation.scope))),
    );
    if (identity.keyId === created.id && identity.org.slug === org) {
      return created;
    }
  } catch (error) {
    throw await revokedAgain(error, newKey);
  }
  throw await revokedAgain(
    new MesaAuthError('SERVER_FAILED', `${access.apiUrl} takes the new key for another one`),
    newKey,
  );
}

function withKey(access: ApiAccess, token: Token, source = access.key.source): ApiAccess {
  return { ...access, key: { token, source } };
}

/** The same again, for as long as the old key was made for. */
function orderLike(
  { name, permissions, repoIds, tags, created, expires }: ApiKey,
  seconds: number | undefined,
): KeyOrder {
  const lifetime =
    expires === undefined ? undefined : Math.round((expires.getTime() - created.getTime()) / 1_000);
  return {
    name,
    permissions: permissions.flatMap((word) => parsePermission(word) ?? []),
    repoIds,
    expiresInSeconds:
      seconds ??
      (lifetime === undefined ? undefined : Math.min(MAX_SECONDS, Math.max(MIN_SECONDS, lifetime))),
    tags,
  };
}

async function revoke(
  context: Pick<Context, 'host'>,
  { access, org, id }: Pick<Rotation, 'access' | 'org'> & { readonly id: string },
): Promise<void> {
  try {
    await withProgress(context, 'revoking the old API key', () => revokeApiKey(access, org, id));
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    throw new MesaAuthError(
      error.code,
      `the new key is stored and works, but the old one, ${id}, was not revoked: ${error.message}`,
      { hint: `mesa auth api-keys revoke ${id} --org ${org}`, cause: error },
    );
  }
}

async function report(
  context: Pick<Context, 'environmentKey' | 'output'>,
  { json }: RotateApiKeyOptions,
  { org, scopes, old, orphans }: Rotation,
  { id, token, expires }: Pick<CreatedApiKey, 'id' | 'token' | 'expires'>,
  revoked: string,
): Promise<void> {
  const { output } = context;
  const environmentKey = await context.environmentKey();
  if (!token.equals(old.token) && environmentKey?.token.equals(old.token) === true) {
    output.warn(`${environmentKey.variable} still holds the key that was revoked`);
  }
  for (const orphan of orphans) {
    output.warn(`API key ${orphan} was made by a rotation that was interrupted, and nobody has it`);
    output.hint(`mesa auth api-keys revoke ${orphan} --org ${org}`);
  }
  if (json) {
    output.json({
      organization: org,
      stored_for: scopes.map(formatStoreKey),
      id,
      masked_key: token.masked(),
      expires: expires?.toISOString() ?? null,
      revoked,
      orphans,
    });
  }
}
