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
