import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import { BACKENDS } from '../../../src/core/secret-store.ts';
import { ANOTHER_USER, CAN_CHOWN, CAN_MOUNT, OBEYING_MODES, withMounts } from '../../support/confinement.ts';
import { runMesa } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, sealDocument, UNLOCKED } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const ORG = 'mesa_organization009f2c';
const DOCUMENT = documentOf({ 'orgs/acme': ORG });
const COMMANDS = [
  ['list'],
  ['get-key', '--org', 'acme'],
  ['set-key', 'mesa_anotherOne00000'],
  ['rm-key', '--org', 'acme'],
];
// Far above what these take, far below forever.
const AT_ONCE_MS = 45_000;

async function expectRefusal(home: TempHome, message: string, hint: string): Promise<void> {
  const before = fingerprint(home);
  for (const args of COMMANDS) {
    const result = await runMesa(['auth', ...args], { home, env: UNLOCKED });
    expect({ args, ...result }).toMatchObject({
      args,
      status: 8,
      stdout: '',
      stderr: `mesa: ${message}\nhint: ${hint}\n`,
    });
    expect(result.milliseconds).toBeLessThan(AT_ONCE_MS);
  }
  expect(fingerprint(home)).toEqual(before);
}

describe.each(BACKENDS)('a store of the %s backend', (backend) => {
  const makeHome = async (): Promise<{ home: TempHome; store: string }> => {
    const home = createTempHome();
    home.useBackend(backend);
    const store = backend === 'plaintext-file' ? home.plaintext : home.vault;
    const content = backend === 'plaintext-file' ? DOCUMENT : await sealDocument(DOCUMENT);
    home.write(store.slice(home.path.length + 1), content);
    return { home, store };
  };

  it.each([
    {
      title: 'a link to a good store',
      spoil: (store: string) => {
        renameSync(store, join(dirname(dirname(store)), 'moved'));
        symlinkSync('../moved', store);
      },
      message: 'STORE is a symbolic link',
      hint: 'replace the link by the file itself',
    },
    {
      title: 'a link to nothing',
      spoil: (store: string) => {
        rmSync(store);
        symlinkSync('nothing', store);
      },
      message: 'STORE is a symbolic link',
      hint: 'replace the link by the file itself',
    },
    {
      title: 'a FIFO',
      spoil: (store: string) => {
        rmSync(store);
        execFileSync('mkfifo', ['-m', '600', store]);
      },
      message: 'STORE is not a regular file',
      hint: 'move it away',
    },
    {
      title: 'a directory',
      spoil: (store: string) => {
        rmSync(store);
        mkdirSync(store, { mode: 0o700 });
      },
      message: 'STORE is not a regular file',
      hint: 'move it away',
    },
    {
      title: 'a socket',
      spoil: (store: string) => {
        rmSync(store);
        const server = createServer().listen(store);
        onTestFinished(() => {
          server.close();
        });
      },
      message: 'STORE is not a regular file',
      hint: 'move it away',
    },
    {
      title: 'larger than any store',
      spoil: (store: string) => truncateSync(store, 16 * 1024 * 1024 + 1),
      message: 'STORE is larger than 16 MiB',
      hint: 'move it away',
    },
    {
      title: 'writable by its group',
      spoil: (store: string) => chmodSync(store, 0o620),
      message: 'STORE can be written by other users',
      hint: 'check its content, then: chmod 600 STORE',
    },
    {
      title: 'writable by everybody',
      spoil: (store: string) => chmodSync(store, 0o602),
      message: 'STORE can be written by other users',
      hint: 'check its content, then: chmod 600 STORE',
    },
    {
      title: 'in a directory that is a link',
      spoil: (store: string) => {
        renameSync(dirname(store), `${dirname(store)}-moved`);
        symlinkSync('mesa-moved', dirname(store));
      },
      message: 'DIR is a symbolic link',
      hint: 'replace it by a directory',
    },
    {
      title: 'in a directory that others can write',
      spoil: (store: string) => chmodSync(dirname(store), 0o770),
      message: 'DIR can be written by other users',
      hint: 'check its content, then: chmod 700 DIR',
    },
    {
      title: 'below a directory that others can write',
      spoil: (store: string) => chmodSync(dirname(dirname(store)), 0o707),
      message: 'PARENT can be written by other users',
      hint: 'chmod go-w PARENT',
    },
  ])('is refused when it is $title, at once, and nothing is touched', async ({ spoil, message, hint }) => {
    const { home, store } = await makeHome();
    spoil(store);
    await new Promise(setImmediate);
    const name = (text: string): string =>
      text
        .replace('STORE', store)
        .replace('DIR', dirname(store))
        .replace('PARENT', dirname(dirname(store)));
    await expectRefusal(home, name(message), name(hint));
  });

  it.runIf(CAN_MOUNT)('is refused when it is a device', async () => {
    const { home, store } = await makeHome();
    const result = await runMesa(['auth', 'get-key', '--org', 'acme'], {
      home,
      env: UNLOCKED,
      under: withMounts(`mount --bind /dev/zero '${store}'`),
    });
    expect(result).toMatchObject({
      status: 8,
      stdout: '',
      stderr: `mesa: ${store} is not a regular file\nhint: move it away\n`,
    });
  });

  it.runIf(CAN_CHOWN).each([
    {
      title: 'the file',
      part: (store: string) => store,
      hint: 'run mesa as that user, or move the file away',
    },
    { title: 'its directory', part: (store: string) => dirname(store), hint: 'run mesa as that user' },
    {
      title: 'a directory above',
      part: (store: string) => dirname(dirname(store)),
      hint: 'run mesa as that user, or set HOME to your own home directory',
    },
  ])('is refused when $title belongs to somebody else', async ({ part, hint }) => {
    const { home, store } = await makeHome();
    chownSync(part(store), ANOTHER_USER, ANOTHER_USER);
    await expectRefusal(home, `${part(store)} belongs to another user`, hint);
  });

  it('is tightened, with a warning and once, when others could merely read it', async () => {
    const { home, store } = await makeHome();
    chmodSync(store, 0o644);
    chmodSync(dirname(store), 0o755);
    const content = readFileSync(store);
    const options = { home, env: UNLOCKED };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], options)).toMatchObject({
      status: 0,
      stdout: `${ORG}\n`,
      stderr:
        `mesa: warning: ${dirname(store)} could be listed by other users; its mode is 0700 now\n` +
        `mesa: warning: ${store} could be read by other users; its mode is 0600 now\n`,
    });
    expect([statSync(store).mode & 0o777, statSync(dirname(store)).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readFileSync(store).equals(content)).toBe(true);
    expect((await runMesa(['auth', 'get-key', '--org', 'acme'], options)).stderr).toBe('');
  });

  it('is read where nothing can be written, and a write says why it failed', async () => {
    const { home, store } = await makeHome();
    chmodSync(dirname(store), 0o500);
    const before = fingerprint(home);
    const options = { home, env: UNLOCKED, under: OBEYING_MODES };
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], options)).toMatchObject({
      status: 0,
      stdout: `${ORG}\n`,
      stderr: 'mesa: warning: this use is not in the log: permission denied\n',
    });
    expect(await runMesa(['auth', 'set-key', 'mesa_anotherOne00000'], options)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `mesa: cannot open ${dirname(store)}/.lock: permission denied\n`,
    });
    expect(fingerprint(home)).toEqual(before);
    chmodSync(dirname(store), 0o700);
  });

  it('is an error, not an empty one, when it cannot be read', async () => {
    const { home, store } = await makeHome();
    chmodSync(store, 0o000);
    for (const args of COMMANDS) {
      expect(await runMesa(['auth', ...args], { home, env: UNLOCKED, under: OBEYING_MODES })).toMatchObject({
        status: 1,
        stdout: '',
        stderr: `mesa: cannot read ${store}: permission denied\n`,
      });
    }
  });

  it.runIf(CAN_MOUNT)('is read from a read-only file system, loose modes included', async () => {
    const { home, store } = await makeHome();
    chmodSync(store, 0o644);
    chmodSync(dirname(store), 0o755);
    const under = withMounts(
      `mount --bind '${home.path}' '${home.path}'; mount -o remount,bind,ro '${home.path}'`,
    );
    expect(await runMesa(['auth', 'get-key', '--org', 'acme'], { home, env: UNLOCKED, under })).toMatchObject(
      {
        status: 0,
        stdout: `${ORG}\n`,
        stderr:
          `mesa: warning: ${store} can be read by other users, and the file system is read-only\n` +
          'mesa: warning: this use is not in the log: the file system is read-only\n',
      },
    );
    expect(await runMesa(['auth', 'rm-key', '--org', 'acme'], { home, env: UNLOCKED, under })).toMatchObject({
      status: 1,
      stdout: '',
    });
  });

  it('is replaced, not written through, when it has another name as well', async () => {
    const { home, store } = await makeHome();
    const other = join(home.path, 'hard-link');
    linkSync(store, other);
    const content = readFileSync(other);
    expect((await runMesa(['auth', 'rm-key', '--org', 'acme'], { home, env: UNLOCKED })).status).toBe(0);
    expect(readFileSync(other).equals(content)).toBe(true);
    expect(statSync(store).nlink).toBe(1);
  });
});

describe('the lock file', () => {
  it.each([
    {
      title: 'a link',
      make: (path: string) => symlinkSync('/etc/passwd', path),
      message: 'LOCK is a symbolic link',
    },
    {
      title: 'a FIFO',
      make: (path: string) => execFileSync('mkfifo', [path]),
      message: 'LOCK is not a regular file of this user',
    },
  ])('is refused when it is $title, and hinders no reading', async ({ make, message }) => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    home.write('.local/share/mesa/secrets.plaintext.toml', DOCUMENT);
    const lock = join(home.dataDir, '.lock');
    make(lock);
    const before = fingerprint(home);
    expect(await runMesa(['auth', 'set-key', 'mesa_x'], { home })).toMatchObject({
      status: 8,
      stdout: '',
      stderr: `mesa: ${message}\nhint: rm LOCK\n`.replaceAll('LOCK', lock),
    });
    expect((await runMesa(['auth', 'get-key', '--org', 'acme'], { home })).stdout).toBe(`${ORG}\n`);
    expect(fingerprint(home)).toEqual(before);
  });
});
