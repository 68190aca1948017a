import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

import { quoteText } from '../core/escape-text.ts';
import { errnoOf, MesaAuthError } from '../errors.ts';

// execvp(3): what is searched without PATH.
const DEFAULT_PATH = '/bin:/usr/bin';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be executed',
  E2BIG: 'its arguments are too long',
  ENOMEM: 'not enough memory',
};

/**
 * Looks whether a command can be run, before anything is done for it.
 * @param command as the first word of a command line: a path, or a name that is looked up
 * @param path PATH; an empty part is the working directory
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_RUNNABLE
 */
export function assertRunnable(command: string, path: string | undefined): void {
  if (command === '') {
    throw cannotRun(command, 'ENOENT');
  }
  const places = command.includes('/')
    ? [command]
    : (path ?? DEFAULT_PATH).split(':').map((dir) => join(dir, command));
  const problems = places.map(problemOf);
  if (!problems.includes(undefined)) {
    throw cannotRun(command, problems.find((problem) => problem !== 'ENOENT') ?? 'ENOENT');
  }
}

/** @param errno of execve(2) */
export function cannotRun(command: string, errno: string | undefined): MesaAuthError {
  // Unless it looks like a key that somebody put in the wrong place.
  const shown = /mesa_|eyJ/.test(command) ? '(not shown)' : quoteText(command);
  if (errno === 'ENOENT') {
    return new MesaAuthError('COMMAND_NOT_FOUND', `there is no command ${shown}`, {
      hint: command.includes('/') ? 'check its path' : 'check its name, and PATH',
    });
  }
  return new MesaAuthError(
    'COMMAND_NOT_RUNNABLE',
    `cannot run ${shown}: ${REASONS[errno ?? ''] ?? errno ?? 'unknown error'}`,
    {
      hint: errno === 'EACCES' ? 'name a program that may be executed' : 'check the command',
    },
  );
}

/** What keeps a file from being run: an errno, undefined for nothing. */
function problemOf(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) {
      return 'EACCES';
    }
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'ENOTDIR' ? 'ENOENT' : (errno ?? 'EACCES');
  }
}
