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
