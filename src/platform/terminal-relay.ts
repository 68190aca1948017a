import { existsSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

import { shellWord } from '../core/escape-text.ts';
import { MesaAuthError } from '../errors.ts';
import { isInForeground } from './process-state.ts';

/** A command as it runs behind a terminal of its own. */
export interface RelayedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the relay itself gets. */
  readonly stdin: 'inherit' | 'ignore' | number;
  /** For what is not the terminal: the number under which the relay has to get it. */
  readonly ownStdin: number | undefined;
  readonly ownStderr: number | undefined;
  /** Where the relayed process writes its id, once. */
  readonly pidReport: number;
}

// Absolute, as for the lock's helper: whoever can change PATH must not be handed the terminal.
const SCRIPT_PROGRAMS = ['/usr/bin/script', '/bin/script', '/run/current-system/sw/bin/script'];
const SHELL = '/bin/sh';
// Larger ones do not exist in the redirections of POSIX shells.
const SHELL_DESCRIPTORS = [3, 4, 5, 6, 7, 8, 9];
// Linux takes no longer argument: execve(2), MAX_ARG_STRLEN.
const LONGEST_TEXT = 128 * 1024 - 1;

/**
 * Puts a program between our terminal and the command: it makes a pseudo-terminal, copies what is typed, the size of the
 * window and its changes, and ends with the command's status. Node can make none. On Linux that is script(1) of
 * util-linux; on macOS the one of BSD, by its manual page.
 * @param inherited descriptors that the command is to find under their numbers
 * @throws NO_TERMINAL_RELAY, COMMAND_NOT_RUNNABLE
 */
export function relayThroughTerminal(
  { command, args, env }: Pick<RelayedCommand, 'command' | 'args' | 'env'>,
  inherited: readonly number[],
  platform: NodeJS.Platform,
): RelayedCommand {
  const script = SCRIPT_PROGRAMS.find((path) => existsSync(path));
  if (script === undefined) {
    throw new MesaAuthError(
      'NO_TERMINAL_RELAY',
      'cannot mask what goes to the terminal: script(1) is not installed',
      {
        hint: 'install util-linux, on Debian bsdutils, or let the output go through a pipe, as to cat',
      },
    );
  }
  const free = SHELL_DESCRIPTORS.filter((fd) => !inherited.includes(fd));
  const [pidReport, ownStdin, ownStderr] = free;
  if (pidReport === undefined || ownStdin === undefined || ownStderr === undefined) {
    throw new MesaAuthError(
      'COMMAND_NOT_RUNNABLE',
      'cannot run the command: too many open descriptors below 10',
      {
        hint: 'use higher numbers, or do without --mask',
      },
    );
  }
  const streams = {
    ownStdin: isatty(0) ? undefined : ownStdin,
    ownStderr: isatty(2) ? undefined : ownStderr,
  };
  const text = [
    `echo $$ >&${pidReport}`,
    `exec ${pidReport}>&-`,
    ...(platform === 'darwin'
      ? []
      : [env['SHELL'] === undefined ? 'unset SHELL' : `SHELL=${shellWord(env['SHELL'])}`]),
    [
      'exec',
      ...[command, ...args].map(shellWord),
      ...(streams.ownStdin === undefined ? [] : [`<&${ownStdin} ${ownStdin}<&-`]),
      ...(streams.ownStderr === undefined ? [] : [`2>&${ownStderr} ${ownStderr}>&-`]),
    ].join(' '),
  ].join('; ');
  if (Buffer.byteLength(text) > LONGEST_TEXT) {
    throw new MesaAuthError('COMMAND_NOT_RUNNABLE', 'cannot run the command: its arguments are too long', {
      hint: 'give them in a file, or do without --mask',
    });
  }
  return {
    command: script,
    args: platform === 'darwin' ? ['-q', '/dev/null', SHELL, '-c', text] : ['-qefc', text, '/dev/null'],
    // It runs the text with the shell that this names; the command finds its own value again.
    env: platform === 'darwin' ? env : { ...env, SHELL },
    stdin: keyboard(),
    ...streams,
    pidReport,
  };
}

/** Where somebody types. In the background that is not for us: setting the terminal's modes would stop us there. */
function keyboard(): RelayedCommand['stdin'] {
  if (!isInForeground()) {
    return 'ignore';
  }
  if (isatty(0)) {
    return 'inherit';
  }
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    return 'ignore';
  }
}
