import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { helperWords, listCredentialHelpers } from '../../../src/git/credential-helpers.ts';
import { childEnv } from '../../support/run-mesa.ts';
import { createTempHome } from '../../support/temp-home.ts';

describe("git's credential helpers", () => {
  it('are read with their names, values and places, whatever is in them', async () => {
    const home = createTempHome();
    const env = childEnv({ home, env: { GIT_CONFIG_NOSYSTEM: '1' } });
    const helpers = [
      ['credential.helper', 'store --file /x'],
      ['credential.https://api.mesa.dev.helper', "!'/opt/my mesa/mesa' auth git-credential"],
      ['credential.helper', ''],
      ['credential.helper', 'two\nlines'],
    ] as const;
    for (const [name, value] of helpers) {
      execFileSync('git', ['config', '--global', '--add', name, value], { env });
    }
    execFileSync('git', ['config', '--global', 'credential.username', 'ada'], { env });
    expect(await listCredentialHelpers({ cwd: home.path, env })).toEqual(
      // In the order of the file, where the values of one section stand together.
      [helpers[0], helpers[2], helpers[3], helpers[1]].map(([name, value]) => ({
        origin: `file:${home.path}/.gitconfig`,
        name,
        value,
      })),
    );
  });

  it('are none without git, and none where its configuration is broken', async () => {
    const home = createTempHome();
    expect(await listCredentialHelpers({ cwd: home.path, env: { PATH: '/nowhere' } })).toEqual([]);
    home.write('.gitconfig', '[credential\n');
    expect(await listCredentialHelpers({ cwd: home.path, env: childEnv({ home }) })).toEqual([]);
  });

  it.each([
    ['store', ['git-credential-store']],
    ['mesa --x', ['git-credential-mesa', '--x']],
    ['/usr/bin/mesa auth', ['/usr/bin/mesa', 'auth']],
    ['!mesa auth git-credential', ['mesa', 'auth', 'git-credential']],
    [`!'/opt/my mesa/mesa' auth`, ['/opt/my mesa/mesa', 'auth']],
    ['!"/opt/my mesa/mesa" auth', ['/opt/my mesa/mesa', 'auth']],
    ['!~/bin/mesa auth', ['~/bin/mesa', 'auth']],
    ['!mesa auth "$X"', ['mesa', 'auth']],
    ['!$HOME/bin/mesa auth', undefined],
    ['!f() { mesa; }; f', undefined],
    ['', undefined],
  ])('start with these words when the setting is %j', (value, words) => {
    expect(helperWords(value)).toEqual(words);
  });
});
