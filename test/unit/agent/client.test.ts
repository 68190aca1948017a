import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { ask } from '../../../src/agent/client.ts';
import type { AgentPlace } from '../../../src/agent/socket-path.ts';
import { createTempHome } from '../../support/temp-home.ts';
import { waitUntil } from '../../support/wait-until.ts';

const REPLY = '{"v":3,"type":"busy"}\n';
const ANSWER_AFTER_MS = 2_500;

/** Where an agent would be: a server that takes its time, and the pid of a process. */
async function placeOf(agent: ChildProcess): Promise<AgentPlace> {
  const { path } = createTempHome();
  const place = {
    dir: { path, base: path },
    socket: join(path, 'agent.sock'),
    lockFile: join(path, 'agent.lock'),
  };
  writeFileSync(place.lockFile, `${agent.pid}\n`);
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    setTimeout(() => connection.end(REPLY), ANSWER_AFTER_MS);
  });
  await new Promise<void>((resolve) => {
    server.listen(place.socket, resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  return place;
}

async function processInState(state: string, command: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  onTestFinished(() => {
    process.kill(-Number(child.pid), 'SIGKILL');
  });
  const stat = (): string => readFileSync(`/proc/${child.pid}/stat`, 'latin1');
  await waitUntil(`it is in state ${state}`, () => stat().includes(`(${command}) ${state} `), stat);
  return child;
}

it('an agent that does not answer is silent after a second', async () => {
  const place = await placeOf(await processInState('S', 'sleep', '60'));
  const started = performance.now();
  expect(await ask(place, { type: 'status' })).toEqual({ failure: 'silent', reply: undefined });
  expect(performance.now() - started).toBeGreaterThanOrEqual(990);
});

it('an agent that waits for its disk is waited for', async () => {
  // CLONE_VFORK of clone(2): the parent waits without being interruptible, as for a disk, until the child is gone.
  const clone = process.arch === 'x64' ? 56 : 220;
  const parent = `syscall(${clone}, 0x4011, 0, 0, 0, 0); sleep 60`;
  const place = await placeOf(await processInState('D', 'perl', '-e', parent));
  expect(await ask(place, { type: 'status' })).toEqual({ failure: undefined, reply: { type: 'busy' } });
});

it('an answer that is there counts, also when nobody could look at it in time', async () => {
  const place = await placeOf(await processInState('S', 'sleep', '60'));
  const asked = ask(place, { type: 'status' });
  // The server is in this process as well: it answers, and the connection has it, before the clock is looked at.
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ANSWER_AFTER_MS + 500);
  expect(await asked).toMatchObject({ failure: undefined });
});
