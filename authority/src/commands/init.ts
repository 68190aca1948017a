import type { Command } from 'commander';

import { insertOrganization } from '../database/organizations.ts';
import { UsageError } from '../errors.ts';
import { isOrganizationSlug } from '../rules/names.ts';
import { insertAdminKey, printKey } from './admin-key.ts';
import { addStorageOptions, openStorage, parseKeyName, type StorageOptions } from './storage-options.ts';

interface InitOptions extends StorageOptions {
  readonly org: string;
  readonly keyName: string;
}

/** They stand where an organization stands in a path: `/v1/whoami`, and `/v1` where it does for git. */
const RESERVED_SLUGS = ['whoami', 'v1'];

export function addInit(program: Command): void {
  addStorageOptions(program.command('init'))
    .summary('create an organization and its first admin key')
    .description(
      'Creates an organization and its first admin key, which is printed once, alone on standard output. The database\n' +
        'and the master key are made where there are none. Run it again for another organization.',
    )
    .requiredOption('--org <slug>', 'the organization: 1 to 64 of A-Z a-z 0-9 . _ -')
    .option('--key-name <name>', 'what the key is listed as', parseKeyName, 'First admin key')
    .addHelpText(
      'after',
      '\nExamples:\n  mesa-authority init --org acme\n' +
        '  mesa-authority init --org acme --data /var/lib/mesa-authority\n' +
        '  mesa-authority init --org acme | mesa auth set-key --org acme',
    )
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  if (!isOrganizationSlug(options.org) || RESERVED_SLUGS.includes(options.org)) {
    throw new UsageError(
      'this is no name for an organization',
      'it is 1 to 64 of A-Z a-z 0-9 . _ -, first and last a letter or digit',
    );
  }
  const { db, sealer } = await openStorage(options, { create: true });
  try {
    const now = new Date();
    // Together, or a failure would leave an organization that nobody can use.
    const key = await db.transaction().execute(async (transaction) => {
      const organization = await insertOrganization(transaction, options.org, now);
      return insertAdminKey(transaction, sealer, organization, { name: options.keyName, now });
    });
    await printKey(key, options.org);
  } finally {
    await db.destroy();
  }
}
