import { isAbsolute, resolve } from 'node:path';

import { errnoOf, MesaAuthError } from '../errors.ts';

export interface PathsInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** Every path the program uses, all absolute. Nothing here touches the disk. */
export interface Paths {
  readonly home: string;
  /** The directory that `mesa` shares with other programs: `~/.local/share`, or XDG_DATA_HOME. */
  readonly dataHome: string;
  /** What the data directory is trusted to lie in: the home directory, or `dataHome` where that is outside it. */
  readonly dataBase: string;
  readonly dataDir: string;
  readonly encryptedStore: string;
  readonly plaintextStore: string;
  /** Held while a store or config.toml is written. Its content is the holder's pid, for messages only. */
  readonly lockFile: string;
  /** Which keys were used, by whom; a line a use. Its older part follows. */
  readonly useLog: string;
  readonly olderUseLog: string;
  /** XDG_RUNTIME_DIR, where sockets go; undefined when it is not set. Whether it exists is for its user to see. */
  readonly runtimeHome: string | undefined;
  /** Where config.toml is searched, most important first. A new one is written to the first. */
  readonly configFiles: readonly [string, ...string[]];
}

/**
 * @throws HOME_UNUSABLE when HOME is empty or relative: guessing would put secrets in the working directory.
 *   An unset HOME is looked up in the password database, as every shell does.
 */
export function resolvePaths({ env, platform }: PathsInput): Paths {
  // Without `.`, `..` and doubled slashes: paths are compared below.
  const home = resolve(homeDir(env['HOME']));
  // The XDG base directories are a Linux convention; macOS keeps the documented paths (spec section 3). A relative
  // or empty value counts as unset: XDG Base Directory Specification, "Basics".
  const xdg = (name: string): string | undefined => {
    const value = platform === 'darwin' ? undefined : env[name];
    return value !== undefined && isAbsolute(value) ? resolve(value) : undefined;
  };
  const dataHome = xdg('XDG_DATA_HOME') ?? under(home, '.local/share');
  const dataDir = under(dataHome, 'mesa');
  const homeConfig = under(home, '.config/mesa/config.toml');
  const systemConfig = '/etc/mesa/config.toml';
  const xdgConfigHome = xdg('XDG_CONFIG_HOME');
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
    configFiles:
      xdgConfigHome === undefined
        ? [homeConfig, systemConfig]
        : [under(xdgConfigHome, 'mesa/config.toml'), homeConfig, systemConfig],
  };
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
