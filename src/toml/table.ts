/** A TOML value. Tables are maps: an object would make `__proto__` and `constructor` mean something. */
export type TomlValue = string | number | bigint | boolean | Date | TomlTable | readonly TomlValue[];
export type TomlTable = ReadonlyMap<string, TomlValue>;

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return value instanceof Map;
}

/** A copy without some of its fields. */
export function tableWithout(table: TomlTable, names: ReadonlySet<string>): TomlTable {
  return new Map([...table].filter(([name]) => !names.has(name)));
}

/**
 * The moment at a name, from 1970 on; undefined when there is none, or something else. A date without an offset is
 * taken as UTC; a time of day alone, which both parsers put into the year 0, is no moment.
 */
export function momentAt(table: TomlTable, name: string): Date | undefined {
  const value = table.get(name);
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  return time >= 0 ? new Date(time) : undefined;
}

/** Deeper than anybody's, and far from the end of the stack for whatever walks a value. */
const MAX_DEPTH = 100;

/** Nothing nested more than a hundred levels is read. @throws RangeError, as the end of the stack does */
export function assertDepth(depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new RangeError('nested too deeply');
  }
}

/** Converts a parser's plain objects to tables, at every depth. @throws RangeError */
export function tableFromObject(object: object, depth = 0): TomlTable {
  assertDepth(depth);
  return new Map(Object.entries(object).map(([name, value]) => [name, valueFrom(value, depth + 1)]));
}

function valueFrom(value: unknown, depth: number): TomlValue {
  if (Array.isArray(value)) {
    assertDepth(depth);
    return value.map((element) => valueFrom(element, depth + 1));
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return tableFromObject(value, depth);
  }
  return value as TomlValue;
}

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
