import type { Context } from '../../session/context.ts';
import { announceToActions } from '../show/github-actions.ts';
import { mintForCommand, type MintOptions } from '../../session/mint.ts';

export interface MintTokenOptions extends MintOptions {
  readonly json: boolean;
}

/** `mesa auth mint-token`: prints a short-lived token, which is a secret for as long as it works. */
export async function runMintToken(context: Context, options: MintTokenOptions): Promise<void> {
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
