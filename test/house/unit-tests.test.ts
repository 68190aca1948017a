import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

it.each(['.', 'authority'])('every unit test of %s is about the source file of the same path', (place) => {
  const tests = readdirSync(join(ROOT, place, 'test/unit'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts'),
  );
  const strays = tests.filter(
    (name) => !existsSync(join(ROOT, place, 'src', name.replace(/\.test\.ts$/, '.ts'))),
  );
  expect(strays).toEqual([]);
  // Else that holds of nothing.
  expect(tests.length).toBeGreaterThan(5);
});
