import { Command, CommanderError } from 'commander';

import { addBackup } from './commands/backup.ts';
import { addInit } from './commands/init.ts';
import { addNewAdminKey } from './commands/new-admin-key.ts';
import { addServe } from './commands/serve.ts';
import { OperatorError, UsageError } from './errors.ts';
import { VERSION } from './version.ts';

const USAGE_STATUS = 2;

/**
 * The program `mesa-authority`.
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage
 */
export async function run(args: readonly string[]): Promise<number> {
  // Whatever is written is for this user alone: the database, its journal, repositories.
  process.umask(0o077);
  const program = new Command('mesa-authority')
    .description("The server side of Mesa's API keys: REST, access tokens and git over HTTP, self-hosted")
    .version(VERSION, '-V, --version')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('run mesa-authority --help for what there is')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'mesa-authority: ')) });
  for (const add of [addInit, addServe, addNewAdminKey, addBackup]) {
    add(program);
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE_STATUS;
    }
    process.stderr.write(`mesa-authority: ${describe(error)}\n`);
    if (error instanceof OperatorError && error.hint !== undefined) {
      process.stderr.write(`hint: ${error.hint}\n`);
    }
    return error instanceof UsageError ? USAGE_STATUS : 1;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unexpected failure';
}
