import { realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

import { errnoOf, MesaAuthError } from '../../errors.ts';
import type { Context } from '../../session/context.ts';

/**
 * The absolute path of a FILE argument.
 * @param usage the command line to show when there is none, as `mesa auth backup FILE`
 * @throws USAGE without a name, and for `-`
 */
export function parseFileArgument(
  context: Pick<Context, 'host'>,
  argument: string | undefined,
  usage: string,
): string {
  if (argument === undefined || argument === '') {
    throw new MesaAuthError('USAGE', 'no file was named', { hint: usage });
  }
  if (argument === '-') {
    throw new MesaAuthError('USAGE', 'a backup is a file, never standard input or output', { hint: usage });
  }
  const cwd = context.host.cwd();
  if (cwd === undefined && !argument.startsWith('/')) {
    throw new MesaAuthError('USAGE', 'the working directory was removed', {
      hint: 'name the file by its whole path',
    });
  }
  return resolve(cwd ?? '/', argument);
}

/** Whether two paths lead to the same place, whether or not there is a file. */
export function isSamePlace(a: string, b: string): boolean {
  const [first, second] = [statIfThere(a), statIfThere(b)];
  if (first !== undefined && second !== undefined) {
    return first.ino === second.ino && first.dev === second.dev;
  }
  return realPlace(a) === realPlace(b);
}

/** Whether a path leads into a directory or to it, whatever links lie on the way, and whether or not there is a file. */
export function isWithin(path: string, dir: string): boolean {
  const target = statIfThere(dir);
  for (let at = realPlace(path); ; at = dirname(at)) {
    const stats = statIfThere(at);
    const isSame =
      target === undefined || stats === undefined
        ? at === realPlace(dir)
        : stats.ino === target.ino && stats.dev === target.dev;
    if (isSame || at === dirname(at)) {
      return isSame;
    }
  }
}

function statIfThere(path: string): Stats | undefined {
  return unlessSystemError(() => statSync(path), undefined);
}

function realPlace(path: string): string {
  return unlessSystemError(() => join(realpathSync(dirname(path)), basename(path)), path);
}

function unlessSystemError<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return otherwise;
  }
}
