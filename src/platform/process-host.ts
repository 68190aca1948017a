import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import envPaths from 'env-paths';

import { errnoOf, MesaAuthError } from '../errors.ts';
import type { Host, InputStream, OutputStream } from './host.ts';
import type { Paths } from './paths.ts';

export type PathsInput = Pick<Host, 'env' | 'platform' | 'directories'>;

const BUSY_PAUSE_MS = 5;
const READ_SIZE = 65_536;
// null(4): major 1, minor 3. The one character device that is used as often as terminals are.
const LINUX_DEV_NULL = 0x103;

const ignore = (): void => undefined;

/**
 * Keeps Node from setting the modes of terminals when SIGINT or SIGTERM ends the process: it would give them those that they
 * had when it started, under the open question of another process. A listener that is gone leaves the system's default.
 */
export function leaveTerminalsOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, ignore);
    process.off(signal, ignore);
  }
}

/** Ends the process. Node would set the modes of the standard streams' terminals, too; it spares those that are closed. */
export function endProcess(status: number): never {
  for (const fd of [0, 1, 2]) {
    try {
      if (fstatSync(fd).isCharacterDevice()) {
        closeSync(fd);
      }
    } catch (error) {
      if (errnoOf(error) === undefined) {
        throw error;
      }
    }
  }
  process.exit(status);
}

/** The real process. It reads and writes descriptors: Node's streams cost more than a look-up. */
export function processHost(): Host {
  return {
    env: process.env,
    platform: process.platform,
    // On macOS, data is where the documentation says, and not in ~/Library.
    directories: process.platform === 'linux' ? envPaths('mesa', { suffix: '' }) : undefined,
    stdout: outputStream(1),
    stderr: outputStream(2),
    stdin: inputStream(),
    cwd: workingDir,
    now: wallClock,
    script: process.argv[1] ?? '',
  };
}

/**
 * The time of this machine's clock.
 * @throws FAILURE outside the years 1 to 9999: a date like that can be stored nowhere
 */
export function wallClock(): Date {
  const now = new Date();
  const year = now.getUTCFullYear();
  if (year < 1 || year > 9_999) {
    throw new MesaAuthError(
      'FAILURE',
      `the clock of this machine is in the year ${year}; nothing is done with such a date`,
      { hint: 'set the clock, then run the command again' },
    );
  }
  return now;
}

function workingDir(): string | undefined {
  try {
    return process.cwd();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      throw error;
    }
    return undefined;
  }
}

function outputStream(fd: number): OutputStream {
  return {
    get isTerminal() {
      return isatty(fd);
    },
    get columns() {
      return isatty(fd) ? widthOf(fd) : undefined;
    },
    write: (text) => writeAll(fd, Buffer.from(text)),
  };
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += retryWhenBusy(() => writeSync(fd, bytes, written));
  }
}

/** node:tty brings the network modules with it, so it is asked only about what may be a terminal. */
function isatty(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    return (
      stats.isCharacterDevice() &&
      stats.rdev !== LINUX_DEV_NULL &&
      process.getBuiltinModule('node:tty').isatty(fd)
    );
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return false;
  }
}

/** Terminals that do not know their size say 0. */
function widthOf(fd: number): number | undefined {
  const { columns } = new (process.getBuiltinModule('node:tty').WriteStream)(fd);
  return columns > 0 ? columns : undefined;
}

function inputStream(): InputStream {
  return {
    get isTerminal() {
      return isatty(0);
    },
    chunks: readStdin,
    hasData: async () => (await import('./pending-input.ts')).hasPendingInput(),
  };
}

/**
 * Synchronous: whoever reads standard input has nothing else to do, no handler keeps a signal from ending the wait,
 * and the stream of `process.stdin` costs as much as a whole look-up.
 */
function* readStdin(): Generator<Uint8Array> {
  const buffer = Buffer.alloc(READ_SIZE);
  for (;;) {
    const count = retryWhenBusy(() => readSync(0, buffer, 0, READ_SIZE, null));
    if (count === 0) {
      return;
    }
    yield Buffer.from(buffer.subarray(0, count));
  }
}

/** Somebody else may have made a pipe non-blocking, and its other end may be slow. */
function retryWhenBusy(operation: () => number): number {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}

/**
 * What env-paths found is taken where it is absolute: it also takes relative values of XDG variables, which the XDG Base
 * Directory Specification ("Basics") tells programs to ignore.
 * @throws HOME_UNUSABLE when HOME is empty or relative: guessing would put secrets in the working directory.
 *   An unset HOME is looked up in the password database, as every shell does.
 */
export function resolvePaths({ env, platform, directories }: PathsInput): Paths {
  // Without `.`, `..` and doubled slashes: paths are compared below.
  const home = resolve(homeDir(env['HOME']));
  // The XDG base directories are a convention of Linux; macOS keeps the documented paths (spec section 3).
  const xdg = (name: string): string | undefined => {
    const value = platform === 'darwin' ? undefined : env[name];
    return value !== undefined && isAbsolute(value) ? resolve(value) : undefined;
  };
  const dataDir =
    absolute(directories?.data) ?? under(xdg('XDG_DATA_HOME') ?? under(home, '.local/share'), 'mesa');
  const dataHome = dirname(dataDir);
  const configDir =
    absolute(directories?.config) ?? under(xdg('XDG_CONFIG_HOME') ?? under(home, '.config'), 'mesa');
  const configFile = under(configDir, 'config.toml');
  const otherConfigs = [under(home, '.config/mesa/config.toml'), '/etc/mesa/config.toml'];
  return {
    home,
    dataHome,
    dataBase: dataHome.startsWith(under(home, '')) ? home : dataHome,
    dataDir,
    encryptedStore: `${dataDir}/secrets.vault.age`,
    plaintextStore: `${dataDir}/secrets.plaintext.toml`,
    lockFile: `${dataDir}/.lock`,
    useLog: `${dataDir}/uses.log`,
    olderUseLog: `${dataDir}/uses.1.log`,
    runtimeHome: xdg('XDG_RUNTIME_DIR'),
    configFiles: [configFile, ...otherConfigs.filter((file) => file !== configFile)],
  };
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Not `join`: there is nothing left to normalize, and every look-up passes here. Only `/` ends with a slash. */
function under(dir: string, rest: string): string {
  return `${dir === '/' ? '' : dir}/${rest}`;
}

function homeDir(fromEnvironment: string | undefined): string {
  const home = fromEnvironment ?? homeFromPasswordDatabase();
  if (home !== undefined && isAbsolute(home)) {
    return home;
  }
  const problem =
    home === undefined
      ? 'not set, and this user has no home'
      : home === ''
        ? 'empty'
        : 'not an absolute path';
  throw new MesaAuthError('HOME_UNUSABLE', `HOME is ${problem}`, {
    hint: 'set HOME to your home directory',
  });
}

/** Undefined for a user without an entry, as in a container that was given a bare number. */
function homeFromPasswordDatabase(): string | undefined {
  try {
    return process.getBuiltinModule('node:os').userInfo().homedir;
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    return undefined;
  }
}
