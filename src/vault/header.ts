import { shellWord } from '../core/escape-text.ts';
import { restoreCommands } from '../core/restore-hint.ts';
import { MesaAuthError } from '../errors.ts';

/** What the header of a passphrase-encrypted age file says (C2SP age specification, "scrypt recipient stanza"). */
export interface VaultHeader {
  /** 16 bytes. */
  readonly salt: Uint8Array;
  /** Base-2 logarithm of scrypt's N, 1 to 20. */
  readonly workFactor: number;
}

/** 2^20 costs 1 GiB of memory; a stranger's file must not be able to ask for more. */
export const MAX_WORK_FACTOR = 20;

const VERSION_LINE = 'age-encryption.org/v1\n';
// The one header that a vault can have is 150 bytes long; the rest of this allowance is for telling apart what
// else the file may be.
const LONGEST_HEADER = 1_024;
const SALT_BYTES = 16;
const SCRYPT_STANZA = /^-> scrypt ([A-Za-z0-9+/]{22}) ([0-9]+)\n([A-Za-z0-9+/]{43})\n--- [A-Za-z0-9+/]{43}\n/;

/**
 * Reads the header of a vault before any key is derived, so that a hostile file costs nothing.
 * @param path the file's name, for the errors
 * @throws STORE_FOREIGN when the file is something else than a binary, passphrase-encrypted age file; WORK_FACTOR
 *   above 20; STORE_DAMAGED when the header is malformed
 */
export function parseVaultHeader(file: Uint8Array, path: string): VaultHeader {
  const text = Buffer.from(file.subarray(0, LONGEST_HEADER)).toString('latin1');
  if (!text.startsWith(VERSION_LINE)) {
    throw describeForeign(text, path);
  }
  const stanza = text.slice(VERSION_LINE.length);
  if (/^-> (?!scrypt )/.test(stanza)) {
    throw new MesaAuthError(
      'STORE_FOREIGN',
      `${path} is encrypted to an age recipient, not with a passphrase`,
      {
        hint: 'the vault needs exactly one passphrase: age -p',
      },
    );
  }
  const [, saltText = '', factorText = ''] = SCRYPT_STANZA.exec(stanza) ?? [];
  if (/^[1-9]/.test(factorText) && (factorText.length > 2 || Number(factorText) > MAX_WORK_FACTOR)) {
    throw new MesaAuthError(
      'WORK_FACTOR',
      `${path} asks for a work factor above ${MAX_WORK_FACTOR}; its key derivation would take too much memory`,
      { hint: `trust this file only if you made it; with a backup: ${restoreCommands(path)}` },
    );
  }
  const salt = Buffer.from(saltText, 'base64');
  const canonical = salt.toString('base64').replace(/=+$/, '') === saltText;
  if (!/^[1-9]/.test(factorText) || salt.length !== SALT_BYTES || !canonical) {
    throw damagedVault(path);
  }
  return { salt, workFactor: Number(factorText) };
}

export function damagedVault(path: string): MesaAuthError {
  return new MesaAuthError('STORE_DAMAGED', `the vault ${path} is damaged`, {
    hint: `mesa has not changed it; with a backup: ${restoreCommands(path)}`,
  });
}

function describeForeign(text: string, path: string): MesaAuthError {
  if (text === '') {
    return new MesaAuthError('STORE_DAMAGED', `the vault ${path} is empty`, {
      hint: `start anew: rm ${shellWord(path)}; with a backup: ${restoreCommands(path)}`,
    });
  }
  if (text.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')) {
    return new MesaAuthError('STORE_FOREIGN', `${path} is an armored age file; the vault is a binary one`, {
      hint: 'decrypt it with age -d and encrypt it again with age -p, without -a',
    });
  }
  const kind = text.startsWith('age-encryption.org/')
    ? 'an age file of an unknown version'
    : 'not an age file';
  return new MesaAuthError('STORE_FOREIGN', `${path} is ${kind}`, {
    hint: `move it away; with a backup: ${restoreCommands(path)}`,
  });
}
