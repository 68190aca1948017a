import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { VaultCodec } from '../../src/vault/vault-codec.ts';
import type { TempHome } from './temp-home.ts';

export const PASSPHRASE = 'kept in no file of a test';
export const UNLOCKED = { MESA_VAULT_PASSPHRASE: PASSPHRASE } as const;

/** A store document with these keys, by scope, all added on the same day. */
export function documentOf(keys: Readonly<Record<string, string>>, version = 1): string {
  const entries = Object.entries(keys).map(
    ([scope, key]) => `\n[keys."${scope}"]\nkey = "${key}"\nadded = 2026-11-20T23:30:00.000Z\n`,
  );
  return `version = ${version}\n${entries.join('')}`;
}

/** A document without the keys that were replaced in it. */
export function withoutPrevious(text: string | undefined): string | undefined {
  return text?.split('\n[previous.')[0];
}

/** Bytes of a vault that is quick to open. */
export function sealDocument(document: string, passphrase = PASSPHRASE): Promise<Uint8Array> {
  const codec = new VaultCodec({ passphrase, path: 'secrets.vault.age', workFactor: 10 });
  return codec.prepareEncode(undefined, false)(document);
}

/** Gives a home directory a vault that is quick to open; `UNLOCKED` opens it. */
export async function writeVault(home: TempHome, document: string): Promise<void> {
  home.write('.local/share/mesa/secrets.vault.age', await sealDocument(document));
}

/** The document in a home directory's vault. */
export function openVault(home: TempHome, passphrase: string = PASSPHRASE): Promise<string> {
  return new VaultCodec({ passphrase, path: home.vault }).decode(readFileSync(home.vault));
}

export function writePlaintext(home: TempHome, document: string): void {
  home.useBackend('plaintext-file');
  home.write('.local/share/mesa/secrets.plaintext.toml', document);
}

/**
 * Everything below a home directory that a write would change: name, inode, mode, time of change, content. Of the
 * lock file only its existence: whoever tries to write leaves his number in it. Nothing of the log of uses, and of the
 * directory in which that appears not the time.
 */
export function fingerprint(home: TempHome): readonly string[] {
  const names = home.tree().filter((name) => !name.endsWith('/mesa/uses.log'));
  return names.map((name) => {
    if (name.endsWith('/.lock')) {
      return name;
    }
    const path = join(home.path, name);
    const stats = lstatSync(path, { bigint: true });
    const content = stats.isFile() ? readFileSync(path).toString('base64') : '';
    const changed = name.endsWith('share/mesa/') ? '-' : stats.mtimeNs;
    return [name, stats.ino, stats.mode.toString(8), changed, content].join(' ');
  });
}
