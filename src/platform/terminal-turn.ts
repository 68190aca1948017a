import { constants, existsSync, fstatSync, openSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';

import { errnoOf, MesaAuthError } from '../errors.ts';
import { lockOpenFile, tryLockFile } from './file-lock.ts';
import { closeQuietly } from './private-file.ts';
import { controllingTerminal } from './process-state.ts';

// devices.txt of Linux: /dev/tty stands for the controlling terminal of whoever opens it.
const DEV_TTY = 0x500;
// A person may leave a question open for long. Node's timers know no longer time.
const PATIENCE_MS = 2_000_000_000;
const POLL_MS = 100;

/**
 * Waits until this process alone may ask on its terminal, of all that take turns. The kernel ends a turn with its holder.
 * On Linux the lock is on the terminal's own file: it is there, stands for this terminal whatever it is called in which
 * container, and nothing is left of it.
 * @param lockDir where a lock file may lie instead; none is made where there is no such directory
 * @returns the open file that holds the lock; undefined where no lock is possible
 */
export async function takeTerminalTurn(lockDir: string): Promise<number | undefined> {
  const device = terminalDevice();
  if (device === undefined) {
    return undefined;
  }
  try {
    return (
      (await lockDevice(device)) ?? (await lockInstead(join(lockDir, `terminal-${device.toString(16)}.lock`)))
    );
  } catch (error) {
    if (!(error instanceof MesaAuthError)) {
      throw error;
    }
    return undefined;
  }
}

/** Whether our terminal is another process group's just now: setting its modes would stop us. */
export function isInBackground(): boolean {
  const terminal = controllingTerminal();
  return (
    terminal !== undefined &&
    terminal !== 'unknown' &&
    !terminal.foreground &&
    terminal.device === terminalDevice()
  );
}

/** The number of the terminal that is asked on; undefined when it is not known. */
function terminalDevice(): number | undefined {
  const own = [0, 2].every((fd) => isatty(fd)) ? fstatSync(0).rdev : DEV_TTY;
  if (own !== DEV_TTY) {
    return own;
  }
  const terminal = controllingTerminal();
  return terminal === 'unknown' ? undefined : terminal?.device;
}

async function lockDevice(device: number): Promise<number | undefined> {
  const path = process.platform === 'linux' ? pathOf(device) : undefined;
  if (path === undefined) {
    return undefined;
  }
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === undefined) {
      throw error;
    }
    // After su it is another user's.
    return undefined;
  }
  try {
    if (await lockOpenFile(fd, path, { deadline: Date.now() + PATIENCE_MS })) {
      return fd;
    }
  } catch (error) {
    closeQuietly(fd);
    throw error;
  }
  closeQuietly(fd);
  return undefined;
}

/** @returns the name of a terminal's file: one that a standard stream has, or the usual one */
function pathOf(device: number): string | undefined {
  // new_encode_dev() of Linux.
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  const named = [0, 1, 2].map((fd) => linkOf(`/proc/self/fd/${fd}`));
  return [...named, `/dev/pts/${minor}`, `/dev/tty${minor}`].find((path) => isDevice(path, device));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function isDevice(path: string, device: number): boolean {
  try {
    const stats = statSync(path);
    return stats.isCharacterDevice() && stats.rdev === device;
  } catch {
    return false;
  }
}

async function lockInstead(path: string): Promise<number | undefined> {
  if (!existsSync(join(path, '..'))) {
    return undefined;
  }
  for (;;) {
    const fd = await tryLockFile(path);
    if (fd !== undefined) {
      return fd;
    }
    await sleep(POLL_MS);
  }
}
