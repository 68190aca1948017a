import type { Context } from '../../session/context.ts';
import { mintForCommand, type MintOptions } from '../../session/mint.ts';
import { mintFlags, mintOptionsOf } from '../command-line/shared-flags.ts';
import type { CommandSpec } from '../command-line/spec.ts';
import { announceToActions } from '../show/github-actions.ts';

export const command: CommandSpec = {
  path: ['auth', 'mint-token'],
  description:
    'print a short-lived token that can do less than the key: by default read one repository for an hour',
  examples: [
    'mesa auth mint-token                      # in a checkout',
    'mesa auth mint-token --repo acme/web --scope read,write --ttl 15m',
    'mesa auth mint-token --org acme --all-repos --json',
  ],
  flags: [
    ...mintFlags("a repository that the token is for, or several; without it the checkout's"),
    { long: '--json', description: 'print one JSON document, with the token in it' },
  ],
  run: (context, flags) => runMintToken(context, { ...mintOptionsOf(flags), json: flags.has('json') }),
};

interface MintTokenOptions extends MintOptions {
  readonly json: boolean;
}

/** `mesa auth mint-token`: prints a short-lived token, which is a secret for as long as it works. */
async function runMintToken(context: Context, options: MintTokenOptions): Promise<void> {
  const minted = await mintForCommand(context, options, 'output');
  announceToActions(context, minted.token);
  if (options.json) {
    context.output.json({
      token: minted.token.reveal(),
      expires: minted.expires.toISOString(),
      permissions: minted.permissions,
      organization: minted.org ?? null,
      repositories: minted.repos,
      source: minted.source,
      key_id: minted.keyId,
    });
  } else {
    context.output.data(`${minted.token.reveal()}\n`);
  }
}
