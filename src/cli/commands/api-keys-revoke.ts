import { shellWord } from '../../core/escape-text.ts';
import { formatStoreKey, scopeFlags } from '../../core/key-scope.ts';
import { nameOfKey } from '../../core/key-source.ts';
import { MesaAuthError } from '../../errors.ts';
import { revokeApiKey } from '../../rest/api-keys.ts';
import type { Context } from '../../session/context.ts';
import { parseKeyId } from '../api/api-key-flags.ts';
import { identify, accessOrg, type OrgAccess } from '../api/org-access.ts';
import { API_ORG_FLAG, KEY_ID } from '../command-line/shared-flags.ts';
import { JSON_FLAG, valueOf, type CommandSpec } from '../command-line/spec.ts';
import { withProgress } from '../terminal/progress.ts';
import { hasConsent } from '../whole-store/consent.ts';

export const command: CommandSpec = {
  path: ['auth', 'api-keys', 'revoke'],
  description: 'make an API key useless, at once and for good',
  examples: ['mesa auth api-keys revoke key_01KE4Q --org acme'],
  flags: [
    API_ORG_FLAG,
    {
      long: '--yes',
      description:
        'also the key that this command uses, without being asked (-y is another flag: it takes the answer no)',
    },
    JSON_FLAG,
  ],
  argument: KEY_ID,
  run: (context, flags, id) =>
    runRevokeApiKey(context, {
      org: valueOf(flags, 'org'),
      id,
      yes: flags.has('yes'),
      json: flags.has('json'),
    }),
};

interface RevokeApiKeyOptions {
  readonly org: string | undefined;
  readonly id: string | undefined;
  readonly yes: boolean;
  readonly json: boolean;
}

/** `mesa auth api-keys revoke`: at once and for good. The key that is in use here is asked about first. */
async function runRevokeApiKey(context: Context, options: RevokeApiKeyOptions): Promise<void> {
  const id = parseKeyId(options.id, options.org);
  const session = await accessOrg(context, options.org);
  const { access, key, org } = session;
  const identity = await identify(context, access);
  if (identity.keyId === id && !(await isConfirmed(context, session, id, options.yes))) {
    throw new MesaAuthError('FAILURE', 'nothing was revoked', {
      hint: `to replace the key instead: mesa auth api-keys rotate --org ${org}`,
    });
  }
  await withProgress(context, 'revoking the API key', () => revokeApiKey(access, org, id));
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

function isConfirmed(
  context: Pick<Context, 'globals' | 'host' | 'prompter'>,
  { key, org }: OrgAccess,
  id: string,
  yes: boolean,
): Promise<boolean> {
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
