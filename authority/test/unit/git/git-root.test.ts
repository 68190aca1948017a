import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { gitEnvironment } from '../../../src/git/git-environment.ts';
import { openGitRoot } from '../../../src/git/git-root.ts';
import { requireGit } from '../../../src/git/run-git.ts';
import { gitOutput, localRepository } from '../../support/git.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

describe('the directory of repositories', () => {
  it('is made for its owner alone, and has whole repositories without hooks', async () => {
    const directory = join(temporaryDirectory(), 'a/b');
    const root = await openGitRoot(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    await root.create('one', 'trunk');
    expect(readdirSync(directory)).toEqual(['one.git']);
    expect(root.pathOf('one')).toBe(join(directory, 'one.git'));
    expect(readFileSync(join(directory, 'one.git/HEAD'), 'utf8')).toBe('ref: refs/heads/trunk\n');
    expect(existsSync(join(directory, 'one.git/hooks'))).toBe(false);
    expect(await gitOutput(root.pathOf('one'), 'rev-parse', '--is-bare-repository')).toBe('true');
  });

  it('keeps nothing of a repository that could not be made', async () => {
    const directory = temporaryDirectory();
    const root = await openGitRoot(directory);
    await expect(root.create('one', 'no branch')).rejects.toThrow();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('changes the branch that HEAD names', async () => {
    const root = await openGitRoot(temporaryDirectory());
    await root.create('one', 'main');
    await root.setHead('one', 'a/b');
    expect(readFileSync(join(root.pathOf('one'), 'HEAD'), 'utf8')).toBe('ref: refs/heads/a/b\n');
  });

  it('removes a repository, whether or not it is there', async () => {
    const directory = temporaryDirectory();
    const root = await openGitRoot(directory);
    await root.create('one', 'main');
    await root.create('two', 'main');
    await root.remove('one');
    await root.remove('one');
    expect(readdirSync(directory)).toEqual(['two.git']);
  });

  it('ends a removal that was cut short when it is opened again', async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'one.git.deleted/objects'), { recursive: true });
    const root = await openGitRoot(directory);
    await root.create('two', 'main');
    expect(readdirSync(directory)).toEqual(['two.git']);
  });

  it('finds the head change in loose and packed refs, and none where there is no such branch', async () => {
    const none = 'z'.repeat(32);
    const root = await openGitRoot(temporaryDirectory());
    await root.create('one', 'main');
    expect(await root.headChangeId('one', 'main')).toBe(none);
    expect(await root.headChangeId('missing', 'main')).toBe(none);
    const local = await localRepository();
    await gitOutput(local, 'push', '--quiet', root.pathOf('one'), 'main:main', 'main:a/b');
    const change = await root.headChangeId('one', 'main');
    expect(change).toMatch(/^[k-z]{32}$/);
    expect(change).not.toBe(none);
    expect(await root.headChangeId('one', 'a/b')).toBe(change);
    // A directory, and below a file.
    expect(await root.headChangeId('one', 'a')).toBe(none);
    expect(await root.headChangeId('one', 'main/x')).toBe(none);
    await gitOutput(root.pathOf('one'), 'pack-refs', '--all');
    expect(await root.headChangeId('one', 'a/b')).toBe(change);
    expect(await root.headChangeId('one', 'b')).toBe(none);
  });

  it('names a head change in a damaged repository, too', async () => {
    const root = await openGitRoot(temporaryDirectory());
    await root.create('one', 'main');
    mkdirSync(join(root.pathOf('one'), 'refs/heads'), { recursive: true });
    writeFileSync(join(root.pathOf('one'), 'refs/heads/main'), '7fd1a60b01f91b314f59955a4e4d4e80d8edf11d\n');
    expect(await root.headChangeId('one', 'main')).toBe('orrkosyozysxoxsxuppqqpkxrnmrqkrz');
  });
});

describe('git as the server runs it', () => {
  it('has no variable of the server but PATH', () => {
    vi.stubEnv('MESA_AUTHORITY_KEY', 'secret');
    vi.stubEnv('GIT_DIR', '/elsewhere');
    vi.stubEnv('HOME', '/home/operator');
    const environment = gitEnvironment();
    expect(JSON.stringify(environment)).not.toMatch(/secret|elsewhere|operator/);
    expect(environment['PATH']).toBe(process.env['PATH']);
    expect(Object.keys(environment).filter((name) => !/^GIT_CONFIG_(?:KEY|VALUE)_\d+$/.test(name))).toEqual([
      'PATH',
      'HOME',
      'GIT_CONFIG_GLOBAL',
      'GIT_CONFIG_NOSYSTEM',
      'GIT_CONFIG_COUNT',
      'GIT_ALLOC_LIMIT',
      'GIT_NO_REPLACE_OBJECTS',
      'GIT_TERMINAL_PROMPT',
      'LC_ALL',
    ]);
  });

  it('must be there, and new enough', async () => {
    await expect(requireGit()).resolves.toBeUndefined();
    const bin = temporaryDirectory();
    vi.stubEnv('PATH', `${bin}:/bin`);
    writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.33.9\n', { mode: 0o755 });
    await expect(requireGit()).rejects.toMatchObject({
      message: 'git 2.33 is too old',
      hint: 'install git 2.34 or newer',
    });
    vi.stubEnv('PATH', '/nonexistent');
    await expect(requireGit()).rejects.toMatchObject({ message: 'git does not run: ENOENT' });
  });
});
