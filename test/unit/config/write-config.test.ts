import { chmodSync, lstatSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { writeBackend } from '../../../src/config/write-config.ts';
import { createTempHome, type TempHome } from '../../support/temp-home.ts';

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/** That `work` fails with `code` and leaves every file below the home directory as it was. */
function expectRefusal(home: TempHome, file: string, code: string): void {
  const before = [home.tree(), lstatSync(file).mtimeMs];
  expect(() => {
    writeBackend(home.config, 'plaintext-file');
  }).toThrow(expect.objectContaining({ code, exitStatus: 3 }));
  expect([home.tree(), lstatSync(file).mtimeMs]).toEqual(before);
}

describe('the choice of a backend is written', () => {
  it('to a new file, for its owner alone, in directories for their owner alone', () => {
    const home = createTempHome();
    writeBackend(home.config, 'encrypted-file');
    expect(readFileSync(home.config, 'utf8')).toBe(
      '# Configuration of mesa. Keys live in the secret store, never in this file.\n\n[secrets]\nbackend = "encrypted-file"\n',
    );
    expect(home.tree()).toEqual(['.config/', '.config/mesa/', '.config/mesa/config.toml']);
    expect([modeOf(home.config), modeOf(join(home.path, '.config/mesa'))]).toEqual([0o600, 0o700]);
  });

  it('into a file that is there, whose comments, order, line ends and mode stay', () => {
    const home = createTempHome();
    const text = "\ufeff# mine\r\n[other]\r\nz = 1\r\n\r\n[secrets] # ours\r\nbackend = 'old' # choice\r\n";
    home.write('.config/mesa/config.toml', text);
    chmodSync(home.config, 0o640);
    writeBackend(home.config, 'plaintext-file');
    expect(readFileSync(home.config, 'utf8')).toBe(text.replace("'old'", '"plaintext-file"'));
    expect(modeOf(home.config)).toBe(0o640);
    expect(home.tree()).toEqual(['.config/', '.config/mesa/', '.config/mesa/config.toml']);
  });

  it('with an unlock-timeout beside it, which a later choice leaves as it is', () => {
    const home = createTempHome();
    writeBackend(home.config, 'encrypted-file', '15m');
    const text = readFileSync(home.config, 'utf8');
    expect(text).toMatch(/\n\[secrets\]\nbackend = "encrypted-file"\nunlock-timeout = "15m"\n$/);
    writeBackend(home.config, 'plaintext-file');
    expect(readFileSync(home.config, 'utf8')).toBe(text.replace('encrypted-file', 'plaintext-file'));
  });

  it('through a symbolic link, which stays one', () => {
    const home = createTempHome();
    const target = home.write('dotfiles/mesa.toml', '# mine\n');
    home.write('.config/mesa/x', '');
    symlinkSync('../../dotfiles/mesa.toml', home.config);
    writeBackend(home.config, 'plaintext-file');
    expect(readlinkSync(home.config)).toBe('../../dotfiles/mesa.toml');
    expect(readFileSync(target, 'utf8')).toBe('# mine\n\n[secrets]\nbackend = "plaintext-file"\n');
  });

  it('not at all when it stands there already', () => {
    const home = createTempHome();
    home.useBackend('plaintext-file');
    const before = statSync(home.config);
    writeBackend(home.config, 'plaintext-file');
    const after = statSync(home.config);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });
});

describe('the choice of a backend is not written', () => {
  it('through a link that leads nowhere', () => {
    const home = createTempHome();
    home.write('.config/mesa/x', '');
    symlinkSync('nowhere.toml', home.config);
    expectRefusal(home, home.config, 'CONFIG_UNREADABLE');
  });

  it.each([
    ['that is no TOML', '[secrets\nkey = "mesa_secret"\n', 'CONFIG_SYNTAX'],
    ['whose secrets are no table', 'secrets = "mesa_secret"\n', 'CONFIG_INVALID'],
    ['that is no text', Buffer.from([0xff, 0xfe, 0x00]), 'CONFIG_UNREADABLE'],
  ])('into a file %s', (_, content, code) => {
    const home = createTempHome();
    const file = home.write('.config/mesa/config.toml', content);
    expectRefusal(home, file, code);
    expect(readFileSync(file).equals(Buffer.from(content))).toBe(true);
  });
});
