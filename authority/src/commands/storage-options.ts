import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

import { type Command, InvalidArgumentError, Option } from 'commander';

import { type DatabasePlace, openDatabase } from '../database/open-database.ts';
import { requireMasterKey } from '../database/master-key-check.ts';
import type { Database } from '../database/schema.ts';
import { codeOf, OperatorError, UsageError } from '../errors.ts';
import { createMasterKey, MASTER_KEY_VARIABLE, readMasterKey } from '../secrets/master-key.ts';
import { createSealer, type Sealer } from '../secrets/sealer.ts';

/** What every command needs to find its data. */
export interface StorageOptions {
  readonly data?: string | undefined;
  readonly database?: string | undefined;
  readonly masterKey?: string | undefined;
}

export interface Storage {
  readonly db: Database;
  readonly sealer: Sealer;
}

export function addStorageOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--data <dir>',
        'where the SQLite database, the master key and the repositories are (default: $XDG_DATA_HOME/mesa-authority)',
      ).env('MESA_AUTHORITY_DATA'),
    )
    .addOption(
      new Option(
        '--database <url>',
        'postgres://user:password@host:port/name, instead of SQLite; others can see arguments, so better in the variable',
      ).env('MESA_AUTHORITY_DATABASE'),
    )
    .addOption(
      new Option(
        '--master-key <file>',
        `the file of the master key (default: master.key in the data directory); ${MASTER_KEY_VARIABLE} has precedence`,
      ),
    );
}

/** @throws InvalidArgumentError for what REST would refuse as the name of a key, too */
export function parseKeyName(text: string): string {
  if (!/^[^\p{Cc}\p{Cs}]{1,255}$/u.test(text)) {
    throw new InvalidArgumentError('It is 1 to 255 characters, none of them a control character.');
  }
  return text;
}

/** @throws OperatorError when there is no home to put it in */
export function dataDirectory({ data }: StorageOptions): string {
  if (data !== undefined) {
    return resolve(data);
  }
  const xdg = process.env['XDG_DATA_HOME'] ?? '';
  const base = isAbsolute(xdg) ? xdg : join(homedir(), '.local/share');
  if (!isAbsolute(base)) {
    throw new OperatorError('there is no home directory for the data', 'give one: --data DIR');
  }
  return join(base, 'mesa-authority');
}

/**
 * Opens the database with its master key.
 * @param create makes the directory and the master key where they are missing
 * @throws OperatorError when something is missing, damaged, open to others or does not belong together
 */
export async function openStorage(
  options: StorageOptions,
  { create = false, onLost }: { readonly create?: boolean; readonly onLost?: (error: Error) => void } = {},
): Promise<Storage> {
  const directory = dataDirectory(options);
  const place = placeOf(options, directory);
  if (create) {
    makeDirectory(directory);
  }
  const keyFile = options.masterKey ?? join(directory, 'master.key');
  const masterKey =
    readMasterKey(process.env[MASTER_KEY_VARIABLE], keyFile) ??
    (create ? createMasterKey(keyFile) : undefined);
  if (masterKey === undefined) {
    throw new OperatorError(
      `there is no master key in ${keyFile}`,
      `set ${MASTER_KEY_VARIABLE}, or make a new authority: mesa-authority init --org ORGANIZATION`,
    );
  }
  const sealer = createSealer(masterKey);
  const db = await openDatabase(place, onLost);
  try {
    await requireMasterKey(db, sealer);
    return { db, sealer };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function placeOf({ data, database }: StorageOptions, directory: string): DatabasePlace {
  if (database === undefined) {
    return { kind: 'sqlite', path: join(directory, 'authority.db') };
  }
  if (!/^postgres(?:ql)?:\/\//.test(database)) {
    throw new UsageError('--database takes a postgres:// URL', `for SQLite: --data ${data ?? 'DIR'}`);
  }
  return { kind: 'postgres', url: database };
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new OperatorError(`cannot make ${directory}: ${codeOf(error) ?? 'unknown error'}`);
  }
}
