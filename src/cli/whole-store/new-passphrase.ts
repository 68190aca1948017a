import { isSecretSet } from '../../config/config.ts';
import { MesaAuthError } from '../../errors.ts';
import type { Context } from '../../session/context.ts';
import { askNewPassphrase, newPassphraseFrom } from '../../session/passphrases.ts';

/**
 * The passphrase that replaces the vault's present one: MESA_NEW_VAULT_PASSPHRASE, else typed twice or generated.
 * @throws LOCKED when there is nobody to ask, INVALID_PASSPHRASE, INTERRUPTED
 */
export async function passphraseToReplace(
  context: Pick<Context, 'host' | 'interaction' | 'output' | 'prompter'>,
): Promise<string> {
  return (
    newPassphraseFrom(context, 'MESA_NEW_VAULT_PASSPHRASE') ??
    (await askNewPassphrase(context, 'New passphrase for the vault', newPassphraseMissing))
  );
}

/** @throws LOCKED when passphraseToReplace would find nobody to ask, before anything else is asked for */
export async function assertPassphraseToReplace(context: Pick<Context, 'host' | 'prompter'>): Promise<void> {
  const known = isSecretSet(context.host.env, 'MESA_NEW_VAULT_PASSPHRASE');
  if (!known && (await context.prompter()) === undefined) {
    throw newPassphraseMissing();
  }
}

function newPassphraseMissing(): MesaAuthError {
  return new MesaAuthError('LOCKED', 'there is no new passphrase, and nobody to ask for it', {
    hint: 'set MESA_NEW_VAULT_PASSPHRASE, or run mesa on a terminal without -y',
  });
}

/**
 * The passphrase of a new backup: MESA_VAULT_PASSPHRASE, else typed twice or generated.
 * @throws LOCKED when there is nobody to ask, INVALID_PASSPHRASE, INTERRUPTED
 */
export async function passphraseForBackup(
  context: Pick<Context, 'host' | 'interaction' | 'output' | 'prompter'>,
): Promise<string> {
  return (
    newPassphraseFrom(context, 'MESA_VAULT_PASSPHRASE') ??
    (await askNewPassphrase(
      context,
      'Passphrase for the backup',
      () =>
        new MesaAuthError('LOCKED', 'the backup needs a passphrase, and there is nobody to ask for it', {
          hint: 'set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y',
        }),
    ))
  );
}
