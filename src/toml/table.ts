/** A TOML value. Tables are maps: an object would make `__proto__` and `constructor` mean something. */
export type TomlValue = string | number | bigint | boolean | Date | TomlTable | readonly TomlValue[];
export type TomlTable = ReadonlyMap<string, TomlValue>;

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return value instanceof Map;
}

/** Converts a parser's plain objects to tables, at every depth. */
export function tableFromObject(object: object): TomlTable {
  return new Map(Object.entries(object).map(([name, value]) => [name, valueFrom(value)]));
}

function valueFrom(value: unknown): TomlValue {
  if (Array.isArray(value)) {
    return value.map(valueFrom);
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return tableFromObject(value);
  }
  return value as TomlValue;
}
