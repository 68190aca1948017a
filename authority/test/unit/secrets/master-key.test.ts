import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OperatorError } from '../../../src/errors.ts';
import { createMasterKey, readMasterKey } from '../../../src/secrets/master-key.ts';

const KEY = Buffer.alloc(32, 9);

describe('the master key', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mesa-master-key-'));
    path = join(directory, 'master.key');
    onTestFinished(() => rmSync(directory, { recursive: true }));
  });

  it('is made once, for its owner alone, and read back', () => {
    const key = createMasterKey(path);
    expect(key).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readMasterKey(undefined, path)).toEqual(key);
    expect(readdirSync(directory)).toEqual(['master.key']);
  });

  it('is never written over', () => {
    const before = createMasterKey(path);
    expect(() => createMasterKey(path)).toThrow(OperatorError);
    expect(readMasterKey(undefined, path)).toEqual(before);
    expect(readdirSync(directory)).toEqual(['master.key']);
  });

  it('is absent without a variable and a file, and an empty variable is none', () => {
    expect(readMasterKey(undefined, path)).toBeUndefined();
    expect(readMasterKey('', path)).toBeUndefined();
  });

  it.each([
    ['base64', 'base64'],
    ['base64url', 'base64url'],
  ] as const)('comes from the variable in %s, which has precedence', (_title, encoding) => {
    createMasterKey(path);
    expect(readMasterKey(KEY.toString(encoding), path)).toEqual(KEY);
  });

  it.each([
    ['too short', KEY.subarray(1).toString('base64')],
    ['too long', Buffer.concat([KEY, KEY]).toString('base64')],
    ['of other characters', `${'*'.repeat(43)}=`],
  ])('is refused when it is %s, without being shown', (_title, text) => {
    writeFileSync(path, text, { mode: 0o600 });
    for (const read of [() => readMasterKey(text, path), () => readMasterKey(undefined, path)]) {
      expect(read).toThrow(OperatorError);
      expect(read).not.toThrow(text);
    }
  });

  it.each([0o640, 0o604, 0o660, 0o602])('is refused from a file of mode %o, which stays', (mode) => {
    createMasterKey(path);
    const before = readFileSync(path, 'utf8');
    chmodSync(path, mode);
    expect(() => readMasterKey(undefined, path)).toThrow('is open to others');
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  it('is refused through a symbolic link', () => {
    createMasterKey(path);
    const link = join(directory, 'link');
    symlinkSync(path, link);
    expect(() => readMasterKey(undefined, link)).toThrow('cannot read the master key');
  });
});
