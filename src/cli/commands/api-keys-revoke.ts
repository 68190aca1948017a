import { shellWord } from '../../core/escape-text.ts';
import { formatStoreKey, scopeFlags } from '../../core/key-scope.ts';
import { nameOfKey } from '../../core/key-source.ts';
import { MesaAuthError } from '../../errors.ts';
import { revokeApiKey } from '../../rest/api-keys.ts';
import { parseKeyId } from '../api/api-key-flags.ts';
import { identify, accessOrg, type OrgAccess } from '../api/org-access.ts';
import { hasConsent } from '../whole-store/consent.ts';
import type { Context } from '../../session/context.ts';
import { missingApiKey } from '../api/missing-api-key.ts';
import { withProgress } from '../terminal/progress.ts';

export interface RevokeApiKeyOptions {
  readonly org: string | undefined;
  readonly id: string | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

/** `mesa auth api-keys revoke`: at once and for good. The key that is in use here is asked about first. */
export async function runRevokeApiKey(context: Context, options: RevokeApiKeyOptions): Promise<void> {
  const id = parseKeyId(options.id, 'revoke');
  const session = await accessOrg(context, options.org);
  const { access, key, org } = session;
  const identity = await identify(context, access);
  if (identity.keyId === id && !(await isConfirmed(context, session, id, options.yes))) {
    throw new MesaAuthError('FAILURE', 'nothing was revoked', {
      hint: `to replace the key instead: mesa auth api-keys rotate --org ${org}`,
    });
  }
  try {
    await withProgress(context, 'revoking the API key', () => revokeApiKey(access, org, id));
  } catch (error) {
    throw missingApiKey(error, id, org);
  }
  context.output.note(`revoked API key ${id} of organization ${org}`);
  const left = [...((await key.store?.read())?.values() ?? [])].filter(
    (entry) => entry.keyId === id || (identity.keyId === id && entry.token.equals(key.token)),
  );
  for (const { scope } of left) {
    context.output.warn(`the store still has it, for ${formatStoreKey(scope)}`);
    context.output.hint(`mesa auth rm-key${scopeFlags(scope)}`);
  }
  if (options.json) {
    context.output.json({
      organization: org,
      id,
      revoked: true,
      still_stored_for: left.map(({ scope }) => formatStoreKey(scope)),
    });
  }
}

function isConfirmed(context: Context, { key, org }: OrgAccess, id: string, yes: boolean): Promise<boolean> {
  const name = nameOfKey(key.source);
  return hasConsent(
    context,
    {
      yes,
      refused: `revoking ${name}, which this command itself uses,`,
      hint: `mesa auth api-keys revoke ${shellWord(id)} --org ${org} --yes`,
    },
    `This is ${name}, which this command itself uses. Revoke it? That cannot be undone.`,
  );
}
