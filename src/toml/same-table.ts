import { isTable, type TomlTable, type TomlValue } from './table.ts';

/** Whether two tables hold the same names with the same values, in whatever order. */
export function sameTable(a: TomlTable, b: TomlTable): boolean {
  return a.size === b.size && [...a].every(([name, value]) => sameValue(value, b.get(name)));
}

function sameValue(a: TomlValue, b: TomlValue | undefined): boolean {
  if (a instanceof Date || b instanceof Date) {
    // Local dates and times have a form of their own, and no one moment.
    return a instanceof Date && b instanceof Date && a.toISOString() === b.toISOString();
  }
  if (isTable(a)) {
    return isTable(b) && sameTable(a, b);
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, at) => sameValue(value, b[at]));
  }
  return Object.is(a, b);
}
