import { constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';

import { shellWord } from '../core/escape-text.ts';
import type { Backend } from '../core/secret-store.ts';
import { describeErrno, errnoOf, MesaAuthError } from '../errors.ts';
import { canChangeMode, isOfNobodyHere, isOursOrRoots, isWrittenByUsAlone } from '../platform/private-dir.ts';
import { closeQuietly, readAll, decodeUtf8 } from '../platform/private-file.ts';
import { parsePlainToml } from '../toml/plain-toml.ts';
import { TomlSyntaxError } from '../toml/syntax-error.ts';
import { configFromTable, DEFAULT_BACKEND, DEFAULT_CONFIG, type Config } from './config.ts';

const MAX_BYTES = 1024 * 1024;
const GROUP_OR_WORLD_WRITE = 0o022;
// Some editors on Windows write one. TOML 1.0 knows none.
const BYTE_ORDER_MARK = '\ufeff';

/**
 * The configuration: from `explicit` (`--config-path`) when it is given, else from the first of `candidates` that
 * exists, else the defaults (`file` is then undefined).
 * @param suggestBackend see configFromTable
 * @throws CONFIG_UNREADABLE, CONFIG_SYNTAX or CONFIG_INVALID; a file that exists is never passed over
 */
export async function loadConfig(
  explicit: string | undefined,
  candidates: readonly string[],
  suggestBackend: () => Backend = () => DEFAULT_BACKEND,
): Promise<Config> {
  for (const path of explicit === undefined ? candidates : [explicit]) {
    const text = readConfigText(path);
    if (text !== undefined) {
      return parseConfig(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, path, suggestBackend);
    }
  }
  if (explicit !== undefined) {
    throw new MesaAuthError('CONFIG_UNREADABLE', `there is no config file ${explicit}`, {
      hint: `mesa --config-path ${shellWord(explicit)} init`,
    });
  }
  return DEFAULT_CONFIG;
}

/**
 * A config file's text, as it is. It holds no secret, so links are followed and its mode is free.
 * @returns undefined when it does not exist
 * @throws CONFIG_UNREADABLE
 */
export function readConfigText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOTDIR' || (errno === 'ENOENT' && !isLink(path))) {
      return undefined;
    }
    switch (errno) {
      case 'ENOENT':
        throw unreadable(path, 'the link leads nowhere');
      case 'ENXIO': // a socket, or a device without a driver: open(2)
        throw unreadable(path, 'it is not a regular file');
      default:
        throw unreadable(path, describeErrno(error));
    }
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) {
      throw unreadable(path, 'it is not a regular file');
    }
    if (stats.size > MAX_BYTES) {
      throw unreadable(path, 'it is larger than 1 MiB');
    }
    // It decides where keys are kept and which host gets them.
    if (!isWrittenByUsAlone(stats)) {
      assertFromNobodyElse(path, stats);
    }
    const text = decodeUtf8(readAll(fd, stats.size));
    if (text === undefined) {
      throw unreadable(path, 'it is not UTF-8 text');
    }
    return text;
  } catch (error) {
    throw error instanceof MesaAuthError ? error : unreadable(path, describeErrno(error));
  } finally {
    closeQuietly(fd);
  }
}

/**
 * Of a file that is not ours or root's, or that more than its owner can write. The places that are searched are ours or
 * root's, so that one whose owner has no number in this user namespace was put there by root, or by us.
 * @throws CONFIG_UNREADABLE
 */
function assertFromNobodyElse(path: string, stats: Stats): void {
  const isOwned = isOursOrRoots(stats);
  if (!isOwned && !isOfNobodyHere(stats)) {
    throw unreadable(
      path,
      'it belongs to another user',
      'run mesa as that user, or use another file with --config-path',
    );
  }
  if (isOwned || (stats.mode & GROUP_OR_WORLD_WRITE) !== 0) {
    throw unreadable(
      path,
      'other users can write it',
      canChangeMode(stats) ? `chmod go-w ${shellWord(path)}, and check what it says` : undefined,
    );
  }
}

/** @throws CONFIG_SYNTAX, CONFIG_INVALID */
export async function parseConfig(
  text: string,
  path: string,
  suggestBackend: () => Backend = () => DEFAULT_BACKEND,
): Promise<Config> {
  const positioned = async () => (await import('../toml/positioned-toml.ts')).parsePositionedToml(text);
  let table = parsePlainToml(text);
  if (table === undefined) {
    try {
      ({ table } = await positioned());
    } catch (error) {
      throw syntaxError(path, error);
    }
  }
  return configFromTable(table, path, async (at) => (await positioned()).lineOf(at), suggestBackend);
}

/** A config syntax error: file, line and column, and never the line itself. Rethrows anything else. */
export function syntaxError(path: string, error: unknown): MesaAuthError {
  if (!(error instanceof TomlSyntaxError)) {
    throw error;
  }
  const { line, column } = error;
  return new MesaAuthError('CONFIG_SYNTAX', `${path}:${line}:${column}: invalid TOML`, {
    hint: 'mend that line, or use another file with --config-path',
  });
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function unreadable(
  path: string,
  reason: string,
  hint = 'mend it, or use another file with --config-path',
): MesaAuthError {
  return new MesaAuthError('CONFIG_UNREADABLE', `cannot read ${path}: ${reason}`, { hint });
}
