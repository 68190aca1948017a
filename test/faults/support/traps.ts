import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

/** Only root may give files away and make devices. */
export const IS_ROOT = process.geteuid?.() === 0;

const OTHER_USER = 12_345;

/** Puts something else at a path where a regular file of ours is expected; `decoy` is such a file, elsewhere. */
export type Trap = (path: string, decoy: string) => void | Promise<void>;

export const LINKS: Readonly<Record<string, Trap>> = {
  'a link to a file': (path, decoy) => symlinkSync(decoy, path),
  'a dangling link': (path, decoy) => symlinkSync(`${decoy}.absent`, path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to /etc/passwd': (path) => symlinkSync('/etc/passwd', path),
  'a link to an endless device': (path) => symlinkSync('/dev/zero', path),
};

export const SPECIAL_FILES: Readonly<Record<string, Trap>> = {
  'a directory': (path) => mkdirSync(path),
  'a FIFO': (path) => {
    execFileSync('mkfifo', ['-m', '600', path]);
  },
  'a socket': (path) =>
    new Promise((resolve) => {
      const server = createServer().listen(path, resolve);
      onTestFinished(() => {
        server.close();
      });
    }),
  ...(IS_ROOT
    ? {
        'a device': (path: string) => {
          execFileSync('mknod', ['-m', '600', path, 'c', '1', '5']);
        },
      }
    : {}),
};

export const FOREIGN_FILES: Readonly<Record<string, Trap>> = IS_ROOT
  ? {
      "another user's file": (path, decoy) => {
        writeFileSync(path, readFileSync(decoy), { mode: 0o600 });
        chownSync(path, OTHER_USER, OTHER_USER);
      },
    }
  : {};

export const WRITABLE_FILES: Readonly<Record<string, Trap>> = Object.fromEntries(
  [0o620, 0o602, 0o666].map((mode) => [
    `a file of mode ${mode.toString(8)}`,
    (path: string, decoy: string) => {
      writeFileSync(path, readFileSync(decoy));
      chmodSync(path, mode);
    },
  ]),
);

/** Makes an own directory one that others can write to, or one of somebody else. */
export const UNSAFE_DIRECTORIES: Readonly<Record<string, (path: string) => void>> = {
  'writable by all': (path) => chmodSync(path, 0o777),
  ...(IS_ROOT
    ? {
        'writable by a group': (path: string) => {
          chownSync(path, 0, OTHER_USER);
          chmodSync(path, 0o770);
        },
        "another user's": (path: string) => chownSync(path, OTHER_USER, OTHER_USER),
      }
    : {}),
};

/** Everything below a directory that could have been changed, as text; without the lock file, which says nothing. */
export function snapshot(root: string): readonly string[] {
  const describe = (path: string): readonly string[] => {
    const stats = lstatSync(path);
    const head = `${path} ${stats.mode.toString(8)} ${stats.uid}`;
    if (stats.isDirectory()) {
      const names = readdirSync(path).filter(
        (name) => name !== '.lock' || !lstatSync(join(path, name)).isFile(),
      );
      return [head, ...names.toSorted().flatMap((name) => describe(join(path, name)))];
    }
    if (stats.isSymbolicLink()) {
      return [`${head} -> ${readlinkSync(path)}`];
    }
    return [stats.isFile() ? `${head} ${stats.mtimeMs} ${readFileSync(path, 'utf8')}` : head];
  };
  return [...describe(root), readFileSync('/etc/passwd', 'utf8')];
}
