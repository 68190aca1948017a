import type { Command } from 'commander';

import { findOrganization, listSlugs } from '../database/organizations.ts';
import { OperatorError } from '../errors.ts';
import { insertAdminKey, printKey } from './admin-key.ts';
import { addStorageOptions, openStorage, parseKeyName, type StorageOptions } from './storage-options.ts';

interface NewAdminKeyOptions extends StorageOptions {
  readonly org: string;
  readonly keyName: string;
}

export function addNewAdminKey(program: Command): void {
  addStorageOptions(program.command('new-admin-key'))
    .summary('make another admin key for an organization whose keys are lost')
    .description(
      'Makes another admin key for an organization, and prints it once. Other keys are not touched.',
    )
    .requiredOption('--org <slug>', 'the organization')
    .option('--key-name <name>', 'what the key is listed as', parseKeyName, 'Admin key')
    .addHelpText('after', '\nExample:\n  mesa-authority new-admin-key --org acme')
    .action(newAdminKey);
}

async function newAdminKey(options: NewAdminKeyOptions): Promise<void> {
  const { db, sealer } = await openStorage(options);
  try {
    const organization = await findOrganization(db, options.org);
    if (organization === undefined) {
      const slugs = await listSlugs(db);
      throw new OperatorError(
        'there is no such organization',
        slugs.length === 0 ? 'mesa-authority init --org ORGANIZATION' : `there is ${slugs.join(', ')}`,
      );
    }
    await printKey(
      await insertAdminKey(db, sealer, organization, { name: options.keyName, now: new Date() }),
      options.org,
    );
  } finally {
    await db.destroy();
  }
}
