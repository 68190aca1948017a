import { Command, CommanderError } from 'commander';

import { addBackup } from './commands/backup.ts';
import { addInit } from './commands/init.ts';
import { addNewAdminKey } from './commands/new-admin-key.ts';
import { addServe } from './commands/serve.ts';
import { OperatorError, UsageError } from './errors.ts';
import { LostOutput, print, tell } from './output.ts';
import { VERSION } from './version.ts';

const USAGE_STATUS = 2;
const SIGPIPE_STATUS = 128 + 13;

/**
 * The program `mesa-authority`.
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage, 141 when whoever reads its output left
 */
export async function run(args: readonly string[]): Promise<number> {
  // Whatever is written is for this user alone: the database, its journal, repositories.
  process.umask(0o077);
  let help = '';
  const program = new Command('mesa-authority')
    .description("The server side of Mesa's API keys: REST, access tokens and git over HTTP, self-hosted")
    .version(VERSION, '-V, --version')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('run mesa-authority --help for what there is')
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: tell,
      outputError: (text, write) => write(text.replace(/^error: /, 'mesa-authority: ')),
    });
  for (const add of [addInit, addServe, addNewAdminKey, addBackup]) {
    add(program);
  }
  try {
    const status = await parse(program, args);
    if (help !== '') {
      await print(help);
    }
    return status;
  } catch (error) {
    return report(error);
  }
}

/** Runs the command that the arguments name. @returns the exit status of what the parser itself has dealt with, else 0 */
async function parse(program: Command, args: readonly string[]): Promise<number> {
  try {
    await program.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : USAGE_STATUS;
    }
    throw error;
  }
}

function report(error: unknown): number {
  if (error instanceof LostOutput && error.code === 'EPIPE') {
    return SIGPIPE_STATUS;
  }
  tell(`mesa-authority: ${describe(error)}\n`);
  if (error instanceof OperatorError && error.hint !== undefined) {
    tell(`hint: ${error.hint}\n`);
  }
  return error instanceof UsageError ? USAGE_STATUS : 1;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unexpected failure';
}
