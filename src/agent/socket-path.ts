import { accessSync, constants, lstatSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';

import { shellWord } from '../core/escape-text.ts';
import { MesaAuthError } from '../errors.ts';
import type { Paths } from '../platform/paths.ts';
import { isShared, type PrivateDir } from '../platform/private-dir.ts';

/** Where the agent of this user is found. */
export interface AgentPlace {
  /** Must be ours alone: it decides who can reach the socket, because Node tells nothing of the other end. */
  readonly dir: PrivateDir;
  readonly socket: string;
  /** Held by the agent for its whole life; its content is the agent's pid. Never removed, as every lock file. */
  readonly lockFile: string;
}

const GROUP_OR_WORLD_ANY = 0o077;
// sockaddr_un.sun_path without its NUL: unix(7), and sys/un.h on macOS.
const LONGEST_SOCKET_PATH = { darwin: 103, other: 107 } as const;

/**
 * `mesa` in XDG_RUNTIME_DIR when that is a directory of ours in which a socket can be made and that others cannot write, else
 * the data directory.
 */
export function agentPlace(paths: Paths): AgentPlace {
  const { runtimeHome, dataDir, dataBase } = paths;
  const place =
    runtimeHome !== undefined && isDirOfOurs(runtimeHome)
      ? placeIn({ path: join(runtimeHome, 'mesa'), base: runtimeHome })
      : undefined;
  return place !== undefined && isUsable(place) ? place : placeIn({ path: dataDir, base: dataBase });
}

function isUsable({ dir: { path, base }, socket }: AgentPlace): boolean {
  const stats = statSync(base, { throwIfNoEntry: false });
  return (
    stats !== undefined &&
    !isShared(stats) &&
    Buffer.byteLength(socket) <= longestSocketPath(process.platform) &&
    canMakeFiles(examine(path) === undefined ? base : path)
  );
}

function canMakeFiles(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Everywhere an agent of this user may be, the place of this process first: XDG_RUNTIME_DIR is set in a login session, and
 * often not in cron, su or ssh. There it is the directory that pam_systemd(8) makes.
 */
export function agentPlaces(paths: Paths): readonly AgentPlace[] {
  const { dataDir, dataBase } = paths;
  const ofSession = `/run/user/${process.geteuid?.()}`;
  const places = [
    agentPlace(paths),
    placeIn({ path: dataDir, base: dataBase }),
    ...(isDirOfOurs(ofSession) ? [placeIn({ path: join(ofSession, 'mesa'), base: ofSession })] : []),
  ];
  return places.filter(({ socket }, at) => places.findIndex((place) => place.socket === socket) === at);
}

function placeIn(dir: PrivateDir): AgentPlace {
  return { dir, socket: join(dir.path, 'agent.sock'), lockFile: join(dir.path, 'agent.lock') };
}

/**
 * Whether there is a socket to connect to. Nobody need be listening on it.
 * @throws STORE_UNSAFE when somebody else may have made it
 */
export function hasAgentSocket({ dir, socket }: AgentPlace): boolean {
  const stats = examine(socket);
  if (stats === undefined) {
    return false;
  }
  const parent = examine(dir.path);
  const isPrivate =
    parent?.isDirectory() === true && isOurs(parent) && (parent.mode & GROUP_OR_WORLD_ANY) === 0;
  if (!isPrivate || !stats.isSocket() || !isOurs(stats)) {
    throw new MesaAuthError('STORE_UNSAFE', `${socket} may belong to another user`, {
      hint: `see who made it, then: rm ${shellWord(socket)}`,
    });
  }
  return true;
}

/** @throws HOME_UNUSABLE when no socket can have this path */
export function assertSocketPath({ socket }: AgentPlace, platform: NodeJS.Platform): void {
  const longest = longestSocketPath(platform);
  if (Buffer.byteLength(socket) > longest) {
    throw new MesaAuthError(
      'HOME_UNUSABLE',
      `the path ${socket} is too long for a socket; at most ${longest} bytes fit`,
      { hint: 'set XDG_RUNTIME_DIR to a directory of yours with a shorter path' },
    );
  }
}

function longestSocketPath(platform: NodeJS.Platform): number {
  return platform === 'darwin' ? LONGEST_SOCKET_PATH.darwin : LONGEST_SOCKET_PATH.other;
}

function isDirOfOurs(path: string): boolean {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isDirectory() === true && isOurs(stats);
  } catch {
    return false;
  }
}

function isOurs({ uid }: Stats): boolean {
  return uid === process.geteuid?.();
}

/** Undefined when there is none. */
function examine(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    // Whatever cannot be examined cannot be connected to, either.
    return undefined;
  }
}
