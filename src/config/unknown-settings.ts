import type { TomlTable } from '../toml/table.ts';
import { SETTINGS, type UnknownSetting } from './settings.ts';

/** What stands in `[secrets]` and nobody reads, in the order of the file. */
export async function unknownSettings(
  secrets: TomlTable,
  lineOf: (path: readonly string[]) => Promise<number | undefined>,
): Promise<readonly UnknownSetting[]> {
  const names = [...secrets.keys()].filter((name) => !SETTINGS.includes(name));
  return Promise.all(
    names.map(async (name) => ({ name, line: await lineOf(['secrets', name]), meant: nearest(name) })),
  );
}

/** The setting that is meant: written otherwise, or with a slip or two. Undefined when none is near. */
function nearest(name: string): string | undefined {
  const written = name.toLowerCase().replace(/[_. ]/g, '-');
  let best: { readonly setting: string; readonly distance: number } | undefined;
  for (const setting of SETTINGS) {
    const distance = slips(written, setting);
    if (distance <= Math.max(1, Math.floor(setting.length / 3)) && distance < (best?.distance ?? Infinity)) {
      best = { setting, distance };
    }
  }
  return best?.setting;
}

/** How many characters were left out, added, changed or swapped with the next: the distance of Damerau and Levenshtein. */
function slips(a: string, b: string): number {
  // Far from every setting, and not worth the table.
  if (Math.abs(a.length - b.length) > b.length) {
    return Infinity;
  }
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? Infinity;
}
