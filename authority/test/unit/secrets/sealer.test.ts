import { describe, expect, it } from 'vitest';

import { createSealer } from '../../../src/secrets/sealer.ts';

const MASTER_KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const sealer = createSealer(MASTER_KEY);

describe('the sealer', () => {
  it('finds a key by HMAC-SHA-256 with a key of its own, from the master key by HKDF', () => {
    // Made with Python's hmac and RFC 5869 written out.
    expect(sealer.digest('mesa_test').toString('hex')).toBe(
      'f3dafb18a69adfa08d6520315f5d109be479a6a6fc127d3e07309a082aa412ae',
    );
    expect(sealer.fingerprint).toBe('V5Hn9YYoBf8IX8x6-Ga0iYWgg-nUNDWVDvhl72NrLFo');
  });

  it('opens what it sealed, for the same context', () => {
    expect(sealer.open(sealer.seal('secret', 'key_1'), 'key_1')).toBe('secret');
    expect(sealer.open(sealer.seal('', ''), '')).toBe('');
  });

  it('does not show the plaintext, and never seals the same bytes twice', () => {
    const [one, two] = [sealer.seal('secret', 'key_1'), sealer.seal('secret', 'key_1')];
    expect(one.equals(two)).toBe(false);
    expect(one.includes('secret')).toBe(false);
  });

  it('opens a value for no other context: one that was moved to another row stays shut', () => {
    const sealed = sealer.seal('secret', 'key_1');
    expect(() => sealer.open(sealed, 'key_2')).toThrow(Error);
    expect(() => sealer.open(sealed, '')).toThrow(Error);
  });

  it('opens nothing that another master key sealed', () => {
    const other = createSealer(Buffer.alloc(32, 7));
    expect(() => other.open(sealer.seal('secret', 'key_1'), 'key_1')).toThrow(Error);
    expect(other.digest('mesa_test').equals(sealer.digest('mesa_test'))).toBe(false);
    expect(other.fingerprint).not.toBe(sealer.fingerprint);
  });

  it('opens nothing in which a bit was changed, wherever it is', () => {
    const sealed = sealer.seal('secret', 'key_1');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const damaged = Buffer.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => sealer.open(damaged, 'key_1')).toThrow(Error);
    }
  });

  it('opens nothing that was cut, at whatever length', () => {
    const sealed = sealer.seal('secret', 'key_1');
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => sealer.open(sealed.subarray(0, length), 'key_1')).toThrow(Error);
    }
  });
});
