import { isTable, TomlLiteral, type TomlTable, type TomlValue } from './table.ts';

/** Whether two tables hold the same names with the same values, in whatever order. */
export function sameTable(a: TomlTable, b: TomlTable): boolean {
  return a.size === b.size && [...a].every(([name, value]) => sameValue(value, b.get(name)));
}

function sameValue(a: TomlValue, b: TomlValue | undefined): boolean {
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
  }
  if (a instanceof TomlLiteral || b instanceof TomlLiteral) {
    return a instanceof TomlLiteral && b instanceof TomlLiteral && a.text === b.text;
  }
  if (isTable(a)) {
    return isTable(b) && sameTable(a, b);
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, at) => sameValue(value, b[at]));
  }
  return Object.is(a, b);
}
