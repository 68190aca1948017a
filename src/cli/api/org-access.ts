import { isOrgSlug, scopeFromNames, type KeyScope } from '../../core/key-scope.ts';
import { quoteText } from '../../core/escape-text.ts';
import { MesaAuthError } from '../../errors.ts';
import type { ApiAccess } from '../../rest/request.ts';
import { whoami, type Identity } from '../../rest/whoami.ts';
import type { Context } from '../../session/context.ts';
import { resolveKeyOf, type KeyInUse } from '../../session/use-key.ts';
import { usedScope } from '../../session/used-scope.ts';
import { withProgress } from '../terminal/progress.ts';

/** What a command that manages the keys of an organization works with. */
export interface OrgAccess {
  /** With the key that manages. */
  readonly access: ApiAccess;
  readonly key: KeyInUse;
  /** The organization's slug. */
  readonly org: string;
}

/**
 * The organization that the flag, MESA_ORG or the checkout names, else the one that the key is of, and the key that the
 * look-up finds for it.
 * @throws KEY_NOT_FOUND, and as whoami
 */
export async function accessOrg(context: Context, org: string | undefined): Promise<OrgAccess> {
  scopeFromNames(org, undefined);
  const config = await context.loadConfig();
  const { scope } = await usedScope(context, { org, repo: undefined }, config);
  const lookup: KeyScope = scope.kind === 'repo' ? { kind: 'org', org: scope.org } : scope;
  const key = await resolveKeyOf(context, lookup, config);
  const access = { apiUrl: config.apiUrl, env: context.host.env, key };
  return {
    access,
    key,
    org: lookup.kind === 'org' ? lookup.org : (await identify(context, access)).org.slug,
  };
}

/** Who the server says that a key is. @throws as whoami; SERVER_FAILED for an organization with an impossible name */
export async function identify(context: Pick<Context, 'host'>, access: ApiAccess): Promise<Identity> {
  const identity = await withProgress(context, `asking ${access.apiUrl}`, () => whoami(access));
  if (!isOrgSlug(identity.org.slug)) {
    throw new MesaAuthError(
      'SERVER_FAILED',
      `${access.apiUrl} names an organization ${quoteText(identity.org.slug)}, which is no name for one`,
      { hint: 'check service-domain or api-url in config.toml' },
    );
  }
  return identity;
}
