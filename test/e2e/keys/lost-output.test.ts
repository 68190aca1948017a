import { describe, expect, it } from 'vitest';

import { runShell } from '../../support/run-mesa.ts';
import { documentOf, fingerprint, writePlaintext } from '../../support/stores.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

const KEY = 'mesa_organization009f2c';

/** A home whose list is larger than a pipe holds. */
function homeWithManyKeys(): TempHome {
  const home = createTempHome();
  const keys = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, index) => [`orgs/organization-number-${index}`, KEY]),
  );
  writePlaintext(home, documentOf({ global: KEY, ...keys }));
  return home;
}

describe('output that nobody can have', () => {
  it.each([
    'auth get-key',
    'auth get-key --json',
    'auth get-key --explain',
    'auth list',
    'auth list --json',
    '--help',
    '--version',
    'auth',
  ])('on a full disk is an error of mesa %s, and a key is not shown instead', async (line) => {
    const home = homeWithManyKeys();
    const before = fingerprint(home);
    expect(await runShell(`mesa ${line} >/dev/full`, { home })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'mesa: cannot write to standard output: no space left on the device\n',
    });
    expect(fingerprint(home)).toEqual(before);
  });

  it.each(['auth get-key', 'auth list', 'auth list --json', 'auth get-key --explain', '--help', '--version'])(
    'in a pipe without a reader ends mesa %s silently, as by SIGPIPE',
    async (line) => {
      const home = homeWithManyKeys();
      // A pipe whose reading end is closed before mesa starts.
      const script = `mkfifo pipe; exec 3<>pipe 4>pipe; exec 3<&-; mesa ${line} >&4; echo $?`;
      expect(await runShell(script, { home })).toMatchObject({ stdout: '141\n', stderr: '' });
    },
  );

  it('stops a long list when its reader has seen enough', async () => {
    const home = homeWithManyKeys();
    const script = '{ mesa auth list; echo "$?" >status; } | head -2; cat status';
    const result = await runShell(script, { home });
    expect(result.stdout).toMatch(/^SCOPE +KEY +ADDED\nglobal +mesa_\*{4}9f2c +2026-11-20\n141\n$/);
    expect(result.stderr).toBe('');
  });

  it('on stderr changes neither the status nor what was done', async () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    expect(await runShell(`mesa auth set-key ${KEY} 2>/dev/full`, { home })).toMatchObject({ status: 0 });
    expect(await runShell('mesa auth get-key 2>&-', { home })).toMatchObject({
      status: 0,
      stdout: `${KEY}\n`,
    });
    expect(await runShell('mesa auth get-key --org "a/b" 2>/dev/full', { home })).toMatchObject({
      status: 2,
      stdout: '',
    });
    expect(
      await runShell('mesa auth list 2>&1 >/dev/full | true; mesa auth rm-key 2>&-', { home }),
    ).toMatchObject({
      status: 0,
    });
    expect((await runShell('mesa auth get-key', { home })).status).toBe(4);
  });

  it('comes whole to a slow reader', async () => {
    const home = homeWithManyKeys();
    const script =
      'mesa auth list --json | { sleep 0.5; cat; } >list; wc -l <list; mesa auth list --json | cmp - list';
    const result = await runShell(script, { home });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(Number(result.stdout)).toBeGreaterThan(10_000);
  });
});
