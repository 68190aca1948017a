import { describe, expect, it } from 'vitest';

import { generateApiKey, isApiKey } from '../../../src/rules/api-key.ts';

// Made with Python's zlib.crc32; the last one's checksum begins with zeros.
const VECTORS = [
  'mesa_0000000000000000000000000000002C8GjS',
  'mesa_abcdefghijklmnopqrstuvwxyz01232LolCm',
  'mesa_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz4IlJEz',
  'mesa_drrYjTdd6emrCGjTGYv3HF2s7u0rih00gEpD',
];

describe('an API key', () => {
  it.each(VECTORS)('has the CRC32 of its random part at its end: %s', (key) => {
    expect(isApiKey(key)).toBe(true);
  });

  it('is refused with any one character changed', () => {
    const [key = ''] = VECTORS.slice(1);
    for (const [index, character] of key.split('').entries()) {
      const other = character === 'Q' ? 'q' : 'Q';
      expect(isApiKey(key.slice(0, index) + other + key.slice(index + 1))).toBe(false);
    }
  });

  it.each([
    ['empty', ''],
    ['cut', VECTORS[0]?.slice(0, -1) ?? ''],
    ['longer', `${VECTORS[0]}0`],
    ['followed by a line feed', `${VECTORS[0]}\n`],
    ['without its prefix', VECTORS[0]?.slice(5) ?? ''],
    ['with a prefix in capitals', VECTORS[0]?.replace('mesa', 'MESA') ?? ''],
  ])('is refused when it is %s', (_title, text) => {
    expect(isApiKey(text)).toBe(false);
  });

  it('is generated anew each time, of 30 random characters from all 62', () => {
    const keys = Array.from({ length: 2_000 }, generateApiKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every(isApiKey)).toBe(true);
    expect(new Set(keys.flatMap((key) => key.slice(5, 35).split(''))).size).toBe(62);
  });
});
