/** Everything that the program takes from the process it runs in. Tests pass their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Where this system keeps data and configuration; undefined where mesa decides, by `env` and `platform`. */
  readonly directories?: Directories | undefined;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: InputStream;
  /** Undefined when the working directory was removed. */
  cwd(): string | undefined;
  now(): Date;
  /** The absolute path of the script that was started, to start another of it. */
  readonly script: string;
  /** For new vaults, base-2 logarithm of scrypt's N; undefined takes the vault's default, 18. */
  readonly workFactor?: number;
}

/** Of this program alone, as `~/.local/share/mesa`; perhaps relative, when a variable is. */
export interface Directories {
  readonly data: string;
  readonly config: string;
}

export interface OutputStream {
  readonly isTerminal: boolean;
  /** How wide the terminal is; undefined without one, or when it does not tell. */
  readonly columns?: number | undefined;
  /** @throws a system error (EPIPE, ENOSPC) when the text cannot be written */
  write(text: string): void;
}

export interface InputStream {
  readonly isTerminal: boolean;
  /** The bytes as they come. @throws a system error, as EISDIR */
  chunks(): Iterable<Uint8Array>;
  /** Whether there is something to read at this moment, of which a byte may be taken; absent where nobody can write. */
  hasData?(): Promise<boolean>;
}
