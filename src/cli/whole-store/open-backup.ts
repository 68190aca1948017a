import { MesaAuthError } from '../../errors.ts';
import { decodeUtf8 } from '../../platform/private-file.ts';
import type { Context } from '../../session/context.ts';
import { askOnTerminal, askPassphrase, passphraseFrom } from '../../session/passphrases.ts';
import type { StoreDocument } from '../../stores/document.ts';
import { parseDocument } from '../../stores/read-document.ts';
import { parseVaultHeader } from '../../vault/header.ts';
import { assertMemory } from '../../vault/scrypt.ts';
import { VaultCodec } from '../../vault/vault-codec.ts';

const MAX_ATTEMPTS = 3;
const ANOTHER_BACKUP = 'name another backup; nothing was changed';
const HAS_VERSION = /^\W*version\W*=/m;
const AGE_FILE = /^(?:age-encryption\.org\/|-----BEGIN AGE)/;

/**
 * The document in a backup: an age file with a passphrase, or a plaintext document. A passphrase that opens it is tried
 * on the vault, too, before that one is asked for.
 * @param bytes what the file at `path` holds
 * @throws LOCKED, WRONG_PASSPHRASE, INTERRUPTED; STORE_FOREIGN, STORE_DAMAGED, STORE_VERSION or WORK_FACTOR when it
 *   cannot be used
 */
export async function openBackup(
  context: Pick<Context, 'host' | 'passphrases' | 'prompter'>,
  path: string,
  bytes: Buffer,
): Promise<StoreDocument> {
  const isAgeFile = AGE_FILE.test(bytes.subarray(0, 64).toString('latin1'));
  try {
    const text = isAgeFile ? await decrypt(context, path, bytes) : decodeUtf8(bytes);
    if (text === undefined || text.trim() === '') {
      throw noBackup(path);
    }
    return await parseDocument(text, path);
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    if (error.code === 'STORE_DAMAGED' && !isAgeFile && !HAS_VERSION.test(bytes.toString('latin1'))) {
      throw noBackup(path);
    }
    throw aboutBackup(error);
  }
}

function noBackup(path: string): MesaAuthError {
  return new MesaAuthError('STORE_FOREIGN', `${path} is no backup of mesa`, { hint: ANOTHER_BACKUP });
}

/** What is wrong with a store's file, said of a backup: the hints of a store are about the store. */
function aboutBackup(error: MesaAuthError): MesaAuthError {
  const message = error.message
    .replace(/^the (?:vault|secret store) /, 'the backup ')
    .replace(/^(incorrect passphrase for the) vault /, '$1 backup ');
  if (error.code === 'WRONG_PASSPHRASE') {
    return new MesaAuthError(error.code, message, {
      hint: 'it has the passphrase of when it was made; to be asked for it, run this on a terminal without -y',
    });
  }
  return error.exitStatus === 8 && error.code !== 'STORE_VERSION'
    ? new MesaAuthError(error.code, message, { hint: ANOTHER_BACKUP })
    : error;
}

async function decrypt(
  context: Pick<Context, 'host' | 'passphrases' | 'prompter'>,
  path: string,
  bytes: Buffer,
): Promise<string> {
  assertMemory(parseVaultHeader(bytes, path).workFactor);
  const given = passphraseFrom(context, 'MESA_VAULT_PASSPHRASE');
  if (given !== undefined) {
    try {
      return await decode(path, bytes, given);
    } catch (error) {
      // The backup may have another passphrase than the vault: then somebody may know it.
      if (!isWrong(error) || (await context.prompter()) === undefined) {
        throw error;
      }
    }
  }
  for (let attempt = 1; ; attempt += 1) {
    const typed = await askOnTerminal(
      context,
      askPassphrase(`Passphrase of the backup ${path}:`, attempt, 'opening the backup'),
      () =>
        new MesaAuthError(
          'LOCKED',
          `the backup ${path} needs its passphrase, and there is nobody to ask for it`,
          {
            hint: 'set MESA_VAULT_PASSPHRASE, or run mesa on a terminal without -y',
          },
        ),
    );
    try {
      const text = await decode(path, bytes, typed);
      (await context.prompter())?.settle(true);
      (await context.passphrases()).suggest(typed);
      return text;
    } catch (error) {
      if (!isWrong(error) || attempt >= MAX_ATTEMPTS) {
        throw error;
      }
    }
  }
}

async function decode(path: string, bytes: Buffer, passphrase: string): Promise<string> {
  return new VaultCodec({ passphrase, path }).decode(bytes);
}

function isWrong(error: unknown): boolean {
  return error instanceof MesaAuthError && error.code === 'WRONG_PASSPHRASE';
}
