import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { onTestFinished } from 'vitest';

import type { Backend } from '../../src/core/secret-store.ts';

/** A home directory of its own for one test, removed when the test ends. */
export interface TempHome {
  readonly path: string;
  readonly dataDir: string;
  readonly vault: string;
  readonly plaintext: string;
  readonly config: string;
  /** Writes config.toml with this backend. */
  useBackend(backend: Backend): void;
  /** Writes a file below the home directory, 0600 in 0700 directories, and gives its path. */
  write(relativePath: string, content: string | Uint8Array): string;
  /** Every path below the home directory, relative and sorted; directories end with a slash. */
  tree(): readonly string[];
}

export function createTempHome(): TempHome {
  const path = mkdtempSync(join(tmpdir(), 'mesa-test-'));
  onTestFinished(() => {
    rmSync(path, { recursive: true, force: true });
  });
  const dataDir = join(path, '.local/share/mesa');
  const config = join(path, '.config/mesa/config.toml');
  const write = (relativePath: string, content: string | Uint8Array): string => {
    const file = join(path, relativePath);
    const missing: string[] = [];
    for (let dir = dirname(file); !existsSync(dir); dir = dirname(dir)) {
      missing.unshift(dir);
    }
    for (const dir of missing) {
      mkdirSync(dir);
      chmodSync(dir, 0o700);
    }
    writeFileSync(file, content);
    chmodSync(file, 0o600);
    return file;
  };
  return {
    path,
    dataDir,
    vault: join(dataDir, 'secrets.vault.age'),
    plaintext: join(dataDir, 'secrets.plaintext.toml'),
    config,
    useBackend: (backend) => {
      write('.config/mesa/config.toml', `[secrets]\nbackend = "${backend}"\n`);
    },
    write,
    tree: () =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .map(
          (entry) =>
            join(entry.parentPath, entry.name).slice(path.length + 1) + (entry.isDirectory() ? '/' : ''),
        )
        .toSorted(),
  };
}

/** A file's content, or undefined when there is none. */
export function readIfExists(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
