import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import type { Command } from 'commander';

import { copySqlite } from '../database/copy-sqlite.ts';
import { OperatorError } from '../errors.ts';
import { tell } from '../output.ts';
import { addStorageOptions, openStorage, type StorageOptions } from './storage-options.ts';

export function addBackup(program: Command): void {
  addStorageOptions(program.command('backup'))
    .summary('copy the SQLite database, while the server runs')
    .description(
      'Copies the SQLite database into a new file, as it is at one moment, while the server runs. Without the master\n' +
        'key no key can be used or forged from it, so keep that apart. Repositories are not in it. For PostgreSQL: pg_dump.',
    )
    .argument('<file>', 'which is not there yet')
    .addHelpText('after', '\nExample:\n  mesa-authority backup /backup/authority-$(date +%F).db')
    .action(backup);
}

async function backup(file: string, options: StorageOptions): Promise<void> {
  if (options.database !== undefined) {
    throw new OperatorError('backup is for SQLite', 'for PostgreSQL: pg_dump');
  }
  const target = resolve(file);
  if (existsSync(target)) {
    throw new OperatorError(`${target} is there already`);
  }
  const { db } = await openStorage(options);
  try {
    await copySqlite(db, target);
  } finally {
    await db.destroy();
  }
  tell(`copied the database to ${target}\n`);
}
