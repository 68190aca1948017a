import { existsSync } from 'node:fs';

import { lockAgent } from '../../agent/control.ts';
import { MesaAuthError } from '../../errors.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { firstKeyCommand } from '../../session/missing-key.ts';
import { readSecret } from '../../session/secret-variable.ts';
import { assertReplaceable } from '../../platform/replaceable.ts';
import { PromptedVaultStore } from '../../stores/prompted-vault-store.ts';
import type { CommandSpec } from '../command-line/spec.ts';
import { assertPassphraseToReplace, passphraseToReplace } from '../whole-store/new-passphrase.ts';

export const command: CommandSpec = {
  path: ['auth', 'change-passphrase'],
  description: 'give the vault another passphrase; without a terminal, MESA_NEW_VAULT_PASSPHRASE',
  examples: ['mesa auth change-passphrase'],
  flags: [],
  run: (context) => context.withTerminalHeld(() => runChangePassphrase(context)),
};

/** `mesa auth change-passphrase`: the vault under another passphrase, in one atomic replacement. */
async function runChangePassphrase(context: Context): Promise<void> {
  const { config } = await beginCommand(context);
  const store = await context.wholeStore(config.backend);
  if (!(store instanceof PromptedVaultStore)) {
    throw new MesaAuthError('USAGE', `keys are kept in ${store.backend}, which has no passphrase`, {
      hint: 'mesa auth migrate --to encrypted-file',
    });
  }
  if (!existsSync(store.location)) {
    throw new MesaAuthError('STORE_ABSENT', `there is no vault yet at ${store.location}`, {
      hint: firstKeyCommand(context),
    });
  }
  assertReplaceable(store.location);
  await assertPassphraseToReplace(context);
  // The agent that the old passphrase would start would have to end at once.
  (await context.passphrases()).unlockFor(undefined);
  // Nobody shall think of a new passphrase for a vault that does not open.
  await store.snapshot();
  await store.changePassphrase(await passphraseToReplace(context));
  await lockAgent(context.paths);
  context.output.note(`changed the passphrase of ${store.location}`);
  const present = readSecret(context.host, 'MESA_VAULT_PASSPHRASE');
  if (present !== undefined) {
    context.output.warn(`${present.variable} still holds the old passphrase; set it to the new one`);
  }
  context.output.hint('backups made before still open with the old passphrase');
}
