import { connect } from 'node:net';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect, onTestFinished } from 'vitest';

import { runMesa } from './run-mesa.ts';
import { UNLOCKED } from './stores.ts';
import type { TempHome } from './temp-home.ts';
import { waitUntil } from './wait-until.ts';

/** What the agent of a home directory leaves there. */
export interface AgentFiles {
  readonly socket: string;
  readonly lock: string;
}

export function agentFiles(home: TempHome): AgentFiles {
  return { socket: join(home.dataDir, 'agent.sock'), lock: join(home.dataDir, 'agent.lock') };
}

export interface UnlockOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly script?: string;
  readonly lock?: string;
}

/** Unlocks a vault whose passphrase the environment gives, and gives the agent's pid. The agent ends with the test. */
export async function unlock(home: TempHome, options: UnlockOptions = {}): Promise<number> {
  const { args = [], env = UNLOCKED, lock = agentFiles(home).lock, script } = options;
  const result = await runMesa(['auth', 'unlock', ...args], {
    home,
    env,
    ...(script === undefined ? {} : { script }),
  });
  expect(result, result.stderr).toMatchObject({ status: 0, stdout: '' });
  const pid = agentPid(lock);
  onTestFinished(() => {
    if (isAlive(pid)) {
      process.kill(pid, 'SIGKILL');
    }
  });
  return pid;
}

/** The pid in the agent's lock file: of the agent that runs, or ran last. */
export function agentPid(lock: string): number {
  return Number(readFileSync(lock, 'utf8'));
}

// PF_EXITING of the kernel's <linux/sched.h>: it has let go of what it held, or is about to, and does nothing else.
const EXITING = 0x4;

/** Whether a process runs; one that is ending, or was not waited for, does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // state, ppid, pgrp, session, tty_nr, tpgid, flags: proc(5).
    const [state = '', , , , , , flags] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return !['Z', 'X'].includes(state) && (Number(flags) & EXITING) === 0;
  } catch {
    return false;
  }
}

/** What the open descriptors of a process lead to; one that was closed while they were read is left out. */
export function openFiles(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      return [readlinkSync(join(directory, fd))];
    } catch {
      return [];
    }
  });
}

/** Waits until an agent has ended, and asserts that its socket is gone with it. */
export async function expectEnded(pid: number, socket: string): Promise<void> {
  await waitUntil(`the agent ${pid} ends`, () => !isAlive(pid));
  expect(existsSync(socket)).toBe(false);
}

/** Sends text to the agent as it is, and gives all that it sends back until it closes the connection. */
export function exchange(socket: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const connection = connect(socket, () => connection.write(text));
    connection.on('data', (chunk: Buffer) => {
      received += chunk.toString('utf8');
    });
    connection.on('error', () => undefined);
    connection.on('close', () => resolve(received));
  });
}
