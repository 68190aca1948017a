import { readFileSync } from 'node:fs';

import type { TempHome } from './temp-home.ts';

/** The keys in a plaintext store, by scope. */
export function storedKeys(home: TempHome): Readonly<Record<string, string>> {
  const text = readFileSync(home.plaintext, 'utf8');
  return Object.fromEntries(
    Array.from(text.matchAll(/^\[keys\."?([^"\]]+)"?\]\nkey = "([^"]+)"/gm), ([, scope, key]) => [
      scope,
      key,
    ]),
  );
}
