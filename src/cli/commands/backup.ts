import { statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';

import { shellWord } from '../../core/escape-text.ts';
import { errnoOf, ioError, MesaAuthError } from '../../errors.ts';
import { assertNoFile, createFile } from '../../platform/create-file.ts';
import { isShared } from '../../platform/private-dir.ts';
import { type Context, beginCommand } from '../../session/context.ts';
import { firstKeyCommand } from '../../session/missing-key.ts';
import { readSecret } from '../../session/secret-variable.ts';
import type { WholeStore } from '../../stores/document-store.ts';
import { PromptedVaultStore } from '../../stores/prompted-vault-store.ts';
import { assertMemory } from '../../vault/scrypt.ts';
import { DEFAULT_WORK_FACTOR, VaultCodec } from '../../vault/vault-codec.ts';
import type { CommandSpec } from '../command-line/spec.ts';
import { hasConsent } from '../whole-store/consent.ts';
import { isWithin, parseFileArgument } from '../whole-store/file-argument.ts';
import { passphraseForBackup } from '../whole-store/new-passphrase.ts';

export const command: CommandSpec = {
  path: ['auth', 'backup'],
  description: 'copy the store to a file, encrypted',
  examples: ['mesa auth backup keys.age', 'mesa auth backup keys.toml --plaintext'],
  flags: [
    { long: '--plaintext', description: 'copy a plaintext store as it is, unencrypted' },
    {
      long: '--yes',
      description: 'with --plaintext: without being asked (-y is another flag: it takes the answer no)',
    },
  ],
  argument: {
    name: 'file',
    description: 'a file that does not exist yet',
    values: 'files',
    required: true,
  },
  run: (context, flags, file) =>
    runBackup(context, { file, plaintext: flags.has('plaintext'), yes: flags.has('yes') }),
};

interface BackupOptions {
  /** As given. */
  readonly file: string | undefined;
  readonly plaintext: boolean;
  readonly yes: boolean;
}

/** `mesa auth backup FILE`: a copy of the store, encrypted unless somebody insists. */
async function runBackup(context: Context, options: BackupOptions): Promise<void> {
  const path = parseFileArgument(context, options.file, 'mesa auth backup FILE');
  if (isWithin(path, context.paths.dataDir)) {
    throw new MesaAuthError('USAGE', `${path} is where mesa keeps its own files`, {
      hint: 'name a file somewhere else, best on another disk',
    });
  }
  assertNoFile(path);
  checkDir(context, dirname(path));
  const { config } = await beginCommand(context);
  const store = await context.wholeStore(config.backend);
  if (options.plaintext && store instanceof PromptedVaultStore) {
    throw new MesaAuthError('USAGE', 'a vault is backed up as it is, encrypted', {
      hint: `mesa auth backup ${shellWord(path)}`,
    });
  }
  if (store.readBytes() === undefined) {
    throw new MesaAuthError('STORE_ABSENT', `there is nothing to back up: ${store.location} does not exist`, {
      hint: firstKeyCommand(context),
    });
  }
  const content =
    store instanceof PromptedVaultStore
      ? await copyVault(context, store)
      : await copyPlaintext(context, store, path, options);
  if (content === undefined) {
    context.output.note('nothing was written');
    return;
  }
  createFile(path, content);
  context.output.note(`backed up ${store.backend} to ${path}`);
  context.output.hint(`see what is in it: mesa auth restore --dry-run ${shellWord(path)}`);
}

/**
 * The vault byte for byte, which needs no passphrase: it stays under the one that it has. Where the environment holds
 * one, it is tried: a vault that does not open is no backup.
 */
async function copyVault(context: Context, store: PromptedVaultStore): Promise<Uint8Array | undefined> {
  const given = readSecret(context.host, 'MESA_VAULT_PASSPHRASE');
  if (given === undefined) {
    return store.readBytes();
  }
  try {
    return (await store.snapshot()).bytes;
  } catch (error) {
    if (!(error instanceof MesaAuthError) || error.code !== 'WRONG_PASSPHRASE') {
      throw error;
    }
    context.output.warn(
      `${given.variable} does not open ${store.location}; the copy needs the vault's own passphrase`,
    );
    return store.readBytes();
  }
}

/** The document in an age file, or as it is when that was asked for and confirmed; undefined when it was not. */
async function copyPlaintext(
  context: Pick<Context, 'globals' | 'host' | 'interaction' | 'output' | 'prompter'>,
  store: WholeStore,
  path: string,
  { plaintext, yes }: BackupOptions,
): Promise<Uint8Array | undefined> {
  const { bytes, codec } = await store.snapshot();
  if (bytes === undefined) {
    return undefined;
  }
  if (plaintext) {
    const consent = {
      yes,
      refused: 'an unencrypted backup',
      hint: `mesa auth backup ${shellWord(path)} --plaintext --yes`,
    };
    return (await hasConsent(context, consent, `Write the keys unencrypted to ${path}?`)) ? bytes : undefined;
  }
  const { workFactor } = context.host;
  assertMemory(workFactor ?? DEFAULT_WORK_FACTOR);
  const vault = new VaultCodec({
    passphrase: await passphraseForBackup(context),
    path,
    ...(workFactor === undefined ? {} : { workFactor }),
  });
  return vault.prepareEncode(undefined, false)(await codec.decode(bytes));
}

/**
 * A backup may lie anywhere, but whoever can write there can put another one in its place.
 * @throws IO when there is no such directory: nobody shall type a passphrase for it
 */
function checkDir(context: Pick<Context, 'output'>, dir: string): void {
  let stats: Stats;
  try {
    stats = statSync(dir);
  } catch (error) {
    const hint = errnoOf(error) === 'ENOENT' ? `mkdir -p ${shellWord(dir)}` : 'name a file somewhere else';
    throw ioError('write to', dir, error, hint);
  }
  if (isShared(stats)) {
    context.output.warn(`other users can write to ${dir}, and replace the backup`);
  }
}
