import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import type { MesaAuthError } from '../../src/errors.ts';
import { withFileLock } from '../../src/platform/file-lock.ts';
import { runMesa } from '../support/run-mesa.ts';
import { createTempHome, readIfExists } from '../support/temp-home.ts';
import { countPoint } from './support/fault-row.ts';
import { keyLines, keyOf, pathsOf, readKeys, storeKeys, strayFiles } from './support/key-home.ts';
import { helperOf, helpersIn, startWriter, stoppedHolder } from './support/lock-holder.ts';
import { waitUntil } from '../support/wait-until.ts';

const GIVE_UP_MS = 60_000;

function waitingFor(pid: number): string {
  return `mesa: waiting for another mesa (pid ${pid}) to finish writing\n`;
}

it('says whom it waits for, and goes on when that one is killed', async () => {
  countPoint('lock: holder stopped');
  const home = createTempHome();
  const holder = await stoppedHolder(home);
  const waiter = startWriter(home, 'waiter');
  await waitUntil('the waiter says so', () => waiter.said().includes(waitingFor(holder.pid)));
  expect(waiter.ended()).toBe(false);
  process.kill(holder.pid, 'SIGKILL');
  const { status, stderr } = await waiter.end;
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: `${waitingFor(holder.pid)}stored key for orgs/waiter (mesa_****iter) in encrypted-file\n`,
  });
  expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(['orgs/waiter']));
});

it('waits a minute for a holder that does nothing, then leaves it alone', async () => {
  countPoint('lock: holder stopped');
  const home = createTempHome();
  const holder = await stoppedHolder(home);
  const waiter = startWriter(home, 'waiter');
  const { status, stdout, stderr, milliseconds } = await waiter.end;
  expect({ status, stdout, stderr }).toEqual({
    status: 8,
    stdout: '',
    stderr:
      `${waitingFor(holder.pid)}mesa: another mesa (pid ${holder.pid}) has been writing to the secret store for too long\n` +
      `hint: try again, or see what it does: ps -p ${holder.pid}\n`,
  });
  expect(milliseconds).toBeGreaterThan(GIVE_UP_MS - 1_000);
  expect(helpersIn(home)).toEqual([]);
  expect(readIfExists(home.vault)).toBeUndefined();

  process.kill(holder.pid, 'SIGCONT');
  expect(await holder.end).toMatchObject({ status: 0 });
  expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(['orgs/holder']));
});

it('gives up in this process as well, and leaves no helper', async () => {
  countPoint('lock: holder stopped');
  const home = createTempHome();
  const holder = await stoppedHolder(home);
  const heard: (number | undefined)[] = [];
  let worked = false;
  const attempt = withFileLock(
    {
      path: pathsOf(home).lockFile,
      onWait: (pid) => heard.push(pid),
      noticeAfterMs: 100,
      giveUpAfterMs: 3_000,
    },
    () => {
      worked = true;
      return Promise.resolve();
    },
  );
  await expect(attempt).rejects.toThrow(`another mesa (pid ${holder.pid}) has been writing`);
  await expect(attempt).rejects.toMatchObject({ code: 'STORE_BUSY' } satisfies Partial<MesaAuthError>);
  expect({ heard, worked }).toEqual({ heard: [holder.pid], worked: false });
  expect(helpersIn(home)).toEqual([]);
});

it('says nothing of a lock that is free, however long its helper takes to start', async () => {
  countPoint('lock: left-over file');
  const home = createTempHome();
  const path = home.write('.local/share/mesa/.lock', '1\n');
  const heard: (number | undefined)[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    await withFileLock({ path, onWait: (pid) => heard.push(pid), noticeAfterMs: 0 }, () => Promise.resolve());
  }
  expect(heard).toEqual([]);
});

const SUCCESSORS = {
  removed: (path: string) => rmSync(path),
  'replaced by a new file': (path: string) => {
    rmSync(path);
    writeFileSync(path, '', { mode: 0o600 });
  },
};

it.each(Object.entries(SUCCESSORS))(
  'waits for the new lock file when the one that it waits for is %s',
  async (_title, change) => {
    countPoint('lock: file removed or replaced');
    const home = createTempHome();
    const { lockFile } = pathsOf(home);
    const holder = await stoppedHolder(home);
    const waiter = startWriter(home, 'waiter');
    const helper = await helperOf(waiter);
    change(lockFile);
    let release: (() => void) | undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const second = withFileLock({ path: lockFile, onWait: () => undefined }, () => released);
    await waitUntil('this process has the lock', () => readIfExists(lockFile) === `${process.pid}\n`);

    process.kill(holder.pid, 'SIGKILL');
    await helperOf(waiter, helper);
    expect(waiter.ended()).toBe(false);
    expect(readIfExists(home.vault)).toBeUndefined();
    release?.();
    await second;
    expect(await waiter.end).toMatchObject({ status: 0 });
    expect(readFileSync(lockFile, 'utf8')).toBe(`${waiter.pid}\n`);
    expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(['orgs/waiter']));
  },
);

const TRAPS = {
  'a FIFO': (path: string) => execFileSync('mkfifo', ['-m', '600', path]),
  'a link to a device': (path: string) => symlinkSync('/dev/zero', path),
};

it.each(Object.entries(TRAPS))(
  'is not caught when the lock file becomes %s while it waits',
  async (_title, makeTrap) => {
    countPoint('lock: file removed or replaced');
    const home = createTempHome();
    const { lockFile } = pathsOf(home);
    const holder = await stoppedHolder(home);
    const waiter = startWriter(home, 'waiter');
    await helperOf(waiter);
    rmSync(lockFile);
    makeTrap(lockFile);
    await waitUntil('the waiter says so', () => waiter.said() !== '');
    process.kill(holder.pid, 'SIGKILL');
    const { status, stderr } = await waiter.end;
    expect(status).toBe(8);
    expect(stderr).toMatch(/^mesa: .*\.lock is (a symbolic link|not a regular file of this user)$/m);
    expect(readIfExists(home.vault)).toBeUndefined();
  },
);

it('fails when its helper is killed, and writes nothing', async () => {
  countPoint('lock: waiter or its helper killed');
  const home = createTempHome();
  const holder = await stoppedHolder(home);
  const waiter = startWriter(home, 'waiter');
  process.kill(await helperOf(waiter), 'SIGKILL');
  const { status, stderr } = await waiter.end;
  expect(status).toBe(8);
  expect(stderr).toMatch(/^mesa: cannot lock .*: flock ended with SIGKILL$/m);
  process.kill(holder.pid, 'SIGCONT');
  expect(await holder.end).toMatchObject({ status: 0 });
  expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(['orgs/holder']));
});

it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'leaves nobody behind who takes the lock when it ends by %s while it waits',
  async (signal) => {
    countPoint('lock: waiter or its helper killed');
    const home = createTempHome();
    const holder = await stoppedHolder(home);
    const waiters = [startWriter(home, 'first'), startWriter(home, 'second')];
    for (const waiter of waiters) {
      await helperOf(waiter);
      process.kill(waiter.pid, signal);
      expect(await waiter.end).toMatchObject({ status: null, signal, stdout: '' });
    }
    process.kill(holder.pid, 'SIGKILL');
    await holder.end;
    const next = await storeKeys(home, 'encrypted-file', ['orgs/next']);
    expect(next.waited).toBe(false);
    await waitUntil('the helpers are gone', () => helpersIn(home).length === 0);
    expect(await readKeys(home, 'encrypted-file')).toEqual(keyLines(['orgs/next']));
    expect(strayFiles(home.vault)).toEqual([]);
  },
);

it.each(['', '1\n', `${process.pid}\n`, '4194304\n', 'text'])(
  'takes the lock at once whatever its file says: %j',
  async (content) => {
    countPoint('lock: left-over file');
    const home = createTempHome();
    home.useBackend('plaintext-file');
    home.write('.local/share/mesa/.lock', content);
    const result = await runMesa(['auth', 'set-key'], { home, stdin: keyOf('global') });
    expect(result).toMatchObject({
      status: 0,
      stderr: 'stored key for global (mesa_****obal) in plaintext-file\n',
    });
  },
);
